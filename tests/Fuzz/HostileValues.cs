using System.Globalization;
using System.Text.Json;

namespace TraceStore.Tests.Fuzz;

/// <summary>What a parameter holds when clients are well.</summary>
internal enum ValueKind
{
    Count,
    Seconds,
    Micros,
    Duration,
    TraceQl,
    Logfmt,
    JsonTags,
    Tag,
    Service,
    Operation,
    SpanKind,
    TraceId,
    Flag,
}

/// <summary>Values for parameters, valid and not.</summary>
internal sealed class HostileValues
{
    private static readonly string[] s_numbers =
    [
        "0", "-0", "-1", "1", "100", "101", "1000", "1001", "1500", "1501", "00012", "2147483647", "2147483648", "-2147483649", "4294967295",
        "4294967296", "9223372036854775", "9223372036854776",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615", "18446744073709551616",
        "340282366920938463463374607431768211456", "1e3", "1e999", "-1e999", "1.0", "1.5", ".5", "5.",
        "NaN", "Infinity", "-Infinity", "0x10", "0b1", "0o7", "1_000", "1,000", " 1", "1 ", "+1", "１", "٣", "1\0", "1a", "-", "--1", "(1)", "1%",
        "¼", "",
    ];

    private static readonly string[] s_durations =
    [
        "0", "0s", "1", "1ns", "1us", "1µs", "1μs", "1ms", "1.5s", "1h30m", "1d", "1w", "1y", "-1s", "+1s", ".5s", "5.s", "1e3s", "1e999s", "1.2.3s",
        "s", "ms", "1 s", "1s ", "1S", "1MS", "1min", "1s1", "1h1h1h",
        "292y", "106751d23h47m16.854775807s", "106752d", "9223372036854775807ns", "9223372036854775808ns", "99999999999999999999999h", "NaNs",
        "infs", "0x1s", "١s", "1s\0", "P1D", "PT1S", "00:00:01", "1;2", "",
    ];

    private static readonly string[] s_regexes =
    [
        "[", "]", "(", ")", "zz)|(?:.*", ")|(", "\\C", "\\", "a{1000}", "a{1001}", "a{1000000}", "a{2,1}", "(?=a)", "(?!a)", "(?<=a)b", "(?<n>a)",
        "(?P<n>a)", "(?P=n)", "\\1", "*", "+", "?", "a**", "a++", "(?i", "(?z)a",
        "\\p{L}", "\\p{Nope}", "\\pN", "[[:alpha:]]", "[z-a]", "[\\d-z]", "\\Q", "\\Q*\\E", "\\x{110000}", "\\xff", "\\u0041",
        "(((((((((a*)*)*)*)*)*)*)*)*)*", "((a{100}){100}){100}", "a|", "|", "^*", "$^", "\\b", "\\z", "\\Z", "(?s).", "(?#x)", "\ud800",
    ];

    private static readonly string[] s_json =
    [
        "null", "true", "1", "\"x\"", "[]", "[{}]", "[\"a\",\"b\"]", "{\"a\":null}", "{\"a\":1}", "{\"a\":true}", "{\"a\":1e999}", "{\"a\":[\"b\"]}",
        "{\"a\":{\"b\":\"c\"}}", "{\"a\":\"b\",\"a\":\"c\"}", "{\"a\":null,\"a\":\"c\"}", "{\"\":\"\"}",
        "{\"a\":\"\\ud800\"}", "{\"\\udc00\":\"a\"}", "{\"a\":\"\\u0000\"}", "{\"\\u0000\":\"a\"}", "{'a':'b'}", "{a:\"b\"}", "{\"a\":\"b\",}",
        "{\"a\":\"b\"}x", "{\"a\":\"b\"}{}", "{\"a\" \"b\"}", "{\"a\":}", "{\"a\"", "{,}", "/**/{}", "\ufeff{}", "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}", "{\"a\":NaN}", "{\"a\":01}", "{\"error\":\"maybe\"}", "{\"error\":\"\"}", "{\"error\":\"false\"}",
        "{\"span.kind\":\"nonsense\"}", "{\"span.kind\":\"99\"}", "{\"span.kind\":\"Server,Client\"}", "{\"otel.status_code\":\"x\"}",
        "{\"a\":\"\\\\\"}", "{\"\\\\\":\"'\"}", "{\"a\":\"\\t\\n\"}", "{\"k\":\"007\"}", "{\"k\":\"1e5\"}", "{\"k\":\"NaN\"}", "{\"k\":\"９\"}",
        "{\"k\":\"18446744073709551616\"}",
    ];

    private static readonly string[] s_traceIds =
    [
        "0", "00000000000000000000000000000000", "g", "aA", "0xaa", "aaaaaaaaaaaaaaaaaaaaaaaa000000010", new('a', 33), "ａ", "aa aa", "-1", "AAECAwQFBgcICQoLDA0ODw==",
    ];

    private readonly Random _random;
    private readonly HostileText _text;
    private readonly HostileTraceQl _traceQl;

    public HostileValues(Random random, HostileText text) => (_random, _text, _traceQl) = (random, text, new HostileTraceQl(random, text, this));

    public string Valid(ValueKind kind) => kind switch
    {
        ValueKind.Count => $"{_random.Next(1, 101)}",
        ValueKind.Seconds => $"{HostileSpans.Seconds + _random.Next(-100, 100)}",
        ValueKind.Micros => $"{(HostileSpans.Seconds * 1_000_000) + _random.Next(-100_000_000, 100_000_000)}",
        ValueKind.Duration => ValidDuration(),
        ValueKind.TraceQl => _traceQl.Valid(),
        ValueKind.Logfmt => string.Join(' ', Pairs().Select(pair => $"{pair.Key}=\"{pair.Value}\"")),
        ValueKind.JsonTags => JsonSerializer.Serialize(Pairs()),
        ValueKind.Tag => $"{_text.Pick(HostileSpans.Keys)}:{_text.Pick("v", "1", "true", "a:b", "")}",
        ValueKind.Service => _text.Pick(HostileSpans.Services),
        ValueKind.Operation => _text.Pick(HostileSpans.Operations),
        ValueKind.SpanKind => _text.Pick("server", "client", "internal", "producer", "consumer", ""),
        ValueKind.TraceId => _text.Pick(HostileSpans.TraceIds),
        _ => _text.Pick("true", "false", "1"),
    };

    public string Hostile(ValueKind kind) => _random.Next(10) switch
    {
        0 => _text.Any(),
        1 => _text.Changed(Valid(kind)),
        2 => Valid((ValueKind)_random.Next((int)ValueKind.Flag + 1)),
        _ => kind switch
        {
            ValueKind.Count or ValueKind.Seconds or ValueKind.Micros or ValueKind.Flag => HostileNumber(),
            ValueKind.Duration => HostileDuration(),
            ValueKind.TraceQl => _traceQl.Hostile(),
            ValueKind.Logfmt => HostileLogfmt(),
            ValueKind.JsonTags => _text.Pick(_text.Pick(s_json), Json(depth: 3), $"{{{JsonSerializer.Serialize(_text.Any())}:{JsonSerializer.Serialize(_text.Any())}}}"),
            ValueKind.Tag => _text.Pick(_text.Any(), $"{_text.Any()}:{_text.Any()}", $"k:{HostileNumber()}", $"span.kind:{_text.Any()}", $"error:{_text.Any()}"),
            ValueKind.TraceId => _text.Pick(s_traceIds),
            _ => _text.Any(),
        },
    };

    /// <summary>Rare: each is work for both sides.</summary>
    public string Long(ValueKind kind) => kind switch
    {
        ValueKind.TraceQl => _traceQl.Long(),
        ValueKind.Logfmt when _random.Next(3) > 0 => string.Join(' ', Enumerable.Range(0, _text.Pick(60, 1_000, 25_000)).Select(key => $"k{key}=")),
        ValueKind.Logfmt => _text.Long("a", "\"", "= ", "\\"),
        ValueKind.JsonTags when _random.Next(3) > 0 => $"{{{string.Join(',', Enumerable.Range(0, _text.Pick(60, 1_000, 12_000)).Select(key => $"\"{key}\":\"\""))}}}",
        ValueKind.JsonTags => _text.Long("[", "{\"a\":", "\"", "{}"),
        ValueKind.Tag => "a:" + _text.Long("a", ":", "\\", "ä"),
        ValueKind.Duration => _text.Long("1s", "0", "1ns", "9"),
        _ => _text.Long("1", "0", "9", " "),
    };

    public string ValidDuration() => $"{_random.Next(2_000).ToString(CultureInfo.InvariantCulture)}{_text.Pick("ns", "us", "µs", "ms", "s", "m", "h")}";

    public string ValidNumber() => _text.Pick("0", "1", "-1", "200", "1.5", "-0.25", "9223372036854775807");

    public string HostileNumber() => _text.Pick(s_numbers);

    public string HostileDuration() => _text.Pick(s_durations);

    public string HostileRegex() => _text.Pick(s_regexes);

    private string HostileLogfmt() => _random.Next(7) switch
    {
        0 => _text.Any(),
        1 => $"{_text.Any()}={_text.Any()}",
        2 => $"k={JsonSerializer.Serialize(_text.Any())}",
        3 => $"k=\"{_text.Any()}\"",
        4 => $"{Valid(ValueKind.Logfmt)} {_text.Any()}",
        5 => $"name={_text.Any()} service.name={HostileNumber()}",
        _ => $"k={HostileNumber()} status.code={_text.Any()}",
    };

    private Dictionary<string, string> Pairs() => Enumerable.Range(0, _random.Next(50) == 0 ? 40 : _random.Next(1, 4))
        .Select(number => number < 3 ? _text.Pick(HostileSpans.Keys) : $"k{number}")
        .Distinct()
        .ToDictionary(key => key, _ => _text.Pick("v", "1", "true", "two words", "-1.5"));

    private string Json(int depth) => _random.Next(depth == 0 ? 3 : 5) switch
    {
        0 => JsonSerializer.Serialize(_text.Any()),
        1 => HostileNumber(),
        2 => _text.Pick("null", "true", "false", "{}", "[]", ""),
        3 => $"[{string.Join(',', Enumerable.Range(0, _random.Next(4)).Select(_ => Json(depth - 1)))}]",
        _ => $"{{{string.Join(',', Enumerable.Range(0, _random.Next(4)).Select(_ => $"{JsonSerializer.Serialize(_text.Any())}:{Json(depth - 1)}"))}}}",
    };
}

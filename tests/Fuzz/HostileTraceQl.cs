using System.Text;

namespace TraceStore.Tests.Fuzz;

/// <summary>TraceQL by a grammar, right and wrong.</summary>
internal sealed class HostileTraceQl(Random random, HostileText text, HostileValues values)
{
    /// <summary>As many as a query may have, and some more: what is too much is for the parser to say.</summary>
    private const int MaxComparisons = 110;

    private static readonly string[] s_intrinsics =
        ["name", "span:name", "status", "span:status", "statusMessage", "kind", "span:kind", "duration", "span:duration"];

    private static readonly string[] s_rareIntrinsics =
    [
        "rootName", "rootServiceName", "traceDuration", "nestedSetParent", "parent", "nil", "trace:id", "span:id", "event:name", "link:traceID",
        "childCount", "trace:duration",
    ];

    private static readonly string[] s_scopes = [".", "span.", "resource.", "event.", "link.", "instrumentation.", "parent.", "parent.span.", "trace.", ":"];
    private static readonly string[] s_operators = ["=", "!=", "<", "<=", ">", ">=", "=~", "!~"];
    private static readonly string[] s_enums =
        ["ok", "error", "unset", "server", "client", "internal", "producer", "consumer", "unspecified", "true", "false", "nil"];

    private static readonly string[] s_pipelines =
    [
        " | count() > 2", " | rate()", " | select(name)", " | avg(duration) > 1ms", " | by(name)", " && {}", " || {name=\"x\"}", " >> {}", " &>> {}",
        " > {}", " ~ {}", " | quantile_over_time(duration, .9)",
        " with(most_recent=true)", " | compare({status=error})", " | histogram_over_time(duration) by(name)", ";", " #", " // x",
    ];

    private static readonly string[] s_tokens =
    [
        "{", "}", "(", ")", "&&", "||", "!", "-", "=", "!=", "=~", "!~", "<", ">", ">=", "|", ",", ".", "..", "span", "span.", "resource.", ".a",
        "name", "status", "error", "nil", "true",
        "0", "-1", "1e999", "1ms", "1.5.5", "0x1p3", "1_000", "5parsecs", "\"a\"", "`b`", "\"", "`", "\"\\x\"", "\"\\u00e4\"", "\"\\777\"",
        "span.\"a b\"", ".\"", "\0", "\ud800", "ä", "#", "^", "~", "@",
    ];

    public string Valid() => $"{{ {Expression(NumberOfComparisons())} }}";

    /// <summary>Half of it is refused at once; the other half is right but for what stands in its literals and names.</summary>
    public string Hostile() => random.Next(11) switch
    {
        0 => text.Changed(Valid()),
        1 => Valid() + text.Pick(s_pipelines),
        2 => $"{{{Field(isRare: true)}{text.Pick(s_operators)}{Value()}}}",
        3 => $"{{name=\"{text.Any()}\"}}",
        4 => $"{{{text.Pick(s_scopes)}{text.Any()} = {Value()}}}",
        5 => Soup(random.Next(1, 40)),
        6 => $"{{name {text.Pick("=~", "!~")} {Quoted(values.HostileRegex())}}}",
        7 => $"{{{Comparison()} && .{Key()} {text.Pick("=~", "!~")} {Quoted(values.HostileRegex())}}}",
        8 => $"{{{text.Pick("name", "statusMessage", "resource.service.name", "." + Key())} {text.Pick(s_operators)} {Quoted(text.Any())}}}",
        9 => $"{{{text.Pick(".", "span.", "resource.")}{Quoted(text.Any())} = {Quoted(text.Any())}}}",
        _ => $"{{{text.Pick("duration", "." + Key())} {text.Pick("=", ">", "<=", "!=")} {text.Pick(values.HostileNumber(), values.HostileDuration())} && {Comparison()}}}",
    };

    /// <summary>Chains, nests and texts of a length that nobody types.</summary>
    public string Long()
    {
        int times = text.Pick(101, 150, 1_000, 5_000, 43_000);
        return random.Next(8) switch
        {
            0 => $"{{{Repeat("0||", times)}0}}",
            1 => $"{{{Repeat(".a=1&&", times)}true}}",
            2 => $"{{{Repeat("(", times)}true{Repeat(")", times)}}}",
            3 => $"{{{Repeat("!", times)}true}}",
            4 => $"{{.a={Repeat("-", times)}1}}",
            5 => $"{{name=\"{text.Long()}\"}}",
            6 => $"{{name=~\"{text.Long("(", "a|", "[", "(a*)*", "a{1000}")}\"}}",
            _ => $"{{span.{text.Long("a.", "ä")}=1}}",
        };
    }

    private int NumberOfComparisons() => random.Next(50) switch
    {
        0 => random.Next(50, MaxComparisons),
        < 4 => random.Next(10, 30),
        < 15 => random.Next(4, 10),
        _ => random.Next(1, 4),
    };

    private string Expression(int comparisons)
    {
        if (comparisons == 1) return random.Next(10) == 0 ? $"!({Comparison()})" : Comparison();
        int left = random.Next(1, comparisons);
        string both = $"{Expression(left)} {text.Pick("&&", "||")} {Expression(comparisons - left)}";
        return random.Next(3) == 0 ? $"({both})" : both;
    }

    private string Comparison() => random.Next(10) switch
    {
        0 => $"duration {text.Pick("<", ">", "<=", ">=", "=", "!=")} {values.ValidDuration()}",
        1 => $"status {text.Pick("=", "!=")} {text.Pick("ok", "error", "unset")}",
        2 => $"kind {text.Pick("=", "!=")} {text.Pick("server", "client", "internal")}",
        3 => $"name {text.Pick("=", "!=", "=~", "!~")} {Quoted(text.Pick(HostileSpans.Operations))}",
        4 => $"{text.Pick("name", "resource.service.name", "." + Key())} {text.Pick("=~", "!~")} {Quoted(text.Pick(".*", "a|b", "shop.*", "^x$", "[a-z]+", "(?i)GET"))}",
        5 => $"{Quoted(text.Pick(HostileSpans.Services))} = resource.service.name",
        6 => $"{text.Pick(".", "span.", "resource.")}{Key()} {text.Pick("<", ">=", "=", "!=")} {values.ValidNumber()}",
        7 => $"{text.Pick(".", "span.")}{Key()} = {text.Pick("true", "false")}",
        _ => $"{text.Pick(".", "span.", "resource.")}{Key()} {text.Pick("=", "!=")} {Quoted(text.Pick("v", "GET", "/x", ""))}",
    };

    private string Field(bool isRare) => random.Next(3) switch
    {
        0 => text.Pick(isRare ? s_rareIntrinsics : s_intrinsics),
        1 => text.Pick(s_intrinsics),
        _ => text.Pick(s_scopes) + Key(),
    };

    private string Value() => random.Next(6) switch
    {
        0 => values.HostileNumber(),
        1 => values.HostileDuration(),
        2 => text.Pick(s_enums),
        3 => Field(isRare: false),
        4 => Quoted(values.HostileRegex()),
        _ => Quoted(text.Any()),
    };

    private string Key() => text.Pick(HostileSpans.Keys) is var key && key.All(char.IsAsciiLetterLower) ? key : Quoted(key);

    private static string Quoted(string value) => $"\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private string Soup(int tokens) => string.Join(text.Pick("", " "), Enumerable.Range(0, tokens).Select(_ => text.Pick(s_tokens)));

    private static string Repeat(string piece, int times) => new StringBuilder().Insert(0, piece, times).ToString();
}

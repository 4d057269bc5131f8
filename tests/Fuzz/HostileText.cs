using System.Text;

namespace TraceStore.Tests.Fuzz;

/// <summary>Texts that break what reads them, and the ways in which a text gets into a request line.</summary>
internal sealed class HostileText(Random random)
{
    private const int MaxLongBytes = 200_000;

    /// <summary>What means much to URLs, JSON, TraceQL, logfmt, regular expressions, SQL, shells, terminals, or to nobody.</summary>
    private static readonly string[] s_telling =
    [
        " ", "  ", "\t", "\n", "\r\n", "\0", "a\0b", "\u0001", "\u001b[31m", "\u007f", "\u0085", "\u00a0", "\u2028", "\ufeff", "\u202e", "\ufffd",
        "\uffff",
        "\ud800", "\udc00", "x\udfff", "\ud83d\ud83d", "ä", "a\u0308", "İ", "ſ", "１", "𝄞", "👩‍👩‍👧", "'", "''", "'; DROP TABLE spans; --",
        "' OR '1'='1", "\\", "\\\\",
        "\\'", "\\N", "\\0", "\\x", "\"", "\"\"", "\\\"", "`", "`;`", "{", "}", "{}", "}{", "[", "]", "[]", "(", ")", "()", "<", ">", "&", "&&", "|",
        "||", "=", "==",
        "=~", "!", "!=", "~", "^", "$", "$1", "*", "?", "+", "-", "--", "/*", "*/", "//", "/", "/../", "..", ".", ":", "::", ";", ",", "#", "@", "%",
        "%s%n", "%d",
        "{p0:String}", "{tenant:UInt8}", "{{7*7}}", "${jndi:x}", "null", "nil", "undefined", "true", "false", "NaN", "Infinity", "a=b", "a:b:c",
        "=b", "a=", ":b",
    ];

    private static readonly string[] s_brokenEscapes =
    [
        "%", "%2", "%zz", "%%", "%ff", "%c3%28", "%c0%80", "%ed%a0%80", "%f4%90%80%80", "%e2%82", "%u0041", "%00", "%0d%0a", "%2f", "%252f", "%2e%2e",
    ];

    public string Any() => random.Next(8) switch
    {
        0 => "",
        < 5 => Pick(s_telling),
        < 7 => Pick(s_telling) + Pick(s_telling) + Pick(s_telling),
        _ => Characters(random.Next(1, 40)),
    };

    /// <summary>The same many times over, or much of anything.</summary>
    public string Long(params ReadOnlySpan<string> pieces)
    {
        string piece = pieces.Length > 0 && random.Next(4) > 0 ? Pick(pieces) : random.Next(2) == 0 ? "a" : Pick(s_telling);
        int times = (random.Next(3) == 0 ? random.Next(1_000, 3_000) : MaxLongBytes) / Escaped(piece).Length;
        return new StringBuilder(piece.Length * times).Insert(0, piece, times).ToString();
    }

    /// <summary>A text that is nearly another.</summary>
    public string Changed(string text)
    {
        int at = random.Next(text.Length + 1);
        int length = random.Next(Math.Min(text.Length - at, 8) + 1);
        return random.Next(4) switch
        {
            0 => text[..at],
            1 => text.Remove(at, length),
            2 => text.Insert(at, text.Substring(at, length)),
            _ => text.Insert(at, Pick(s_telling)),
        };
    }

    /// <summary>Mostly as clients escape; sometimes twice, hardly, or wrongly.</summary>
    public string Escape(string text)
    {
        string escaped = random.Next(30) switch
        {
            0 => Escaped(Escaped(text)),
            1 => Bytes(text),
            2 => Escaped(text).Replace("%20", "+", StringComparison.Ordinal),
            3 => string.Concat(Bytes(text).Select(b => $"%{(int)b:x2}")),
            _ => Escaped(text),
        };
        return random.Next(20) > 0 ? escaped : escaped.Insert(random.Next(escaped.Length + 1), Pick(s_brokenEscapes));
    }

    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[random.Next(choices.Length)];

    private static string Escaped(string text) =>
        string.Concat(Bytes(text).Select(b => char.IsAsciiLetterOrDigit(b) || b is '-' or '.' or '_' or '~' ? $"{b}" : $"%{(int)b:X2}"));

    /// <summary>UTF-8, a character a byte; halves of surrogate pairs as three bytes, which it doesn't allow.</summary>
    public static string Bytes(string text)
    {
        var bytes = new StringBuilder(text.Length);
        for (int at = 0; at < text.Length;)
        {
            bool isWhole = Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out int length) == System.Buffers.OperationStatus.Done;
            if (isWhole) bytes.Append(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(rune.ToString())));
            else bytes.Append((char)(0xE0 | (text[at] >> 12))).Append((char)(0x80 | ((text[at] >> 6) & 0x3F))).Append((char)(0x80 | (text[at] & 0x3F)));
            at += length;
        }

        return bytes.ToString();
    }

    private string Characters(int count) => string.Concat(Enumerable.Range(0, count).Select(_ => (char)random.Next(random.Next(3) == 0 ? 0x10000 : 0x80)));
}

using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace TraceStore.Query.TraceQl;

/// <summary>
/// Text in quotes as Go reads it (strconv.Unquote), which TraceQL and logfmt share: <c>"\u00e4\x41\101\a"</c>, and in
/// backticks what stands there. Escapes give bytes; what isn't UTF-8 then becomes U+FFFD, as it is shown.
/// </summary>
internal static class QuotedText
{
    /// <summary>Reads the text whose opening quote stands at <paramref name="position"/>, and moves behind the closing one.</summary>
    /// <returns>Null where it can't be read: <paramref name="position"/> is then where, and <paramref name="problem"/> says why.</returns>
    public static string? Read(string source, ref int position, out string problem)
    {
        int start = position;
        char quote = source[position++];
        var bytes = new List<byte>();
        Span<byte> utf8 = stackalloc byte[4];
        while (position < source.Length && source[position] != quote)
        {
            if (source[position] == '\\' && quote != '`')
            {
                if (!TryReadEscape(source, ref position, bytes, out problem)) return null;
                continue;
            }

            // Half a surrogate pair becomes U+FFFD.
            Rune.DecodeFromUtf16(source.AsSpan(position), out Rune rune, out int length);
            bytes.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
            position += length;
        }

        problem = "this string has no end";
        if (position >= source.Length)
        {
            position = start;
            return null;
        }

        position++;
        return System.Text.Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(bytes));
    }

    private static bool TryReadEscape(string source, ref int position, List<byte> bytes, out string problem)
    {
        char kind = position + 1 < source.Length ? source[position + 1] : '\0';
        problem = $"'\\{kind}' is no escape; write '\\\\' for a backslash, or put the string in backticks";
        int digits = kind switch { 'x' => 2, 'u' => 4, 'U' => 8, >= '0' and <= '7' => 3, _ => 0 };
        if (digits == 0)
        {
            const string letters = "abfnrtv\\\"";
            const string meanings = "\a\b\f\n\r\t\v\\\"";
            int letter = letters.IndexOf(kind, StringComparison.Ordinal);
            if (letter < 0) return false;
            bytes.Add((byte)meanings[letter]);
            position += 2;
            return true;
        }

        bool isOctal = char.IsAsciiDigit(kind);
        int from = position + (isOctal ? 1 : 2);
        if (from + digits > source.Length || !TryReadNumber(source.AsSpan(from, digits), isOctal ? 8u : 16u, out uint number)) return false;
        if (kind is 'u' or 'U')
        {
            if (!Rune.TryCreate(number, out Rune rune)) return false;
            Span<byte> utf8 = stackalloc byte[4];
            bytes.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
        }
        else
        {
            if (number > byte.MaxValue) return false;
            bytes.Add((byte)number);
        }

        position = from + digits;
        return true;
    }

    private static bool TryReadNumber(ReadOnlySpan<char> digits, uint numberBase, out uint number)
    {
        number = 0;
        foreach (char digit in digits)
        {
            if (!char.IsAsciiHexDigit(digit)) return false;
            uint value = uint.Parse([digit], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (value >= numberBase) return false;
            number = (number * numberBase) + value;
        }

        return true;
    }
}

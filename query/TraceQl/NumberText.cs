using System.Globalization;

namespace TraceStore.Query.TraceQl;

/// <summary>
/// Numbers as Go writes them (The Go Programming Language Specification, "Integer literals", "Floating-point literals"):
/// <c>42</c>, <c>1_000</c>, <c>0x1f</c>, <c>0b101</c>, <c>0o17</c>, <c>.5</c>, <c>1e-3</c>, <c>0x1p-2</c>.
/// </summary>
internal static class NumberText
{
    /// <summary>Reads a number without a sign: a long, or a double where it is no whole one or too large.</summary>
    public static object? Read(string text)
    {
        string digits = text.Replace("_", "", StringComparison.Ordinal);
        if (digits.Length < text.Length && (text.StartsWith('_') || text.EndsWith('_') || text.Contains("__", StringComparison.Ordinal))) return null;
        if (digits.Length > 2 && digits[0] == '0' && !char.IsAsciiDigit(digits[1]) && digits[1] is not ('.' or 'e' or 'E')) return ReadPrefixed(digits);
        if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long integer)) return integer;
        const NumberStyles styles = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return double.TryParse(digits, styles, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? number : null;
    }

    private static object? ReadPrefixed(string digits)
    {
        int numberBase = char.ToLowerInvariant(digits[1]) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 };
        if (numberBase == 0) return null;
        if (numberBase == 16 && digits.AsSpan().ContainsAny('p', 'P')) return ReadHexFloat(digits.AsSpan(2));
        ulong number = 0;
        foreach (char digit in digits.AsSpan(2))
        {
            if (!char.IsAsciiHexDigit(digit)) return null;
            int value = int.Parse([digit], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (value >= numberBase || number > ((ulong)long.MaxValue - (ulong)value) / (ulong)numberBase) return null;
            number = (number * (ulong)numberBase) + (ulong)value;
        }

        return (long)number;
    }

    /// <summary>A mantissa in hexadecimal, with a point or without, times a power of two.</summary>
    private static double? ReadHexFloat(ReadOnlySpan<char> text)
    {
        int power = text.IndexOfAny('p', 'P');
        if (!int.TryParse(text[(power + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int exponent)) return null;
        double mantissa = 0;
        bool isBehindPoint = false;
        foreach (char digit in text[..power])
        {
            if (digit == '.' && !isBehindPoint)
            {
                isBehindPoint = true;
                continue;
            }

            if (!char.IsAsciiHexDigit(digit)) return null;
            mantissa = (mantissa * 16) + int.Parse([digit], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (isBehindPoint) exponent -= 4;
        }

        double number = Math.ScaleB(mantissa, exponent);
        return power > 0 && double.IsFinite(number) ? number : null;
    }
}

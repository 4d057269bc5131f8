using System.Buffers;
using System.Globalization;

namespace TraceStore.Query.TraceQl;

/// <summary>Durations as Go writes them, which TraceQL, Tempo and Jaeger share: <c>1h30m</c>, <c>1.5ms</c>, <c>250us</c>.</summary>
public static class DurationText
{
    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789.");

    private static readonly (string Unit, double Nanoseconds)[] s_units =
    [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9), ("d", 24 * 3600e9),
    ];

    /// <summary>Reads a duration that is not negative, in nanoseconds.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out long nanoseconds)
    {
        nanoseconds = 0;
        if (text.IsEmpty) return false;
        if (text is "0") return true;
        double total = 0;
        while (!text.IsEmpty)
        {
            int digits = text.IndexOfAnyExcept(s_digits);
            if (digits <= 0 || !double.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)) return false;
            text = text[digits..];
            int unit = text.IndexOfAny(s_digits);
            ReadOnlySpan<char> name = unit < 0 ? text : text[..unit];
            if (!TryFindUnit(name, out double factor)) return false;
            total += number * factor;
            text = text[name.Length..];
            if (total > long.MaxValue) return false;
            nanoseconds = (long)Math.Round(total);
        }

        return true;
    }

    private static bool TryFindUnit(ReadOnlySpan<char> name, out double nanoseconds)
    {
        foreach ((string unit, double factor) in s_units)
        {
            if (!name.SequenceEqual(unit)) continue;
            nanoseconds = factor;
            return true;
        }

        nanoseconds = 0;
        return false;
    }
}

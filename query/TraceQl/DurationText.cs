using System.Buffers;
using System.Globalization;

namespace TraceStore.Query.TraceQl;

/// <summary>
/// Durations as Go and Prometheus write them, which TraceQL, Tempo and Jaeger share: <c>1h30m</c>, <c>1.5ms</c>,
/// <c>250us</c>, <c>2w</c>.
/// </summary>
public static class DurationText
{
    private const int MaxDigits = 19; // more don't fit into 64 bits, or are less than a nanosecond

    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789.");

    private static readonly (string Unit, decimal Nanoseconds)[] s_units =
    [
        ("ns", 1), ("us", 1e3m), ("µs", 1e3m), ("μs", 1e3m), ("ms", 1e6m), ("s", 1e9m), ("m", 60e9m), ("h", 3600e9m),
        ("d", 24 * 3600e9m), ("w", 7 * 24 * 3600e9m), ("y", 365 * 24 * 3600e9m),
    ];

    /// <summary>Reads a duration that is not negative, in nanoseconds.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out long nanoseconds)
    {
        nanoseconds = 0;
        if (text.IsEmpty) return false;
        if (text is "0") return true;
        decimal total = 0;
        while (!text.IsEmpty)
        {
            int digits = text.IndexOfAnyExcept(s_digits);
            if (digits is <= 0 or > MaxDigits || !decimal.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)) return false;
            text = text[digits..];
            int unit = text.IndexOfAny(s_digits);
            ReadOnlySpan<char> name = unit < 0 ? text : text[..unit];
            if (!TryFindUnit(name, out decimal factor) || number > long.MaxValue / factor) return false;
            total += number * factor;
            text = text[name.Length..];
            if (total > long.MaxValue) return false;
        }

        nanoseconds = (long)Math.Round(total);
        return true;
    }

    private static bool TryFindUnit(ReadOnlySpan<char> name, out decimal nanoseconds)
    {
        foreach ((string unit, decimal factor) in s_units)
        {
            if (!name.SequenceEqual(unit)) continue;
            nanoseconds = factor;
            return true;
        }

        nanoseconds = 0;
        return false;
    }
}

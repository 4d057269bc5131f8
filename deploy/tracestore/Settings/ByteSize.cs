using System.Globalization;

namespace TraceStore.Settings;

/// <summary>Sizes as people write them: <c>512MiB</c>, <c>10GB</c>, <c>65536</c>.</summary>
internal static class ByteSize
{
    private static readonly (string Unit, long Bytes)[] s_units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1), ("", 1),
    ];

    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        foreach ((string unit, long factor) in s_units)
        {
            if (!text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)) continue;
            ReadOnlySpan<char> number = text.AsSpan(0, text.Length - unit.Length).Trim();
            if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value)) continue;
            if (value > (decimal)long.MaxValue / factor) return false;
            bytes = (long)(value * factor);
            return true;
        }

        return false;
    }

    /// <summary>In the largest unit that shows it as a whole number.</summary>
    public static string Show(long bytes)
    {
        (string unit, long factor) = s_units.Take(4).LastOrDefault(unit => bytes != 0 && bytes % unit.Bytes == 0, ("B", 1));
        return string.Create(CultureInfo.InvariantCulture, $"{bytes / factor}{unit}");
    }
}

using System.Globalization;
using System.Text;

namespace TraceStore.Terminal;

/// <summary>Numbers and texts as people read them in a terminal.</summary>
internal static class TerminalText
{
    public static string Duration(ulong nanoseconds) => nanoseconds switch
    {
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e3:0.#} µs"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e6:0.0} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e9:0.00} s"),
    };

    /// <summary>A time, UTC; the last that there is where it is later.</summary>
    public static string Time(ulong unixNano) =>
        DateTime.UnixEpoch.AddTicks((long)Math.Min(unixNano / 100, (ulong)(DateTime.MaxValue - DateTime.UnixEpoch).Ticks)).ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);

    public static string Count(long count, string what) => count == 1 ? $"1 {what}" : string.Create(CultureInfo.InvariantCulture, $"{count} {what}s");

    /// <summary>On one line: a control character would break the drawing, or the terminal.</summary>
    public static string Line(string text) => string.Concat(text.Select(character => char.IsControl(character) ? ' ' : character));

    /// <inheritdoc cref="Line(string)"/>
    public static string Line(ReadOnlySpan<byte> utf8) => Line(Encoding.UTF8.GetString(utf8));

    /// <summary>A part of a whole, so many cells wide.</summary>
    public static string Bar(double part, double whole, int cells)
    {
        int length = whole > 0 ? Math.Clamp((int)Math.Round(part / whole * cells), 1, cells) : 1;
        return new string('━', length).PadRight(cells);
    }

    /// <summary>Values as columns of eight heights, the highest for the largest; a gap for what isn't a number.</summary>
    public static string Sparkline(IReadOnlyList<double> values)
    {
        const string heights = "▁▂▃▄▅▆▇█";
        double most = values.Where(double.IsFinite).DefaultIfEmpty(0).Max();
        return string.Concat(values.Select(value => double.IsFinite(value) ? heights[most > 0 ? Math.Clamp((int)Math.Ceiling(value / most * heights.Length) - 1, 0, heights.Length - 1) : 0] : ' '));
    }
}

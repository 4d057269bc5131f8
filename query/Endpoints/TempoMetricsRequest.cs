using System.Globalization;
using Microsoft.AspNetCore.Http;
using TraceStore.Query.Evaluation;
using TraceStore.Query.Planning;
using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Endpoints;

/// <summary>Reads the parameters of Tempo's metrics queries into a plan: q in TraceQL, the range, its step, exemplars.</summary>
internal static class TempoMetricsRequest
{
    private const int MaxExemplars = 100;

    /// <summary>As many points as Prometheus gives of a series at most.</summary>
    private const int MaxSteps = 11_000;

    /// <summary>About so many where nobody says.</summary>
    private const ulong UsualSteps = 120;

    private const ulong NanosecondsPerSecond = 1_000_000_000;
    private const int MostDigitsOfSeconds = 10;
    private static readonly long s_usualSince = TimeSpan.FromHours(1).Ticks * TimeSpan.NanosecondsPerTick;

    /// <param name="query">The parameters.</param>
    /// <param name="isInstant">Whether the whole range is one step.</param>
    /// <param name="now">Where the range ends, when nobody says.</param>
    public static MetricsPlan Read(IQueryCollection query, bool isInstant, DateTimeOffset now)
    {
        string text = query.Text("q") ?? query.Text("query") ?? throw new BadRequestException("q: a metrics query in TraceQL was expected, such as {} | rate().");
        ulong end = ReadTime(query, "end") ?? (ulong)(now - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
        ulong since = (ulong)(query.Duration("since") ?? s_usualSince);
        ulong start = ReadTime(query, "start") ?? (end > since ? end - since : 0);
        if (end <= start) throw new BadRequestException($"The range ends ({query.Text("end") ?? "now"}) before it starts ({query.Text("start")}).");
        ulong step = isInstant ? end - start : ReadStep(query, end - start);
        return new MetricsPlan(
            TraceQlParser.Parse(text),
            step >= end - start ? MetricsRange.Whole(start, end) : MetricsRange.Of(start - (start % step), (end + step - 1) / step * step, step),
            (int)(query.Number("exemplars", 0, int.MaxValue) is { } wanted ? Math.Min(wanted, MaxExemplars) : 0));
    }

    /// <summary>A Go duration, or seconds; about a hundredth of the range where nobody says, as people count.</summary>
    private static ulong ReadStep(IQueryCollection query, ulong range)
    {
        if (query.Text("step") is not { } text)
        {
            ulong[] usual = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800];
            return usual.Concat([86_400ul]).FirstOrDefault(seconds => range / (seconds * NanosecondsPerSecond) <= UsualSteps, 7 * 86_400ul) * NanosecondsPerSecond;
        }

        bool isSeconds = decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds) && seconds < long.MaxValue / (decimal)NanosecondsPerSecond;
        long step = isSeconds ? (long)(seconds * NanosecondsPerSecond) : DurationText.TryParse(text, out long nanoseconds) ? nanoseconds : 0;
        if (step < TimeSpan.TicksPerMillisecond * TimeSpan.NanosecondsPerTick) throw new BadRequestException($"{RequestParameters.Show("step", text)}: a duration of a millisecond or more was expected, such as 30s or 1.5.");
        return range / (ulong)step < MaxSteps ? (ulong)step : throw new BadRequestException($"{RequestParameters.Show("step", text)}: the range exceeds {MaxSteps} steps. Ask for less time, or for larger steps.");
    }

    /// <summary>Seconds, with a part of one or without; nanoseconds, which have more digits; or as RFC 3339 writes it.</summary>
    private static ulong? ReadTime(IQueryCollection query, string name)
    {
        if (query.Text(name) is not { } text) return null;
        if (text.All(char.IsAsciiDigit) && ulong.TryParse(text, CultureInfo.InvariantCulture, out ulong whole) && whole <= long.MaxValue) return text.Length <= MostDigitsOfSeconds ? whole * NanosecondsPerSecond : whole;
        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds) && seconds <= uint.MaxValue) return (ulong)(seconds * NanosecondsPerSecond);
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) && time >= DateTimeOffset.UnixEpoch) return (ulong)(time - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
        throw new BadRequestException($"{RequestParameters.Show(name, text)}: a time was expected, in seconds or nanoseconds since 1970 or as in 2026-11-26T10:15:00Z.");
    }
}

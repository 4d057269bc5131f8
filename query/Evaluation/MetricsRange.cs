namespace TraceStore.Query.Evaluation;

/// <summary>
/// The steps of a metrics query. Each is told at its end, and has what started since the end of the one before; the ends are multiples of the step,
/// so that asking again a moment later gives the same steps.
/// </summary>
public sealed record MetricsRange
{
    private const ulong NanosecondsPerMillisecond = 1_000_000;
    private const double NanosecondsPerSecond = 1e9;

    private readonly ulong _step, _first;

    private MetricsRange(ulong start, ulong end, ulong step, double secondsPerStep)
    {
        (Start, End, _step, SecondsPerStep) = (start, end, step, secondsPerStep);
        _first = start / step;
        Count = checked((int)(((end - 1) / step) - _first + 1));
    }

    /// <summary>Nanoseconds since 1970.</summary>
    public ulong Start { get; }

    /// <summary>The same; what starts then or later isn't meant.</summary>
    public ulong End { get; }

    /// <summary>How many steps there are.</summary>
    public int Count { get; }

    public double SecondsPerStep { get; }

    /// <summary>Steps of so many nanoseconds; the end is behind the start.</summary>
    public static MetricsRange Of(ulong start, ulong end, ulong step) => new(start, end, step, step / NanosecondsPerSecond);

    /// <summary>The range as one step.</summary>
    public static MetricsRange Whole(ulong start, ulong end) => new(start, end, end, (end - start) / NanosecondsPerSecond);

    /// <summary>The step that a span is of; null for none.</summary>
    public int? StepOf(ulong unixNano) => unixNano >= Start && unixNano < End ? (int)((unixNano / _step) - _first) : null;

    /// <summary>When a step ends, in milliseconds since 1970.</summary>
    public long TimestampMs(int step) => (long)((_first + (ulong)step + 1) * _step / NanosecondsPerMillisecond);
}

namespace TraceStore.Storage.Otlp;

/// <summary>Which rule a span breaks.</summary>
public enum RejectionReason
{
    /// <summary>A trace, span or parent ID of the wrong length, or all zero.</summary>
    InvalidId,

    /// <summary>Over <see cref="OtlpLimits.MaxAttributes"/>.</summary>
    AttributeCount,

    /// <summary>Over <see cref="OtlpLimits.MaxNestingDepth"/>.</summary>
    NestingDepth,

    /// <summary>Over <see cref="OtlpLimits.MaxValueBytes"/>.</summary>
    ValueLength,
}

/// <summary>A span that can't be stored, or a resource or scope whose spans can't.</summary>
/// <param name="Description">Names it by what it has: place, name, span ID.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record RejectedSpan(string Description, string Reason)
{
    public override string ToString() => $"{Description}: {Reason}";
}

/// <summary>
/// The spans of a request that can't be stored: all by their place among its spans, in runs, and the first few in words. A
/// request may hold millions of bad spans of two bytes each, so there is no object for every one.
/// </summary>
public sealed class RejectedSpans
{
    /// <summary>Spans that are told in words at most.</summary>
    public const int MaxNamed = 10;

    private readonly List<(int First, int End)> _runs = [];
    private readonly List<RejectedSpan> _named = [];
    private readonly int[] _counts = new int[Enum.GetValues<RejectionReason>().Length];

    public int Count { get; private set; }

    /// <summary>The first of them.</summary>
    public IReadOnlyList<RejectedSpan> Named => _named;

    /// <summary>How many spans those words are about.</summary>
    public int NamedSpans { get; private set; }

    /// <summary>How many there are for one reason.</summary>
    public int CountOf(RejectionReason reason) => _counts[(int)reason];

    /// <summary>Adds the spans from a place up to another, behind or around all that were added before.</summary>
    /// <param name="first">The place of the first, counted from 0.</param>
    /// <param name="end">The place behind the last.</param>
    /// <param name="reason">Which rule they break.</param>
    /// <param name="describe">Says it in words; asked while few are named.</param>
    public void Add(int first, int end, RejectionReason reason, Func<RejectedSpan> describe)
    {
        if (first == end) return;
        int added = end - first;
        bool isNamed = _named.Count < MaxNamed;
        if (isNamed) _named.Add(describe());
        while (_runs.Count > 0 && _runs[^1].End >= first)
        {
            (int runFirst, int runEnd) = _runs[^1];
            added -= Math.Max(0, runEnd - Math.Max(runFirst, first));
            first = Math.Min(first, runFirst);
            _runs.RemoveAt(_runs.Count - 1);
        }

        _runs.Add((first, end));
        if (isNamed) NamedSpans += added;
        _counts[(int)reason] += added;
        Count += added;
    }

    /// <summary>Whether the span at a place, counted from 0, is among them.</summary>
    public bool Contains(int ordinal)
    {
        int next = _runs.BinarySearch((ordinal, int.MaxValue));
        int run = next < 0 ? ~next - 1 : next;
        return run >= 0 && ordinal < _runs[run].End;
    }
}

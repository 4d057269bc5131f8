namespace TraceStore.Storage.Otlp;

/// <summary>A span that can't be stored.</summary>
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

    public int Count { get; private set; }

    /// <summary>The first of them.</summary>
    public IReadOnlyList<RejectedSpan> Named => _named;

    /// <summary>Adds the span at a place behind all that were added before; in words while there are few.</summary>
    public void Add(int ordinal, RejectedSpan? named)
    {
        if (named is not null) _named.Add(named);
        if (_runs.Count > 0 && _runs[^1].End == ordinal) _runs[^1] = (_runs[^1].First, ordinal + 1);
        else _runs.Add((ordinal, ordinal + 1));
        Count++;
    }

    /// <summary>Whether the span at a place, counted from 0, is among them.</summary>
    public bool Contains(int ordinal)
    {
        int next = _runs.BinarySearch((ordinal, int.MaxValue));
        int run = next < 0 ? ~next - 1 : next;
        return run >= 0 && ordinal < _runs[run].End;
    }
}

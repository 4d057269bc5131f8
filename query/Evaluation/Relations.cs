using TraceStore.Query.TraceQl;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Evaluation;

/// <summary>
/// How spans of a trace are related (Grafana Tempo's documentation of TraceQL, "Structural"). Pure; each takes time as the trace has spans. What is known
/// of the tree counts, whether or not its root has come: spans that name the same parent are siblings also where that one is missing.
/// </summary>
internal static class Relations
{
    /// <summary>Of the right spans, those that are so related to one of the left; and, for unions, those of the left as well.</summary>
    public static HashSet<EvaluatedSpan> Of(SpansetOperator relation, EvaluatedTrace trace, HashSet<EvaluatedSpan> left, HashSet<EvaluatedSpan> right) => relation switch
    {
        SpansetOperator.And => left.Count > 0 && right.Count > 0 ? [.. left, .. right] : [],
        SpansetOperator.Union => [.. left, .. right],
        SpansetOperator.Child => Children(left, right),
        SpansetOperator.Parent => Parents(left, right),
        SpansetOperator.Descendant => Descendants(trace, left, right),
        SpansetOperator.Ancestor => Ancestors(trace, left, right),
        SpansetOperator.Sibling => Siblings(left, right),
        SpansetOperator.NotChild => [.. right.Except(Children(left, right))],
        SpansetOperator.NotParent => [.. right.Except(Parents(left, right))],
        SpansetOperator.NotDescendant => [.. right.Except(Descendants(trace, left, right))],
        SpansetOperator.NotAncestor => [.. right.Except(Ancestors(trace, left, right))],
        SpansetOperator.NotSibling => [.. right.Except(Siblings(left, right))],
        SpansetOperator.UnionChild => [.. Children(left, right), .. Parents(right, left)],
        SpansetOperator.UnionParent => [.. Parents(left, right), .. Children(right, left)],
        SpansetOperator.UnionDescendant => [.. Descendants(trace, left, right), .. Ancestors(trace, right, left)],
        SpansetOperator.UnionAncestor => [.. Ancestors(trace, left, right), .. Descendants(trace, right, left)],
        _ => [.. Siblings(left, right), .. Siblings(right, left)],
    };

    private static HashSet<EvaluatedSpan> Children(HashSet<EvaluatedSpan> of, HashSet<EvaluatedSpan> among) =>
        [.. among.Where(span => span.Parent is { } parent && of.Contains(parent))];

    private static HashSet<EvaluatedSpan> Parents(HashSet<EvaluatedSpan> of, HashSet<EvaluatedSpan> among)
    {
        HashSet<EvaluatedSpan> parents = [.. of.Select(span => span.Parent).OfType<EvaluatedSpan>()];
        parents.IntersectWith(among);
        return parents;
    }

    private static HashSet<EvaluatedSpan> Descendants(EvaluatedTrace trace, HashSet<EvaluatedSpan> of, HashSet<EvaluatedSpan> among)
    {
        HashSet<EvaluatedSpan> below = [], found = [];
        foreach (EvaluatedSpan span in trace.ParentsFirst)
        {
            if (span.Parent is not { } parent || !(of.Contains(parent) || below.Contains(parent))) continue;
            below.Add(span);
            if (among.Contains(span)) found.Add(span);
        }

        return found;
    }

    private static HashSet<EvaluatedSpan> Ancestors(EvaluatedTrace trace, HashSet<EvaluatedSpan> of, HashSet<EvaluatedSpan> among)
    {
        HashSet<EvaluatedSpan> above = [];
        foreach (EvaluatedSpan span in trace.ParentsFirst.Reverse())
        {
            if (span.Parent is { } parent && (of.Contains(span) || above.Contains(span))) above.Add(parent);
        }

        above.IntersectWith(among);
        return above;
    }

    private static HashSet<EvaluatedSpan> Siblings(HashSet<EvaluatedSpan> of, HashSet<EvaluatedSpan> among)
    {
        Dictionary<SpanId, int> named = of.Where(span => !span.Place.ParentId.IsNone).CountBy(span => span.Place.ParentId).ToDictionary();
        return [.. among.Where(span => named.GetValueOrDefault(span.Place.ParentId) > (of.Contains(span) ? 1 : 0))];
    }
}

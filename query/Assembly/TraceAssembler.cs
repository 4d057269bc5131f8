using TraceStore.Storage.Spans;

namespace TraceStore.Query.Assembly;

/// <summary>
/// Puts traces together from rows: the one place where that is done, so that every API shows the same trace.
/// <list type="number">
/// <item>Group the rows by trace.</item>
/// <item>Take rows with equal (trace ID, span ID, kind) and equal content as one span: a resend that slipped through.</item>
/// <item>Order by start time, then span ID.</item>
/// <item>Find each span's parent; mark spans whose parent hasn't come.</item>
/// <item>Cut cycles.</item>
/// <item>Find the root.</item>
/// </list>
/// </summary>
public static class TraceAssembler
{
    private const int ServerKind = 2;
    private const int ConsumerKind = 5;

    private static readonly Comparer<TraceSpan> s_order = Comparer<TraceSpan>.Create(Compare);

    /// <summary>Assembles all traces of a batch.</summary>
    /// <param name="spans">Rows; the columns of IDs, kind and times must be filled.</param>
    /// <param name="contentOf">A hash of all that was read of a row; asked only where IDs and kind are equal.</param>
    public static IReadOnlyDictionary<TraceId, AssembledTrace> Assemble(SpanBatch spans, Func<int, UInt128> contentOf)
    {
        // 1
        var traces = new Dictionary<TraceId, List<TraceSpan>>();
        for (int row = 0; row < spans.Count; row++)
        {
            var id = TraceId.Read(spans.TraceId[row]);
            if (!traces.TryGetValue(id, out List<TraceSpan>? members)) traces.Add(id, members = []);
            members.Add(new TraceSpan(
                row,
                SpanId.Read(spans.SpanId(row)),
                SpanId.Read(spans.ParentSpanId(row)),
                spans.Kind[row],
                spans.StartTimeUnixNano[row],
                spans.EndTimeUnixNano(row)));
        }

        return traces.ToDictionary(trace => trace.Key, trace => Assemble(trace.Key, trace.Value, contentOf));
    }

    private static AssembledTrace Assemble(TraceId id, List<TraceSpan> rows, Func<int, UInt128> contentOf)
    {
        List<TraceSpan> spans = WithoutResends(rows, contentOf); // 2
        spans.Sort(s_order); // 3
        FindParents(spans); // 4
        CutCycles(spans); // 5
        foreach (TraceSpan span in spans) span.Parent?.Children.Add(span);
        return new AssembledTrace(id, spans, spans.Find(span => span.ParentId.IsNone)); // 6
    }

    private static List<TraceSpan> WithoutResends(List<TraceSpan> rows, Func<int, UInt128> contentOf)
    {
        var spans = new List<TraceSpan>(rows.Count);
        foreach (IGrouping<(SpanId, int), TraceSpan> same in rows.GroupBy(row => (row.Id, row.Kind)))
        {
            if (!same.Skip(1).Any())
            {
                spans.Add(same.First());
                continue;
            }

            List<TraceSpan> distinct = [.. same.DistinctBy(row => contentOf(row.Row))];
            if (distinct.Count > 1) distinct.ForEach(twin => twin.Oddity |= SpanOddity.Twin);
            spans.AddRange(distinct);
        }

        return spans;
    }

    private static int Compare(TraceSpan left, TraceSpan right)
    {
        int byStart = left.StartTimeUnixNano.CompareTo(right.StartTimeUnixNano);
        if (byStart != 0) return byStart;
        int byId = left.Id.Value.CompareTo(right.Id.Value);
        return byId != 0 ? byId : left.Kind.CompareTo(right.Kind);
    }

    private static void FindParents(List<TraceSpan> spans)
    {
        // Where client and server share an ID (as Zipkin has it), work done for the call hangs below the server's half.
        var best = new Dictionary<SpanId, TraceSpan>();
        foreach (TraceSpan span in spans)
        {
            if (!best.TryAdd(span.Id, span) && span.Kind is ServerKind or ConsumerKind) best[span.Id] = span;
        }

        foreach (TraceSpan span in spans.Where(span => !span.ParentId.IsNone))
        {
            span.Parent = best.GetValueOrDefault(span.ParentId);
            if (span.Parent is null) span.Oddity |= SpanOddity.Orphan;
        }
    }

    /// <summary>Marks the spans of each cycle, and takes its parent from the earliest of them.</summary>
    private static void CutCycles(List<TraceSpan> spans)
    {
        var done = new HashSet<TraceSpan>(ReferenceEqualityComparer.Instance);
        foreach (TraceSpan start in spans)
        {
            List<TraceSpan> line = [];
            var onLine = new HashSet<TraceSpan>(ReferenceEqualityComparer.Instance);
            TraceSpan? at = start;
            for (; at is not null && !done.Contains(at) && onLine.Add(at); at = at.Parent) line.Add(at);
            if (at is not null && onLine.Contains(at))
            {
                List<TraceSpan> cycle = line[line.IndexOf(at)..];
                foreach (TraceSpan member in cycle) member.Oddity |= SpanOddity.Cycle;
                cycle.Min(s_order)!.Parent = null;
            }

            done.UnionWith(line);
        }
    }
}

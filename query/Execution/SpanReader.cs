using TraceStore.Query.Sql;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Execution;

/// <summary>Reads traces' spans: what is recent, and what is stored but for that.</summary>
internal sealed class SpanReader(ClickHouseDatabase database, RecentSpans recent, TraceSql sql, TraceLocator locator)
{
    /// <summary>At most one span more than are asked for: then there were more.</summary>
    public async Task<SpanBatch> ReadAsync(IReadOnlyCollection<TraceId> traces, int maxSpans, Action<int> noteRead, CancellationToken cancellation)
    {
        var spans = new SpanBatch();
        SegmentRange? copied = recent.Copy(traces, spans);
        try
        {
            noteRead((int)NativeBlockWriter.MostBytes(SpanColumns.Spans, spans));
            TracePlaces? places = await locator.FindAsync(traces, cancellation).ConfigureAwait(false);
            if (places is { IsNowhere: true }) return spans;
            await database.ReadAsync(sql.Spans(traces, maxSpans + 1, places, copied), SpanColumns.Spans.Bind(spans), noteRead, cancellation).ConfigureAwait(false);
            return spans;
        }
        catch
        {
            spans.Clear();
            throw;
        }
    }
}

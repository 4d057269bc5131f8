using TraceStore.Query.Sql;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Execution;

/// <summary>Reads traces' spans: what is recent, and what is stored but for that.</summary>
internal sealed class SpanReader(ClickHouseDatabase database, RecentSpans recent, TraceSql sql, TraceLocator locator)
{
    /// <summary>Spans read at once at most; a larger trace comes in part, and says so.</summary>
    public const int MaxSpans = 200_000;

    /// <summary>At most one span more than that: then there were more.</summary>
    public async Task<SpanBatch> ReadAsync(IReadOnlyCollection<TraceId> traces, Action<int> noteRead, CancellationToken cancellation)
    {
        var spans = new SpanBatch();
        SegmentRange? copied = recent.Copy(traces, spans);
        try
        {
            noteRead((int)NativeBlockWriter.MostBytes(SpanColumns.Spans, spans));
            TracePlaces? places = await locator.FindAsync(traces, cancellation).ConfigureAwait(false);
            if (places is { IsNowhere: true }) return spans;
            await database.ReadAsync(sql.Spans(traces, MaxSpans + 1, places, copied), SpanColumns.Spans.Bind(spans), noteRead, cancellation).ConfigureAwait(false);
            return spans;
        }
        catch
        {
            spans.Clear();
            throw;
        }
    }
}

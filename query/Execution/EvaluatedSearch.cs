using TraceStore.Query.Assembly;
using TraceStore.Query.Evaluation;
using TraceStore.Query.Planning;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Execution;

/// <summary>A trace that a query has found something in.</summary>
/// <param name="Trace">The trace, whole.</param>
/// <param name="Spansets">What was found.</param>
/// <param name="Evaluator">Tells fields' values.</param>
public sealed record FoundTrace(EvaluatedTrace Trace, IReadOnlyList<Spanset> Spansets, SpansetEvaluator Evaluator);

/// <summary>What a search has found so far.</summary>
/// <typeparam name="T">What is kept of a trace: it may be large.</typeparam>
/// <param name="Traces">Of the traces, newest first.</param>
/// <param name="InspectedTraces">Traces that it was tried on.</param>
/// <param name="InspectedSpans">Their spans.</param>
/// <param name="InspectedBytes">What of them was read.</param>
/// <param name="IsPartial">Whether it stopped because it had read as much as a search may.</param>
public sealed record FoundTraces<T>(IReadOnlyList<T> Traces, int InspectedTraces, long InspectedSpans, long InspectedBytes, bool IsPartial);

/// <summary>
/// Searches for what ClickHouse can't say: it finds traces that may be meant, newest first, and on each, whole, the query is tried in memory.
/// </summary>
internal sealed class EvaluatedSearch(TraceSearch search, SpanReader spans, EnvelopeReader envelopes, QueryServiceOptions options)
{
    /// <summary>Traces that are read at once: few first, for often the first are meant.</summary>
    private const int FirstChunk = 20, LargestChunk = 200;

    /// <param name="plan">What is searched for.</param>
    /// <param name="keep">Takes of a trace what is needed of it.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SearchTooWideException">It has read as much as a search may, and nothing was found.</exception>
    public async Task<FoundTraces<T>> RunAsync<T>(SearchPlan plan, Func<FoundTrace, T> keep, CancellationToken cancellation)
    {
        List<T> found = [];
        var origins = new OriginCache();
        (int traces, long inspected, long bytes) = (0, 0, 0);
        var waiting = new Queue<TraceId>();
        int chunk = FirstChunk;
        IAsyncEnumerator<TraceId> candidates = search.CandidatesAsync(plan, cancellation).GetAsyncEnumerator(cancellation);
        await using (candidates.ConfigureAwait(false))
        {
            bool hasMore = true;
            while (found.Count < plan.Limit)
            {
                while (hasMore && waiting.Count < chunk && (hasMore = await candidates.MoveNextAsync().ConfigureAwait(false))) waiting.Enqueue(candidates.Current);
                if (waiting.Count == 0) break;
                if (bytes > options.MaxAnswerBytes)
                {
                    if (found.Count == 0) throw new SearchTooWideException(traces);
                    return new FoundTraces<T>(found, traces, inspected, bytes, IsPartial: true);
                }

                TraceId[] ids = [.. waiting.Take(chunk)];
                SpanBatch rows = await spans.ReadAsync(ids, TraceReader.MaxSpans, read => bytes += read, cancellation).ConfigureAwait(false);
                if (rows.Count > TraceReader.MaxSpans && ids.Length > 1)
                {
                    chunk = Math.Max(1, ids.Length / 4); // each is to be seen whole
                    rows.Clear();
                    continue;
                }

                foreach (TraceId _ in ids) waiting.Dequeue();
                (traces, inspected) = (traces + ids.Length, inspected + rows.Count);
                found.AddRange(Evaluate(plan, ids, rows, await envelopes.ReadAsync(rows, cancellation).ConfigureAwait(false), origins).Take(plan.Limit - found.Count).Select(keep));
                rows.Clear();
                chunk = Math.Min(LargestChunk, chunk * 2);
            }
        }

        return new FoundTraces<T>(found, traces, inspected, bytes, IsPartial: false);
    }

    private static IEnumerable<FoundTrace> Evaluate(SearchPlan plan, TraceId[] ids, SpanBatch rows, Envelopes envelopes, OriginCache origins)
    {
        IReadOnlyDictionary<TraceId, AssembledTrace> assembled = TraceAssembler.Assemble(rows, SpanContent.Whole(rows));
        foreach (TraceId id in ids)
        {
            if (!assembled.TryGetValue(id, out AssembledTrace? trace)) continue;
            var whole = EvaluatedTrace.Of(trace, rows, envelopes, origins);
            var evaluator = new SpansetEvaluator(whole);
            IReadOnlyList<Spanset> spansets = evaluator.Evaluate(plan.Spansets);
            if (spansets.Count > 0) yield return new FoundTrace(whole, spansets, evaluator);
        }
    }
}

/// <summary>A search has read as much as it may, and found nothing.</summary>
public sealed class SearchTooWideException(int traces)
    : Exception($"Nothing was found in the newest {traces} traces that it could be, and a search reads no more (Query:MaxAnswerBytes). Ask for less time, or add what narrows it, such as resource.service.name = \"…\".");

using TraceStore.Query.Evaluation;
using TraceStore.Query.Planning;

namespace TraceStore.Query.Execution;

/// <summary>A trace that a query has found something in.</summary>
/// <param name="Trace">The trace, whole.</param>
/// <param name="Spansets">What was found.</param>
/// <param name="Evaluator">Tells fields' values.</param>
public sealed record FoundTrace(EvaluatedTrace Trace, IReadOnlyList<Spanset> Spansets, SpansetEvaluator Evaluator);

/// <summary>What a query has found.</summary>
/// <typeparam name="T">What is kept of it.</typeparam>
/// <param name="All">Of traces the newest first.</param>
/// <param name="Inspected">What was read for it.</param>
public sealed record Found<T>(IReadOnlyList<T> All, Inspected Inspected);

/// <summary>
/// Answers what ClickHouse can't say: it finds traces that may be meant, newest first, and on each, whole, the query is tried in memory.
/// </summary>
internal sealed class EvaluatedSearch(CandidateReader candidates)
{
    /// <summary>The newest traces that a query finds something in.</summary>
    /// <param name="plan">What is searched for.</param>
    /// <param name="keep">Takes of a trace what is needed of it: it may be large.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SearchTooWideException">It has read as much as a search may, and nothing was found.</exception>
    public async Task<Found<T>> SearchAsync<T>(SearchPlan plan, Func<FoundTrace, T> keep, CancellationToken cancellation)
    {
        List<T> found = [];
        var inspected = new Inspected();
        await foreach (EvaluatedTrace trace in candidates.ReadAsync(plan, inspected, cancellation).ConfigureAwait(false))
        {
            var evaluator = new SpansetEvaluator(trace);
            IReadOnlyList<Spanset> spansets = evaluator.Evaluate(plan.Spansets);
            if (spansets.Count > 0) found.Add(keep(new FoundTrace(trace, spansets, evaluator)));
            if (found.Count == plan.Limit) break;
        }

        return found.Count > 0 || !inspected.IsPartial ? new Found<T>(found, inspected) : throw new SearchTooWideException(inspected.Traces);
    }

    /// <summary>The series that a query asks for; of the newest traces where there are too many.</summary>
    public async Task<Found<Series>> MeasureAsync(MetricsPlan plan, CancellationToken cancellation)
    {
        var evaluator = new MetricsEvaluator(plan.Metrics, plan.Range, plan.MaxExemplars);
        var inspected = new Inspected();
        await foreach (EvaluatedTrace trace in candidates.ReadAsync(plan.Spans, inspected, cancellation).ConfigureAwait(false)) evaluator.Observe(trace);
        return new Found<Series>(evaluator.Evaluate(), inspected);
    }
}

/// <summary>A search has read as much as it may, and found nothing.</summary>
public sealed class SearchTooWideException(int traces)
    : Exception($"Nothing was found in the newest {traces} traces that it could be, and a search reads no more (Query:MaxAnswerBytes). Ask for less time, or add what narrows it, such as resource.service.name = \"…\".");

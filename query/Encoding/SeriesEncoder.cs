using OpenTelemetry.Proto.Common.V1;
using TraceStore.Query.Encoding.Tempo;
using TraceStore.Query.Evaluation;
using TraceStore.Query.Execution;

namespace TraceStore.Query.Encoding;

/// <summary>Series as Tempo's API gives them. Steps without a number are left out.</summary>
/// <param name="range">Their steps.</param>
public sealed class SeriesEncoder(MetricsRange range)
{
    private const string TraceIdLabel = "trace:id";
    private const ulong NanosecondsPerMillisecond = 1_000_000;

    /// <summary>tempopb.QueryRangeResponse.</summary>
    public QueryRangeResponse Range(Found<Series> found)
    {
        var response = new QueryRangeResponse { Metrics = FoundTracesEncoder.MetricsOf(found.Inspected), Status = StatusOf(found.Inspected), Message = MessageOf(found.Inspected) };
        foreach (Series series in found.All)
        {
            var told = new TimeSeries();
            told.Labels.Add(series.Labels.Select(Label));
            told.Samples.Add(series.Values.Index().Where(step => !double.IsNaN(step.Item)).Select(step => new Sample { TimestampMs = range.TimestampMs(step.Index), Value = step.Item }));
            told.Exemplars.Add(series.Exemplars.Select(Describe));
            response.Series.Add(told);
        }

        return response;
    }

    /// <summary>tempopb.QueryInstantResponse, of a range of one step.</summary>
    public static QueryInstantResponse Instant(Found<Series> found)
    {
        var response = new QueryInstantResponse { Metrics = FoundTracesEncoder.MetricsOf(found.Inspected), Status = StatusOf(found.Inspected), Message = MessageOf(found.Inspected) };
        foreach (Series series in found.All.Where(series => !double.IsNaN(series.Values[0])))
        {
            var told = new InstantSeries { Value = series.Values[0] };
            told.Labels.Add(series.Labels.Select(Label));
            response.Series.Add(told);
        }

        return response;
    }

    private static PartialStatus StatusOf(Inspected inspected) => inspected.IsPartial ? PartialStatus.Partial : PartialStatus.Complete;

    private static string MessageOf(Inspected inspected) => inspected.IsPartial
        ? $"These are of the newest {inspected.Traces} traces that it could be: a query reads no more (Query:MaxAnswerBytes). Ask for less time, or add what narrows it."
        : "";

    private static KeyValue Label(SeriesLabel label) => new() { Key = label.Name, Value = label.Value is null ? new AnyValue() : FoundTracesEncoder.ValueOf(label.Value) };

    private static Tempo.Exemplar Describe(Evaluation.Exemplar exemplar) => new()
    {
        Labels = { new KeyValue { Key = TraceIdLabel, Value = new AnyValue { StringValue = exemplar.TraceId } } },
        Value = exemplar.Value,
        TimestampMs = (long)(exemplar.UnixNano / NanosecondsPerMillisecond),
    };
}

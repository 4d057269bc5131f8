using OpenTelemetry.Proto.Common.V1;
using TraceStore.Query.Encoding.Tempo;
using TraceStore.Query.Evaluation;
using TraceStore.Query.Execution;
using TraceStore.Query.Planning;
using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Encoding;

/// <summary>What queries have found in whole traces, as Tempo's API gives it.</summary>
/// <param name="plan">What was asked for.</param>
public sealed class FoundTracesEncoder(SearchPlan plan)
{
    private const string ServiceName = "service.name";

    private readonly IReadOnlyList<FieldExpression> _shown = [.. ShownFields.Of(plan.Spansets)];

    /// <summary>tempopb.SearchResponse for the found traces, newest first.</summary>
    public static SearchResponse Response(Found<TraceSearchMetadata> found)
    {
        var response = new SearchResponse { Metrics = MetricsOf(found.Inspected) };
        response.Traces.Add(found.All);
        return response;
    }

    /// <summary>What was read for an answer. One that stopped says that there was more to do.</summary>
    internal static SearchMetrics MetricsOf(Inspected inspected) => new()
    {
        InspectedTraces = (uint)inspected.Traces,
        InspectedSpans = (ulong)inspected.Spans,
        InspectedBytes = (ulong)inspected.Bytes,
        CompletedJobs = 1,
        TotalJobs = inspected.IsPartial ? 2u : 1,
    };

    /// <summary>A field's value, as OTLP has it; durations are nanoseconds.</summary>
    internal static AnyValue ValueOf(object value) => value switch
    {
        string text => new AnyValue { StringValue = text },
        bool truth => new AnyValue { BoolValue = truth },
        long whole => new AnyValue { IntValue = whole },
        double real => new AnyValue { DoubleValue = real },
        DurationValue duration => new AnyValue { IntValue = duration.Nanoseconds },
        _ => new AnyValue { StringValue = value.ToString()!.ToLowerInvariant() },
    };

    /// <summary>What is told of a trace.</summary>
    public TraceSearchMetadata Describe(FoundTrace found)
    {
        EvaluatedTrace trace = found.Trace;
        var metadata = new TraceSearchMetadata
        {
            TraceID = trace.Trace.Id.ToString(),
            RootServiceName = trace.Root is { } root ? ServiceOf(root) : TempoSearchEncoder.RootMissing,
            RootTraceName = trace.Root?.Otlp.Name ?? "",
            StartTimeUnixNano = trace.Trace.StartTimeUnixNano,
            DurationMs = (uint)Math.Min(trace.Trace.DurationNanos / 1_000_000, uint.MaxValue),
        };
        foreach (Spanset spanset in found.Spansets)
        {
            var shown = new SpanSet { Matched = (uint)spanset.Spans.Count };
            shown.Spans.Add(spanset.Spans.Take(plan.SpansPerSpanset == 0 ? int.MaxValue : plan.SpansPerSpanset).Select(span => Describe(found, span)));
            shown.Attributes.Add(spanset.Attributes.Select(said => new KeyValue { Key = said.Name, Value = said.Value is null ? new AnyValue() : ValueOf(said.Value) }));
            metadata.SpanSets.Add(shown);
        }

        foreach (var service in trace.Spans.GroupBy(ServiceOf))
        {
            metadata.ServiceStats[service.Key] = new ServiceStats
            {
                SpanCount = (uint)service.Count(),
                ErrorCount = (uint)service.Count(span => span.Otlp.Status?.Code == OpenTelemetry.Proto.Trace.V1.Status.Types.StatusCode.Error),
            };
        }

        return metadata;
    }

    private Tempo.Span Describe(FoundTrace found, EvaluatedSpan span)
    {
        var shown = new Tempo.Span
        {
            SpanID = span.Place.Id.ToString(),
            Name = span.Otlp.Name,
            StartTimeUnixNano = span.Place.StartTimeUnixNano,
            DurationNanos = span.Place.DurationNanos,
        };
        foreach (FieldExpression field in _shown)
        {
            object[] values = [.. found.Evaluator.ValuesOf(field, span)];
            if (values.Length == 0) continue;
            var array = new ArrayValue();
            if (values.Length > 1) array.Values.Add(values.Select(ValueOf));
            shown.Attributes.Add(new KeyValue { Key = FieldLabels.InAnswers(field), Value = values.Length == 1 ? ValueOf(values[0]) : new AnyValue { ArrayValue = array } });
        }

        return shown;
    }

    private static string ServiceOf(EvaluatedSpan span) =>
        span.Resource?.Attributes.FirstOrDefault(attribute => attribute.Key == ServiceName)?.Value is { ValueCase: AnyValue.ValueOneofCase.StringValue, StringValue: { Length: > 0 } service } ? service : "unknown_service";
}

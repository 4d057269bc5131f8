using OpenTelemetry.Proto.Common.V1;
using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Evaluation;

/// <summary>
/// Counts of each attribute how often its values are there, among the selected spans and among the others: what is different about them is what they
/// have more often. (Grafana Tempo's documentation of TraceQL metrics, "The compare function"; the labels are what Grafana's Drilldown reads.)
/// </summary>
/// <param name="function">Which spans are selected.</param>
/// <param name="range">The steps.</param>
internal sealed class ComparisonCollector(Compare function, MetricsRange range) : ISeriesCollector
{
    private const string Type = "__meta_type", Error = "__meta_error", TooManyValues = "__too_many_values__", Total = "_total";

    private static readonly Intrinsic[] s_intrinsics = [Intrinsic.Name, Intrinsic.Status, Intrinsic.StatusMessage, Intrinsic.Kind, Intrinsic.RootName, Intrinsic.RootService];

    private static readonly (IntrinsicField Field, string Label)[] s_fields = [.. s_intrinsics.Select(intrinsic => new IntrinsicField(0, intrinsic)).Select(field => (field, FieldLabels.AsLabel(field)))];

    private readonly Dictionary<string, Dictionary<object, double[]>> _selection = [], _baseline = [];
    private long _series;

    public void Observe(EvaluatedTrace trace, SpansetEvaluator evaluator, EvaluatedSpan span)
    {
        if (range.StepOf(span.Place.StartTimeUnixNano) is not { } step) return;
        Dictionary<string, Dictionary<object, double[]>> side = IsSelected(evaluator, span) ? _selection : _baseline;
        IEnumerable<(string Label, object Value)> all =
        [
            .. from field in s_fields from value in evaluator.ValuesOf(field.Field, span) select (field.Label, value),
            .. Of(AttributeScope.Span, span.Otlp.Attributes),
            .. Of(AttributeScope.Resource, span.Resource?.Attributes ?? []),
        ];
        foreach ((string label, object value) in all.Distinct())
        {
            if (!side.TryGetValue(label, out Dictionary<object, double[]>? values)) side.Add(label, values = []);
            if (!values.TryGetValue(value, out double[]? steps))
            {
                TooManySeriesException.Check(++_series, range.Count);
                values.Add(value, steps = new double[range.Count]);
            }

            steps[step]++;
        }
    }

    public IReadOnlyList<Series> Collect() => [.. SeriesOf("baseline", _baseline).Concat(SeriesOf("selection", _selection)).DistinctBy(series => series.Key)]; // too many values are told once

    private bool IsSelected(SpansetEvaluator evaluator, EvaluatedSpan span)
    {
        ulong start = span.Place.StartTimeUnixNano;
        bool isInTime = function.Start is not { } first || (start >= (ulong)first && start < (ulong)function.End!);
        return isInTime && (function.Selection.Condition is not { } condition || evaluator.IsTrue(condition, span));
    }

    private static IEnumerable<(string, object)> Of(AttributeScope scope, IEnumerable<KeyValue> attributes) =>
        from attribute in attributes
        let label = FieldLabels.AsLabel(new AttributeField(0, scope, attribute.Key))
        from value in FieldValues.Of(attribute.Value)
        select (label, value);

    private IEnumerable<Series> SeriesOf(string type, Dictionary<string, Dictionary<object, double[]>> side)
    {
        foreach ((string label, Dictionary<object, double[]> values) in side.OrderBy(one => one.Key, StringComparer.Ordinal))
        {
            foreach ((object value, double[] steps) in values.OrderByDescending(one => one.Value.Sum()).ThenBy(one => new SeriesLabel(label, one.Key).Key, StringComparer.Ordinal).Take(function.Top)) yield return new Series([new SeriesLabel(Type, type), new SeriesLabel(label, value)], steps, []);
            if (values.Count > function.Top) yield return new Series([new SeriesLabel(Error, TooManyValues), new SeriesLabel(label, null)], new double[range.Count], []);
            yield return new Series([new SeriesLabel(Type, type + Total), new SeriesLabel(label, null)], [.. Enumerable.Range(0, range.Count).Select(step => values.Values.Sum(steps => steps[step]))], []);
        }
    }
}

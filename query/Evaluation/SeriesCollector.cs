using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Evaluation;

/// <summary>Makes series of the spans that it is shown.</summary>
internal interface ISeriesCollector
{
    /// <summary>Takes a span into account.</summary>
    void Observe(EvaluatedTrace trace, SpansetEvaluator evaluator, EvaluatedSpan span);

    /// <summary>What the spans that were observed give.</summary>
    IReadOnlyList<Series> Collect();
}

/// <summary>Makes series of spans: of each span one number, and of each step's numbers one.</summary>
/// <param name="function">How.</param>
/// <param name="range">The steps.</param>
/// <param name="maxExemplars">Of a series at most.</param>
internal sealed class SeriesCollector(OverTime function, MetricsRange range, int maxExemplars) : ISeriesCollector
{
    private const double NanosecondsPerSecond = 1e9;

    private readonly Dictionary<string, SeriesNumbers> _groups = [];

    private readonly string[] _names = [.. function.By.Select(FieldLabels.AsLabel)];

    /// <summary>Those that started elsewhen, or haven't the field, don't count.</summary>
    public void Observe(EvaluatedTrace trace, SpansetEvaluator evaluator, EvaluatedSpan span)
    {
        if (range.StepOf(span.Place.StartTimeUnixNano) is not { } step) return;
        double[] values = function.Of is null ? [1] : [.. evaluator.ValuesOf(function.Of, span).Select(NumberOf).OfType<double>()];
        if (values.Length == 0) return;
        SeriesLabel[] labels = [.. function.By.Zip(_names, (field, name) => new SeriesLabel(name, evaluator.ValuesOf(field, span).FirstOrDefault()))];
        string key = new Series(labels, [], []).Key;
        if (!_groups.TryGetValue(key, out SeriesNumbers? group))
        {
            TooManySeriesException.Check(_groups.Count + 1, range.Count);
            _groups.Add(key, group = new SeriesNumbers(labels, range.Count));
        }

        foreach (double value in values)
        {
            (group.Steps[step] ??= new StepNumbers()).Add(value);
            if (group.Exemplars.Count < maxExemplars) group.Exemplars.Add(new Exemplar(trace.Trace.Id.ToString(), span.Place.StartTimeUnixNano, function.Of is null ? span.Place.DurationNanos / NanosecondsPerSecond : value));
        }
    }

    public IReadOnlyList<Series> Collect() => function.Function switch
    {
        OverTimeFunction.Quantile => [.. _groups.Values.SelectMany(group => function.Quantiles.Select(quantile => new Series([.. group.Labels, new SeriesLabel("p", quantile)], group.Numbers(step => step.Quantile(quantile), double.NaN), group.Exemplars)))],
        OverTimeFunction.Histogram => [.. _groups.Values.SelectMany(Histogram)],
        _ => [.. _groups.Values.Select(group => new Series(Named(group.Labels), group.Numbers(NumberOf, IsCount ? 0 : double.NaN), group.Exemplars))],
    };

    private bool IsCount => function.Function is OverTimeFunction.Rate or OverTimeFunction.Count;

    private double NumberOf(StepNumbers step) => function.Function switch
    {
        OverTimeFunction.Rate => step.Count / range.SecondsPerStep,
        OverTimeFunction.Count => step.Count,
        OverTimeFunction.Min => step.Min,
        OverTimeFunction.Max => step.Max,
        OverTimeFunction.Avg => step.Sum / step.Count,
        _ => step.Sum,
    };

    /// <summary>Durations are told in seconds.</summary>
    private static double? NumberOf(object value) => value is DurationValue duration ? duration.Nanoseconds / NanosecondsPerSecond : FieldValues.NumberOf(value) is { } number && double.IsFinite(number) ? number : null;

    private IReadOnlyList<SeriesLabel> Named(IReadOnlyList<SeriesLabel> labels) => labels.Count > 0 ? labels : [new SeriesLabel(Series.NameLabel, MetricsParser.NameOf(function.Function))];

    private static IEnumerable<Series> Histogram(SeriesNumbers alike) =>
        from bucket in alike.Steps.OfType<StepNumbers>().SelectMany(step => step.Buckets.Keys).Distinct().Order()
        select new Series([.. alike.Labels, new SeriesLabel("__bucket", Math.ScaleB(1 / NanosecondsPerSecond, bucket))], alike.Numbers(step => step.Buckets.GetValueOrDefault(bucket), 0), alike.Exemplars);

    private sealed record SeriesNumbers(IReadOnlyList<SeriesLabel> Labels, int StepCount)
    {
        public StepNumbers?[] Steps { get; } = new StepNumbers?[StepCount];

        public List<Exemplar> Exemplars { get; } = [];

        public double[] Numbers(Func<StepNumbers, double> of, double otherwise) => [.. Steps.Select(step => step is null ? otherwise : of(step))];
    }

    /// <summary>A step's numbers.</summary>
    private sealed class StepNumbers
    {
        private readonly List<double> _values = [];

        public long Count => _values.Count;

        public double Sum { get; private set; }

        public double Min { get; private set; } = double.PositiveInfinity;

        public double Max { get; private set; } = double.NegativeInfinity;

        /// <summary>How many are no larger than a power of two, and larger than the one before, of billionths: for durations, of nanoseconds.</summary>
        public Dictionary<int, long> Buckets { get; } = [];

        public void Add(double value)
        {
            _values.Add(value);
            (Sum, Min, Max) = (Sum + value, Math.Min(Min, value), Math.Max(Max, value));
            double billionths = value * NanosecondsPerSecond;
            if (billionths < 2) return; // as Tempo has it
            int bucket = (int)Math.Ceiling(Math.Log2(billionths));
            Buckets[bucket] = Buckets.GetValueOrDefault(bucket) + 1;
        }

        /// <summary>Between the two nearest numbers, where it falls between (Hyndman and Fan's seventh definition).</summary>
        public double Quantile(double quantile)
        {
            _values.Sort();
            double at = quantile * (_values.Count - 1);
            int below = (int)Math.Floor(at), above = (int)Math.Ceiling(at);
            return _values[below] + ((at - below) * (_values[above] - _values[below]));
        }
    }
}

namespace TraceStore.Query.TraceQl;

/// <summary>
/// Reads what makes series of spans, and what is done with series:
/// <code>
/// metrics = ( "rate" | "count_over_time" ) "(" ")" [ by ] | ( "min_over_time" | … ) "(" field ")" [ by ]
///         | "quantile_over_time" "(" field { "," number } ")" [ by ] | "compare" "(" "{" [ field ] "}" [ "," top [ "," start "," end ] ] ")"
/// by      = "by" "(" field { "," field } ")"
/// second  = "topk" "(" number ")" | "bottomk" "(" number ")" | comparison number
/// hints   = "with" "(" name "=" value { "," name "=" value } ")"
/// </code>
/// </summary>
internal sealed class MetricsParser(TokenReader tokens, FieldParser fields)
{
    private const string CompareName = "compare";

    private static readonly Dictionary<string, OverTimeFunction> s_functions = new()
    {
        ["rate"] = OverTimeFunction.Rate,
        ["count_over_time"] = OverTimeFunction.Count,
        ["min_over_time"] = OverTimeFunction.Min,
        ["max_over_time"] = OverTimeFunction.Max,
        ["avg_over_time"] = OverTimeFunction.Avg,
        ["sum_over_time"] = OverTimeFunction.Sum,
        ["quantile_over_time"] = OverTimeFunction.Quantile,
        ["histogram_over_time"] = OverTimeFunction.Histogram,
    };

    public static string NameOf(OverTimeFunction function) => s_functions.Single(known => known.Value == function).Key;

    /// <summary>What an operator means between series, or between series and a number; null for nothing.</summary>
    public static MetricsExpression? Combine(TraceQlToken between, Expression left, Expression right)
    {
        if (left is not MetricsExpression && right is not MetricsExpression) return null;
        if (FieldParser.IsArithmetic(between) && !between.Is("^") && !between.Is("%") && AsSeries(left) is { } ours && AsSeries(right) is { } theirs) return new MetricsOperation(between.Position, FieldParser.ArithmeticOf(between), ours, theirs);
        if (!FieldParser.IsComparison(between) || between.Is("=~") || between.Is("!~")) return null;
        BinaryOperator comparison = FieldParser.ComparisonOf(between);
        return (left, right) switch
        {
            (MetricsExpression series, ScalarLiteral number) => new MetricsFilter(between.Position, series, comparison, NumberOf(number.Value)),
            (ScalarLiteral number, MetricsExpression series) => new MetricsFilter(between.Position, series, FieldParser.Mirrored(comparison), NumberOf(number.Value)),
            _ => null,
        };
    }

    public bool IsFunction() => tokens.IsFunction(CompareName) || (tokens.Next.Kind == TraceQlTokenKind.Word && s_functions.ContainsKey(tokens.Next.Text) && tokens.BehindNext.Is("("));

    /// <summary>A function, and the comparison behind it.</summary>
    public MetricsExpression ParsePipeline(int position, SpansetExpression spans)
    {
        MetricsFunction function = tokens.IsFunction(CompareName) ? ParseCompare() : ParseOverTime();
        return ParseComparison(new MetricsPipeline(position, spans, function));
    }

    /// <summary>What is done with series, one thing after the other.</summary>
    public MetricsExpression ParseSecondStages(MetricsExpression series)
    {
        while (tokens.TryTake("|"))
        {
            TraceQlToken next = tokens.Next;
            if (tokens.IsFunction("topk") || tokens.IsFunction("bottomk"))
            {
                tokens.Take();
                tokens.Expect("(");
                series = ParseComparison(new TopSeries(next.Position, series, ParseCount(), next.Text == "bottomk"));
            }
            else
            {
                MetricsExpression compared = ParseComparison(series);
                series = compared != series ? compared : throw new TraceQlException(next.Position, $"topk, bottomk or a comparison with a number was expected, not {next}");
            }
        }

        return series;
    }

    public List<Hint> ParseHints()
    {
        tokens.Take();
        tokens.Expect("(");
        List<Hint> hints = [];
        do
        {
            TraceQlToken name = tokens.Take();
            if (name.Kind != TraceQlTokenKind.Word) throw new TraceQlException(name.Position, $"a hint's name was expected, not {name}");
            tokens.Expect("=");
            if (!fields.TryParseLiteral(out object value)) throw new TraceQlException(tokens.Next.Position, $"a value was expected, not {tokens.Next}");
            hints.Add(new Hint(name.Position, name.Text, value));
        }
        while (tokens.TryTake(","));

        tokens.Expect(")");
        return hints;
    }

    private MetricsExpression ParseComparison(MetricsExpression series)
    {
        while (FieldParser.IsComparison(tokens.Next) && !tokens.Next.Is("=~") && !tokens.Next.Is("!~"))
        {
            TraceQlToken comparison = tokens.Take();
            series = new MetricsFilter(comparison.Position, series, FieldParser.ComparisonOf(comparison), NumberOf(fields.ParseNumber()));
        }

        return series;
    }

    private OverTime ParseOverTime()
    {
        TraceQlToken name = tokens.Take();
        OverTimeFunction function = s_functions[name.Text];
        tokens.Expect("(");
        FieldExpression? of = function is OverTimeFunction.Rate or OverTimeFunction.Count ? null : fields.Parse();
        List<double> quantiles = [];
        if (function == OverTimeFunction.Quantile)
        {
            if (!tokens.Next.Is(",")) throw new TraceQlException(tokens.Next.Position, "a quantile was expected, as in quantile_over_time(duration, 0.99)");
            while (tokens.TryTake(",")) quantiles.Add(NumberOf(fields.ParseNumber()));
        }

        tokens.Expect(")");
        return new OverTime(name.Position, function, of, [.. quantiles.Distinct()], ParseBy());
    }

    private IReadOnlyList<FieldExpression> ParseBy()
    {
        if (!tokens.IsFunction("by")) return [];
        tokens.Take();
        return fields.ParseArguments();
    }

    private Compare ParseCompare()
    {
        int position = tokens.Take().Position;
        tokens.Expect("(");
        int braces = tokens.Next.Position;
        tokens.Expect("{");
        FieldExpression? condition = tokens.Next.Is("}") ? null : fields.Parse();
        tokens.Expect("}");
        int top = tokens.TryTake(",") ? ParseWhole() is var count and > 0 and <= int.MaxValue ? (int)count : throw new TraceQlException(position, "compare tells at least one value of each attribute") : Compare.DefaultTop;
        long? start = tokens.TryTake(",") ? ParseWhole() : null, end = null;
        if (start is not null)
        {
            tokens.Expect(",");
            end = ParseWhole();
            if ((start, end) == (0, 0)) (start, end) = (null, null);
            if (start < 0 || end <= start) throw new TraceQlException(position, "compare's start and end are nanoseconds since 1970, the end after the start");
        }

        tokens.Expect(")");
        return new Compare(position, new SpansetFilter(braces, condition), top, start, end);
    }

    private int ParseCount()
    {
        int position = tokens.Next.Position;
        long count = ParseWhole();
        tokens.Expect(")");
        return count is > 0 and <= int.MaxValue ? (int)count : throw new TraceQlException(position, "at least one series is asked for");
    }

    private long ParseWhole()
    {
        TraceQlToken next = tokens.Next;
        return fields.ParseNumber() is long whole ? whole : throw new TraceQlException(next.Position, $"a whole number was expected, not {next}");
    }

    private static MetricsExpression? AsSeries(Expression expression) => expression switch
    {
        MetricsExpression series => series,
        ScalarLiteral number => new MetricsLiteral(number.Position, NumberOf(number.Value)),
        _ => null,
    };

    /// <summary>Durations are seconds in series.</summary>
    private static double NumberOf(object value) => value switch
    {
        long whole => whole,
        DurationValue duration => duration.Nanoseconds / 1e9,
        _ => (double)value,
    };
}

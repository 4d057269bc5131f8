namespace TraceStore.Query.TraceQl;

/// <summary>Sees whether a query that can be read has a meaning: that types fit, and that what must name a field does.</summary>
internal static class TraceQlCheck
{
    /// <summary>Each multiplies the series.</summary>
    private const int MaxGroupedBy = 5;

    /// <exception cref="TraceQlException">It has none.</exception>
    public static void Check(TraceQlQuery query)
    {
        if (query.Root is MetricsExpression metrics) Check(metrics);
        else if (query.Root is SpansetExpression spans) Check(spans);
    }

    private static void Check(SpansetExpression spans)
    {
        switch (spans)
        {
            case SpansetFilter { Condition: { } condition }:
                CheckIsTruth(condition);
                break;
            case SpansetOperation operation:
                Check(operation.Left);
                Check(operation.Right);
                break;
            case SpansetPipeline pipeline:
                foreach (SpansetExpression stage in pipeline.Stages) Check(stage);
                break;
            case ScalarFilter filter:
                if (!Check(filter.Left) & !Check(filter.Right)) throw new TraceQlException(filter.Position, "a comparison of numbers needs one that comes from spans, such as count()");
                break;
            case GroupStage group:
                _ = TypeOf(group.By);
                CheckNamesField(group.By, "by(…)");
                break;
            case SelectStage select:
                foreach (FieldExpression field in select.Fields) CheckIsField(field, "select(…)");
                break;
        }
    }

    /// <summary>Whether it comes from spans.</summary>
    private static bool Check(ScalarExpression number)
    {
        switch (number)
        {
            case Aggregate { Of: { } of }:
                CheckIsNumber(of);
                CheckNamesField(of, "An aggregate");
                return true;
            case Aggregate:
                return true;
            case ScalarOperation operation:
                return Check(operation.Left) | Check(operation.Right);
            case ScalarPipeline pipeline:
                Check(pipeline.Spans);
                return Check(pipeline.Number);
            default:
                return false;
        }
    }

    private static void Check(MetricsExpression metrics)
    {
        switch (metrics)
        {
            case MetricsPipeline pipeline:
                Check(pipeline.Spans);
                Check(pipeline.Function);
                break;
            case MetricsOperation operation:
                Check(operation.Left);
                Check(operation.Right);
                break;
            case MetricsFilter filter:
                Check(filter.Of);
                break;
            case TopSeries top:
                Check(top.Of);
                break;
        }
    }

    private static void Check(MetricsFunction function)
    {
        if (function is Compare compare) Check(compare.Selection);
        if (function is not OverTime overTime) return;
        if (overTime.Of is { } of)
        {
            CheckIsNumber(of);
            CheckNamesField(of, MetricsParser.NameOf(overTime.Function));
        }

        foreach (double quantile in overTime.Quantiles)
        {
            if (quantile is not (>= 0 and <= 1)) throw new TraceQlException(overTime.Position, $"quantiles are from 0 to 1, and not {quantile}");
        }

        if (overTime.By.Count > MaxGroupedBy) throw new TraceQlException(overTime.By[MaxGroupedBy].Position, $"series are grouped by at most {MaxGroupedBy} fields");
        foreach (FieldExpression field in overTime.By) CheckIsField(field, "by(…)");
    }

    private static FieldType TypeOf(FieldExpression expression) => expression switch
    {
        Literal literal => FieldTypes.OfValue(literal.Value),
        IntrinsicField field => FieldTypes.Of(field.Intrinsic),
        LogicalExpression logical => TypeOf(logical),
        NotExpression not => CheckIsTruth(not.Operand),
        NegativeExpression negative => CheckIsNumber(negative.Operand),
        ArithmeticExpression arithmetic => TypeOf(arithmetic),
        BinaryExpression comparison => TypeOf(comparison),
        _ => FieldType.Any,
    };

    private static FieldType TypeOf(LogicalExpression logical)
    {
        foreach (FieldExpression operand in logical.Operands) CheckIsTruth(operand);
        return FieldType.Truth;
    }

    private static FieldType TypeOf(ArithmeticExpression arithmetic)
    {
        (FieldType left, FieldType right) = (CheckIsNumber(arithmetic.Left), CheckIsNumber(arithmetic.Right));
        FieldType[] strongest = [FieldType.Any, FieldType.Duration, FieldType.Real, FieldType.Whole];
        return strongest.First(type => left == type || right == type);
    }

    private static FieldType TypeOf(BinaryExpression comparison)
    {
        (FieldType left, FieldType right) = (TypeOf(comparison.Left), TypeOf(comparison.Right));
        if (comparison.Operator is BinaryOperator.Matches or BinaryOperator.NotMatches)
        {
            if (comparison.Right is not Literal { Value: string or AnyTypeText }) throw new TraceQlException(comparison.Right.Position, "a regular expression was expected, in quotes");
            if (comparison.Right is Literal { Value: string pattern } literal) CheckPattern(literal, pattern);
            if (left is not (FieldType.Any or FieldType.Text)) throw new TraceQlException(comparison.Position, $"a regular expression matches strings, and on its left is {left.InWords()}");
            return FieldType.Truth;
        }

        bool isEquality = comparison.Operator is BinaryOperator.Equal or BinaryOperator.NotEqual;
        bool fits = left == right || left == FieldType.Any || right == FieldType.Any || (left.IsNumber() && right.IsNumber()) || (isEquality && FieldType.Nil == right);
        if (!fits) throw new TraceQlException(comparison.Position, $"{left.InWords()} can't be compared with {right.InWords()}");
        FieldType known = left == FieldType.Any ? right : left;
        if (!isEquality && known is FieldType.Truth or FieldType.Status or FieldType.Kind or FieldType.Nil) throw new TraceQlException(comparison.Position, $"{known.InWords()} is compared with = or !=");
        return FieldType.Truth;
    }

    private static void CheckPattern(Literal literal, string pattern)
    {
        try
        {
            GoRegularExpression.Parse(pattern);
        }
        catch (FormatException e)
        {
            const int most = 100;
            throw new TraceQlException(literal.Position, $"'{(pattern.Length <= most ? pattern : pattern[..most] + "…")}' is no regular expression (in Go's dialect, RE2): {e.Message}");
        }
    }

    /// <summary>An attribute may be true, and is false otherwise.</summary>
    private static FieldType CheckIsTruth(FieldExpression condition)
    {
        FieldType type = condition is ArithmeticExpression or NegativeExpression && TypeOf(condition) == FieldType.Any ? FieldType.Real : TypeOf(condition);
        return type is FieldType.Truth or FieldType.Any ? FieldType.Truth : throw new TraceQlException(condition.Position, $"a condition was expected, such as name = \"x\", and not {type.InWords()}");
    }

    private static FieldType CheckIsNumber(FieldExpression expression) => TypeOf(expression) is var type && (type.IsNumber() || type == FieldType.Any)
        ? type
        : throw new TraceQlException(expression.Position, $"a number was expected, and not {type.InWords()}");

    private static void CheckNamesField(FieldExpression expression, string who)
    {
        if (!NamesField(expression)) throw new TraceQlException(expression.Position, $"{who} needs a field of the span");
    }

    private static void CheckIsField(FieldExpression expression, string who)
    {
        if (expression is not (AttributeField or IntrinsicField)) throw new TraceQlException(expression.Position, $"{who} takes fields, such as name or span.x");
    }

    private static bool NamesField(FieldExpression expression) => expression switch
    {
        AttributeField or IntrinsicField => true,
        LogicalExpression logical => logical.Operands.Any(NamesField),
        NotExpression not => NamesField(not.Operand),
        NegativeExpression negative => NamesField(negative.Operand),
        ArithmeticExpression arithmetic => NamesField(arithmetic.Left) || NamesField(arithmetic.Right),
        BinaryExpression comparison => NamesField(comparison.Left) || NamesField(comparison.Right),
        _ => false,
    };
}

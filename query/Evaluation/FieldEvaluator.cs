using OpenTelemetry.Proto.Common.V1;
using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Evaluation;

/// <summary>
/// What expressions over a span's fields mean. Pure. A comparison holds where any value of the one side compares so with any of the other, and values of
/// different types don't; != and !~ where there is something to compare and none is equal or matches (Grafana Tempo's documentation of TraceQL,
/// "Find traces with arrays"). What is missing is nil, and compares with nothing else.
/// </summary>
/// <param name="trace">Whose spans.</param>
internal sealed class FieldEvaluator(EvaluatedTrace trace)
{
    /// <summary>Of all that several values on both sides give, so many are looked at.</summary>
    private const int MaxResults = 1_000;

    /// <summary>Whether a span meets a condition.</summary>
    public bool IsTrue(FieldExpression condition, EvaluatedSpan span) => condition switch
    {
        LogicalExpression { Operator: LogicalOperator.And } all => all.Operands.All(operand => IsTrue(operand, span)),
        LogicalExpression any => any.Operands.Any(operand => IsTrue(operand, span)),
        NotExpression not => !IsTrue(not.Operand, span),
        BinaryExpression comparison => Holds(comparison, span),
        _ => ValuesOf(condition, span).Any(value => value is true),
    };

    /// <summary>What an expression gives for a span.</summary>
    public IEnumerable<object> ValuesOf(FieldExpression expression, EvaluatedSpan span) => expression switch
    {
        Literal { Value: NilValue } => [],
        Literal literal => [literal.Value],
        AttributeField field => (field.OfParent ? span.Parent : span) is { } owner ? AttributesOf(owner, field.Scope, field.Name).SelectMany(FieldValues.Of) : [],
        IntrinsicField field => ValuesOf(field.Intrinsic, span),
        ArithmeticExpression arithmetic => Reckon(arithmetic.Operator, ValuesOf(arithmetic.Left, span), ValuesOf(arithmetic.Right, span)),
        NegativeExpression negative => Reckon(ArithmeticOperator.Subtract, [0L], ValuesOf(negative.Operand, span)),
        _ => [IsTrue(expression, span)],
    };

    private bool Holds(BinaryExpression comparison, EvaluatedSpan span)
    {
        object[] left = [.. ValuesOf(comparison.Left, span)];
        if (comparison.Right is Literal { Value: NilValue }) return (left.Length == 0) == (comparison.Operator == BinaryOperator.Equal);
        if (comparison.Operator is BinaryOperator.Matches or BinaryOperator.NotMatches) return IsMatch(comparison, left);
        (bool isAny, bool isEqual) = (false, false);
        object[] right = [.. ValuesOf(comparison.Right, span)];
        foreach (object ours in left)
        {
            foreach (object theirs in right)
            {
                if (Compare(ours, theirs) is not { } order) continue;
                isAny = true;
                isEqual |= order == 0;
                bool holds = comparison.Operator switch
                {
                    BinaryOperator.Equal => order == 0,
                    BinaryOperator.Less => order < 0,
                    BinaryOperator.LessOrEqual => order <= 0,
                    BinaryOperator.Greater => order > 0,
                    BinaryOperator.GreaterOrEqual => order >= 0,
                    _ => false,
                };
                if (holds) return true;
            }
        }

        return comparison.Operator == BinaryOperator.NotEqual && isAny && !isEqual;
    }

    private static int? Compare(object ours, object theirs) => theirs is AnyTypeText text
        ? string.CompareOrdinal(Convert.ToString(ours is bool truth ? (truth ? "true" : "false") : ours, System.Globalization.CultureInfo.InvariantCulture), text.Text)
        : FieldValues.Compare(ours, theirs);

    private static bool IsMatch(BinaryExpression comparison, object[] values)
    {
        string pattern = (string)((Literal)comparison.Right).Value;
        GoRegularExpression expression = GoRegularExpression.Parse(pattern);
        string[] texts = [.. values.OfType<string>()];
        bool isMatch = texts.Any(expression.IsMatch);
        return comparison.Operator == BinaryOperator.Matches ? isMatch : texts.Length > 0 && !isMatch;
    }

    private static object[] Reckon(ArithmeticOperator arithmetic, IEnumerable<object> left, IEnumerable<object> right)
    {
        object[] all = [.. right];
        IEnumerable<object> results =
            from ours in left
            from theirs in all
            let result = FieldValues.Reckon(arithmetic, ours, theirs)
            where result is not null
            select result;
        return [.. results.Take(MaxResults)];
    }

    /// <summary>Of a span's attribute that isn't there, its resource's; a key that comes again has both values.</summary>
    private static IEnumerable<AnyValue> AttributesOf(EvaluatedSpan span, AttributeScope scope, string name)
    {
        IEnumerable<KeyValue> ofSpan = span.Otlp.Attributes, ofResource = span.Resource?.Attributes ?? [];
        IEnumerable<KeyValue> attributes = scope switch
        {
            AttributeScope.Span => ofSpan,
            AttributeScope.Resource => ofResource,
            AttributeScope.Event => span.Otlp.Events.SelectMany(@event => @event.Attributes),
            AttributeScope.Link => span.Otlp.Links.SelectMany(link => link.Attributes),
            AttributeScope.Instrumentation => span.Scope?.Attributes ?? [],
            _ => ofSpan.Any(attribute => attribute.Key == name && FieldValues.Of(attribute.Value).Any()) ? ofSpan : ofResource,
        };
        return attributes.Where(attribute => attribute.Key == name && attribute.Value is not null).Select(attribute => attribute.Value);
    }

    private IEnumerable<object> ValuesOf(Intrinsic intrinsic, EvaluatedSpan span) => intrinsic switch
    {
        Intrinsic.Name => [span.Otlp.Name],
        Intrinsic.Status => [(StatusValue)(span.Otlp.Status?.Code ?? 0)],
        Intrinsic.StatusMessage => [span.Otlp.Status?.Message ?? ""],
        Intrinsic.Kind => [(KindValue)span.Otlp.Kind],
        Intrinsic.Duration => [Nanoseconds(span.Place.DurationNanos)],
        Intrinsic.TraceState => [span.Otlp.TraceState],
        Intrinsic.SpanId => [span.Place.Id.ToString()],
        Intrinsic.ParentId => [span.Place.ParentId.IsNone ? "" : span.Place.ParentId.ToString()],
        Intrinsic.ChildCount => [(long)span.Place.Children.Count],
        Intrinsic.Parent => span.Place.ParentId.IsNone ? [] : [true],
        Intrinsic.NestedSetLeft => [(long)span.NestedSetLeft],
        Intrinsic.NestedSetRight => [(long)span.NestedSetRight],
        Intrinsic.NestedSetParent => [span.Place.ParentId.IsNone ? -1L : span.Parent?.NestedSetLeft ?? 0L],
        Intrinsic.EventName => span.Otlp.Events.Select(@event => @event.Name),
        Intrinsic.EventTimeSinceStart => span.Otlp.Events.Select(@event => (object)new DurationValue(unchecked((long)(@event.TimeUnixNano - span.Otlp.StartTimeUnixNano)))),
        Intrinsic.LinkTraceId => span.Otlp.Links.Select(link => Hex(link.TraceId)),
        Intrinsic.LinkSpanId => span.Otlp.Links.Select(link => Hex(link.SpanId)),
        Intrinsic.ScopeName => [span.Scope?.Name ?? ""],
        Intrinsic.ScopeVersion => [span.Scope?.Version ?? ""],
        Intrinsic.TraceId => [trace.Trace.Id.ToString()],
        Intrinsic.TraceDuration => [Nanoseconds(trace.Trace.DurationNanos)],
        Intrinsic.RootName => trace.Root is { } root ? [root.Otlp.Name] : [],
        Intrinsic.RootService => trace.Root is { } root ? [ServiceOf(root)] : [],
        _ => throw new InvalidOperationException($"BUG: {intrinsic} has no value."),
    };

    private static string ServiceOf(EvaluatedSpan span) =>
        AttributesOf(span, AttributeScope.Resource, "service.name").SelectMany(FieldValues.Of).OfType<string>().FirstOrDefault("");

    private static DurationValue Nanoseconds(ulong nanoseconds) => new((long)Math.Min(nanoseconds, long.MaxValue));

    private static string Hex(Google.Protobuf.ByteString bytes) => Convert.ToHexStringLower(bytes.Span);
}

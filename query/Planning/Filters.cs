using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Planning;

/// <summary>Builds the TraceQL that searches without a query of their own stand for, so that one planner serves them all.</summary>
internal static class Filters
{
    public static FieldExpression Service(string service) =>
        Is(new AttributeField(0, AttributeScope.Resource, "service.name"), BinaryOperator.Equal, service);

    public static FieldExpression Name(string name) => Is(new IntrinsicField(0, Intrinsic.Name), BinaryOperator.Equal, name);

    public static FieldExpression MinDuration(long nanoseconds) =>
        Is(new IntrinsicField(0, Intrinsic.Duration), BinaryOperator.GreaterOrEqual, new DurationValue(nanoseconds));

    public static FieldExpression MaxDuration(long nanoseconds) =>
        Is(new IntrinsicField(0, Intrinsic.Duration), BinaryOperator.LessOrEqual, new DurationValue(nanoseconds));

    public static FieldExpression Status(StatusValue status) =>
        Is(new IntrinsicField(0, Intrinsic.Status), BinaryOperator.Equal, status);

    public static FieldExpression Kind(KindValue kind) => Is(new IntrinsicField(0, Intrinsic.Kind), BinaryOperator.Equal, kind);

    /// <summary>An attribute of the span or its resource, whose value is given as text and may be of any type that reads so.</summary>
    public static FieldExpression Attribute(string name, string text)
    {
        var field = new AttributeField(0, AttributeScope.Any, name);
        FieldExpression filter = Is(field, BinaryOperator.Equal, text);
        if (long.TryParse(text, out long integer)) return Or(filter, Is(field, BinaryOperator.Equal, integer));
        if (double.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out double number)) return Or(filter, Is(field, BinaryOperator.Equal, number));
        return bool.TryParse(text, out bool truth) ? Or(filter, Is(field, BinaryOperator.Equal, truth)) : filter;
    }

    /// <summary>All of the filters at once; a query for everything when there are none.</summary>
    public static TraceQlQuery All(IReadOnlyCollection<FieldExpression> filters) =>
        filters.Count == 0
            ? TraceQlQuery.Everything
            : new TraceQlQuery(filters.Aggregate((left, right) => new BinaryExpression(0, BinaryOperator.And, left, right)));

    private static BinaryExpression Or(FieldExpression left, FieldExpression right) => new(0, BinaryOperator.Or, left, right);

    private static BinaryExpression Is(FieldExpression field, BinaryOperator comparison, object value) => new(0, comparison, field, new Literal(0, value));
}

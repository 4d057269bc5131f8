using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Planning;

/// <summary>Builds the TraceQL that searches without a query of their own stand for, so that one planner serves them all.</summary>
internal static class Filters
{
    private const string ServiceName = "service.name";

    public static BinaryExpression Service(string service) =>
        Is(new AttributeField(0, AttributeScope.Resource, ServiceName), BinaryOperator.Equal, service);

    /// <summary>Whether a comparison is with a resource's service, which stands in a column of its own: as text, where it is text.</summary>
    public static bool IsOfService(BinaryExpression comparison) =>
        comparison is { Left: AttributeField { Scope: AttributeScope.Resource or AttributeScope.Any, Name: ServiceName }, Right: Literal { Value: string or AnyTypeText } };

    public static BinaryExpression Name(string name) => Is(Intrinsic.Name, name);

    public static BinaryExpression MinDuration(long nanoseconds) => Least(Intrinsic.Duration, nanoseconds);

    public static BinaryExpression MaxDuration(long nanoseconds) => Most(Intrinsic.Duration, nanoseconds);

    public static BinaryExpression Status(StatusValue status) => Is(Intrinsic.Status, status);

    public static BinaryExpression Kind(KindValue kind) => Is(Intrinsic.Kind, kind);

    /// <summary>An attribute whose value is given as text, and may be of any type that reads so.</summary>
    public static BinaryExpression Attribute(AttributeScope scope, string name, string text) =>
        Is(new AttributeField(0, scope, name), BinaryOperator.Equal, new AnyTypeText(text));

    public static BinaryExpression Is(Intrinsic field, object value) => Is(new IntrinsicField(0, field), BinaryOperator.Equal, value);

    public static BinaryExpression Least(Intrinsic field, long nanoseconds) =>
        Is(new IntrinsicField(0, field), BinaryOperator.GreaterOrEqual, new DurationValue(nanoseconds));

    public static BinaryExpression Most(Intrinsic field, long nanoseconds) =>
        Is(new IntrinsicField(0, field), BinaryOperator.LessOrEqual, new DurationValue(nanoseconds));

    public static FieldExpression Not(FieldExpression filter) => new NotExpression(0, filter);

    public static FieldExpression Any(params IReadOnlyList<FieldExpression> filters) => new LogicalExpression(0, LogicalOperator.Or, filters);

    /// <summary>All of the filters at once; a query for everything when there are none.</summary>
    public static TraceQlQuery All(IReadOnlyList<FieldExpression> filters) => filters.Count switch
    {
        0 => TraceQlQuery.Everything,
        1 => TraceQlQuery.Of(filters[0]),
        _ => TraceQlQuery.Of(new LogicalExpression(0, LogicalOperator.And, filters)),
    };

    private static BinaryExpression Is(FieldExpression field, BinaryOperator comparison, object value) => new(0, comparison, field, new Literal(0, value));
}

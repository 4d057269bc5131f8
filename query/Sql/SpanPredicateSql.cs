using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;
using static TraceStore.Query.TraceQl.BinaryOperator;

namespace TraceStore.Query.Sql;

/// <summary>
/// Writes what TraceQL asks of a span as a SQL condition on the spans table. Pure. A comparison with an attribute holds
/// only where the attribute is there and of the literal's type, as TraceQL has it.
/// </summary>
internal sealed class SpanPredicateSql(SqlParameters parameters, string tenant)
{
    private const string ServiceName = "service.name";

    /// <summary>A span's duration, nanoseconds; zero where it ends before it starts.</summary>
    private const string Duration = "if(start_time_unix_nano + duration > start_time_unix_nano, duration, 0)";

    /// <summary>Where strings are: a span's lie in one map or the other.</summary>
    private static readonly string[] s_spanStrings = ["common_string_attributes", "string_attributes"];
    private static readonly string[] s_resourceStrings = ["string_attributes"];

    /// <exception cref="TraceQlException">The expression has no meaning, or none yet.</exception>
    public string Write(FieldExpression expression) => expression switch
    {
        BinaryExpression { Operator: And } and => $"({Write(and.Left)} AND {Write(and.Right)})",
        BinaryExpression { Operator: Or } or => $"({Write(or.Left)} OR {Write(or.Right)})",
        BinaryExpression { Left: Literal, Right: not Literal } mirrored => Write(Mirror(mirrored)),
        BinaryExpression { Right: Literal value } comparison => WriteComparison(comparison, value),
        NotExpression not => $"NOT {Write(not.Operand)}",
        Literal { Value: bool truth } => truth ? "true" : "false",
        _ => throw new TraceQlException(expression.Position, "a condition was expected, such as name = \"x\"; others aren't supported yet"),
    };

    private static BinaryExpression Mirror(BinaryExpression comparison) => new(
        comparison.Position,
        comparison.Operator switch
        {
            Less => Greater,
            LessOrEqual => GreaterOrEqual,
            Greater => Less,
            GreaterOrEqual => LessOrEqual,
            var symmetric => symmetric,
        },
        comparison.Right,
        comparison.Left);

    private string WriteComparison(BinaryExpression comparison, Literal value) => comparison.Left switch
    {
        IntrinsicField { Intrinsic: Intrinsic.Name } => WriteText("name", comparison, value),
        IntrinsicField { Intrinsic: Intrinsic.StatusMessage } => WriteText("status_message", comparison, value),
        IntrinsicField { Intrinsic: Intrinsic.Status } when value.Value is StatusValue status => WriteEnum("status_code", comparison, (int)status),
        IntrinsicField { Intrinsic: Intrinsic.Kind } when value.Value is KindValue kind => WriteEnum("kind", comparison, (int)kind),
        IntrinsicField { Intrinsic: Intrinsic.Duration } when NanosecondsOf(value) is { } nanoseconds =>
            $"{Duration} {Symbol(comparison)} {parameters.Add(nanoseconds)}",
        IntrinsicField field => throw new TraceQlException(value.Position, $"{field.Intrinsic} can't be compared with this value"),
        AttributeField { Scope: AttributeScope.Span } field => WriteSpanAttribute(field.Name, comparison, value),
        AttributeField { Scope: AttributeScope.Resource } field => WriteResource(field.Name, comparison, value),
        AttributeField { Scope: AttributeScope.Any } field => WriteSpanOrResource(field.Name, comparison, value),
        AttributeField field => throw new TraceQlException(field.Position, $"{field.Scope.ToString().ToLowerInvariant()} attributes aren't supported yet"),
        _ => throw new TraceQlException(comparison.Position, "a comparison needs a field on one side and a value on the other; others aren't supported yet"),
    };

    private string WriteText(string column, BinaryExpression comparison, Literal value)
    {
        if (value.Value is not string text) throw new TraceQlException(value.Position, "a string was expected");
        return comparison.Operator is Matches or NotMatches
            ? $"{(comparison.Operator == NotMatches ? "NOT " : "")}match({column}, {parameters.Add(Anchored(text))})"
            : $"{column} {Symbol(comparison)} {parameters.Add(text)}";
    }

    private string WriteEnum(string column, BinaryExpression comparison, int number) =>
        comparison.Operator is Equal or NotEqual
            ? $"{column} {Symbol(comparison)} {parameters.Add((long)number)}"
            : throw new TraceQlException(comparison.Position, "this field is compared with = or !=");

    /// <summary>The service's name stands in a column of its own: as text, and unknown_service where it is missing.</summary>
    private string WriteService(BinaryExpression comparison, Literal value) => (comparison.Operator, value.Value) switch
    {
        (_, not string) => "false",
        (NotEqual or NotMatches, _) => $"({WriteText("service", comparison, value)} AND service != 'unknown_service')",
        _ => WriteText("service", comparison, value),
    };

    private string WriteAbsent(string name)
    {
        string key = parameters.Add(name);
        IEnumerable<string> maps = [.. s_spanStrings, "bool_attributes", "int_attributes", "double_attributes"];
        return $"NOT ({string.Join(" OR ", maps.Select(map => $"mapContains({map}, {key})"))})";
    }

    /// <summary>
    /// A span's own attribute, or else its resource's. How many resources have it is a number that ClickHouse puts in before
    /// it looks at indexes: mostly none has, and then the span's bloom filters tell what to read.
    /// </summary>
    private string WriteSpanOrResource(string name, BinaryExpression comparison, Literal value)
    {
        string resource = $"{WriteAbsent(name)} AND {WriteResource(name, comparison, value)}";
        if (name != ServiceName) resource = $"(SELECT count() {ResourcesThatMatch(name, comparison, value)}) > 0 AND {resource}";
        return $"({WriteSpanAttribute(name, comparison, value)} OR ({resource}))";
    }

    private string WriteResource(string name, BinaryExpression comparison, Literal value) =>
        name == ServiceName ? WriteService(comparison, value) : $"resource_hash IN (SELECT hash {ResourcesThatMatch(name, comparison, value)})";

    private string ResourcesThatMatch(string name, BinaryExpression comparison, Literal value) =>
        $"FROM resources WHERE tenant = {parameters.Add(tenant)} AND {WriteAttribute(name, comparison, value, s_resourceStrings)}";

    private string WriteSpanAttribute(string name, BinaryExpression comparison, Literal value) => WriteAttribute(name, comparison, value, s_spanStrings);

    private string WriteAttribute(string name, BinaryExpression comparison, Literal value, string[] strings)
    {
        string key = parameters.Add(name);
        return value.Value switch
        {
            string => $"({string.Join(" OR ", strings.Select(map => $"(mapContains({map}, {key}) AND {WriteText($"{map}[{key}]", comparison, value)})"))})",
            bool truth => $"(mapContains(bool_attributes, {key}) AND bool_attributes[{key}] {Symbol(comparison)} {(truth ? "true" : "false")})",
            long integer => WriteNumber(key, comparison, parameters.Add(integer)),
            double number => WriteNumber(key, comparison, parameters.Add(number)),
            DurationValue duration => WriteNumber(key, comparison, parameters.Add(duration.Nanoseconds)),
            _ => throw new TraceQlException(value.Position, "an attribute is compared with a string, a number or true or false"),
        };
    }

    private static string WriteNumber(string key, BinaryExpression comparison, string number) =>
        $"((mapContains(int_attributes, {key}) AND int_attributes[{key}] {Symbol(comparison)} {number})"
        + $" OR (mapContains(double_attributes, {key}) AND double_attributes[{key}] {Symbol(comparison)} {number}))";

    private static string Symbol(BinaryExpression comparison) => comparison.Operator switch
    {
        Equal => "=",
        NotEqual => "!=",
        Less => "<",
        LessOrEqual => "<=",
        Greater => ">",
        GreaterOrEqual => ">=",
        _ => throw new TraceQlException(comparison.Position, "a regular expression matches strings only"),
    };

    private static long? NanosecondsOf(Literal value) => value.Value switch
    {
        DurationValue duration => duration.Nanoseconds,
        long nanoseconds => nanoseconds,
        _ => null,
    };

    /// <summary>TraceQL's expressions match the whole value. Go's dialect, which users write, is ClickHouse's (RE2): it judges them.</summary>
    private static string Anchored(string pattern) => $"^(?:{pattern})$";
}

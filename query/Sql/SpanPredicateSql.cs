using System.Globalization;
using TraceStore.Query.Planning;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Otlp;
using static TraceStore.Query.TraceQl.BinaryOperator;

namespace TraceStore.Query.Sql;

/// <summary>
/// Writes what TraceQL asks of a span as a SQL condition on the spans table. Pure. A comparison with an attribute holds
/// only where the attribute is there and of the literal's type, as TraceQL has it.
/// </summary>
/// <param name="parameters">Gets the values.</param>
/// <param name="tenant">Whose spans.</param>
/// <param name="resources">Of which resources comparisons hold; null where that isn't known.</param>
internal sealed class SpanPredicateSql(SqlParameters parameters, string tenant, ResourceMatches? resources = null)
{
    /// <summary>A span's duration, nanoseconds; zero where it ends before it starts.</summary>
    private const string Duration = "if(start_time_unix_nano + duration > start_time_unix_nano, duration, 0)";

    /// <summary>Where strings are: a span's lie in one map or the other.</summary>
    private static readonly string[] s_spanStrings = ["common_string_attributes", "string_attributes"];
    private static readonly string[] s_resourceStrings = ["string_attributes"];

    /// <summary>Whether a comparison looks into resources, whose number then makes a difference.</summary>
    public static bool LooksIntoResources(BinaryExpression comparison) =>
        comparison is { Left: AttributeField { Scope: AttributeScope.Resource or AttributeScope.Any }, Right: Literal } && !Filters.IsOfService(comparison);

    /// <exception cref="TraceQlException">The expression has no meaning, or none yet.</exception>
    public string Write(FieldExpression expression) => expression switch
    {
        LogicalExpression logical => $"({string.Join(logical.Operator == LogicalOperator.And ? " AND " : " OR ", logical.Operands.Select(Write))})",
        BinaryExpression { Right: Literal value } comparison => WriteComparison(comparison, value),
        NotExpression not => $"NOT {Write(not.Operand)}",
        Literal { Value: bool truth } => truth ? "true" : "false",
        MentionExpression mention => $"position(remainder, {parameters.Add(mention.Text)}) > 0",
        _ => throw new TraceQlException(expression.Position, "a condition was expected, such as name = \"x\"; others aren't supported yet"),
    };

    /// <summary>What a comparison asks of a resource, as a condition on the resources table.</summary>
    public string WriteOfResource(BinaryExpression comparison) =>
        WriteAttribute(((AttributeField)comparison.Left).Name, comparison, (Literal)comparison.Right, s_resourceStrings);

    private string WriteComparison(BinaryExpression comparison, Literal value) => comparison.Left switch
    {
        AttributeField { OfParent: true } field => throw new TraceQlException(field.Position, "the parent's fields can't be searched for yet"),
        { } field when value.Value is NilValue => throw new TraceQlException(field.Position, "what is missing can't be searched for yet"),
        IntrinsicField { Intrinsic: Intrinsic.Name } => WriteListed("name", comparison, value),
        IntrinsicField { Intrinsic: Intrinsic.StatusMessage } => WriteText("status_message", comparison, value),
        IntrinsicField { Intrinsic: Intrinsic.Status } when value.Value is StatusValue status => WriteEnum("status_code", comparison, (int)status),
        IntrinsicField { Intrinsic: Intrinsic.Kind } when value.Value is KindValue kind => WriteEnum("kind", comparison, (int)kind),
        IntrinsicField { Intrinsic: Intrinsic.Duration } when NanosecondsOf(value) is { } nanoseconds =>
            $"{Duration} {Symbol(comparison)} {parameters.Add(nanoseconds)}",
        IntrinsicField { Intrinsic: Intrinsic.ScopeName } => WriteScope("name", comparison, value),
        IntrinsicField { Intrinsic: Intrinsic.ScopeVersion } => WriteScope("version", comparison, value),
        IntrinsicField { Intrinsic: Intrinsic.EventName } => WriteRemainder(comparison, value.Value is string name ? [OtlpFragments.EventName(name)] : []),
        IntrinsicField { Intrinsic: Intrinsic.TraceState } => WriteRemainder(comparison, value.Value is string state ? [OtlpFragments.TraceState(state)] : []),
        IntrinsicField { Intrinsic: Intrinsic.TraceId } when value.Value is string id => $"trace_id = unhex({parameters.Add(id)})",
        IntrinsicField { Intrinsic: Intrinsic.SpanId } when value.Value is string id => $"substring(span_ids, 1, 8) = unhex({parameters.Add(id)})",
        IntrinsicField { Intrinsic: Intrinsic.ParentId } when value.Value is string id => $"parent_span_id = unhex({parameters.Add(id)})",
        IntrinsicField field => throw new TraceQlException(field.Position, $"{FieldNames.Of(field.Intrinsic)} can't be searched for so yet"),
        AttributeField { Scope: AttributeScope.Span } field => WriteSpanAttribute(field.Name, comparison, value),
        AttributeField { Scope: AttributeScope.Resource } field => WriteResource(field.Name, comparison, value),
        AttributeField { Scope: AttributeScope.Any } field => WriteSpanOrResource(field.Name, comparison, value),
        AttributeField { Scope: AttributeScope.Event } field when value.Value is AnyTypeText text =>
            WriteRemainder(comparison, [.. ValuesOf(text.Text).Select(typed => OtlpFragments.EventAttribute(field.Name, typed))]),
        AttributeField field => throw new TraceQlException(field.Position, $"{field.Scope.ToString().ToLowerInvariant()} attributes aren't supported yet"),
        _ => throw new TraceQlException(comparison.Position, "a comparison needs a field on one side and a value on the other; others aren't supported yet"),
    };

    private string WriteText(string column, BinaryExpression comparison, Literal value)
    {
        if (value.Value is not string text) throw new TraceQlException(value.Position, "a string was expected");
        return comparison.Operator switch
        {
            Matches => $"match({column}, {parameters.Add(RegularExpression.Whole(text))})",
            NotMatches => $"NOT match({column}, {parameters.Add(RegularExpression.Whole(text))})",
            Equal or NotEqual => TextSql.Compare(parameters, column, Symbol(comparison), text),
            _ => $"{column} {Symbol(comparison)} {parameters.Add(text)}",
        };
    }

    private string WriteEnum(string column, BinaryExpression comparison, int number) =>
        comparison.Operator is Equal or NotEqual
            ? $"{column} {Symbol(comparison)} {parameters.Add((long)number)}"
            : throw new TraceQlException(comparison.Position, "this field is compared with = or !=");

    private string WriteScope(string column, BinaryExpression comparison, Literal value) =>
        $"scope_hash IN (SELECT hash FROM scopes WHERE tenant = {parameters.Add(tenant)} AND {WriteListed(column, comparison, value)})";

    private string WriteListed(string column, BinaryExpression comparison, Literal value) =>
        value.Value is string text && comparison.Operator is Equal or NotEqual
            ? TextSql.CompareListed(parameters, column, Symbol(comparison), text)
            : WriteText(column, comparison, value);

    /// <summary>What no column holds is looked for as bytes.</summary>
    private string WriteRemainder(BinaryExpression comparison, IReadOnlyList<byte[]> fragments)
    {
        if (comparison.Operator != Equal || fragments.Count == 0) throw new TraceQlException(comparison.Position, "this field is compared with = so far");
        return $"({string.Join(" OR ", fragments.Select(fragment => $"position(remainder, unhex({parameters.Add(Convert.ToHexString(fragment))})) > 0"))})";
    }

    /// <summary>Where the name is missing or no text, the column has unknown_service; so one that is unlike another is found with those that have none.</summary>
    private string WriteService(BinaryExpression comparison, Literal value) => (comparison.Operator, value.Value) switch
    {
        (_, AnyTypeText text) => WriteListed("service", comparison, new Literal(value.Position, text.Text)),
        _ => WriteListed("service", comparison, value),
    };

    private string WriteAbsent(string name)
    {
        string key = parameters.Add(name);
        IEnumerable<string> maps = [.. s_spanStrings, "bool_attributes", "int_attributes", "double_attributes"];
        return $"NOT ({string.Join(" OR ", maps.Select(map => $"mapContains({map}, {key})"))} OR {OtherAttributeSql.Any(name)})";
    }

    /// <summary>
    /// A span's own attribute, or else its resource's. Mostly no resource has it, and then the span's bloom filters tell what
    /// to read.
    /// </summary>
    private string WriteSpanOrResource(string name, BinaryExpression comparison, Literal value)
    {
        string span = WriteSpanAttribute(name, comparison, value), resource = WriteResource(name, comparison, value);
        return resource == ResourceMatches.OfNone ? span : $"({span} OR ({WriteAbsent(name)} AND {resource}))";
    }

    private string WriteResource(string name, BinaryExpression comparison, Literal value)
    {
        if (Filters.IsOfService(comparison)) return WriteService(comparison, value);
        return resources?.ConditionOf(comparison)
            ?? $"resource_hash IN (SELECT hash FROM resources WHERE tenant = {parameters.Add(tenant)} AND {WriteAttribute(name, comparison, value, s_resourceStrings)})";
    }

    private string WriteSpanAttribute(string name, BinaryExpression comparison, Literal value) => WriteAttribute(name, comparison, value, s_spanStrings);

    private string WriteAttribute(string name, BinaryExpression comparison, Literal value, string[] strings)
    {
        string key = parameters.Add(name);
        return value.Value switch
        {
            AnyTypeText text => $"({string.Join(" OR ", ValuesOf(text.Text).Select(typed => WriteAttribute(name, comparison, new Literal(value.Position, typed), strings)))})",
            string text => $"({string.Join(" OR ", strings.Select(map => $"(mapContains({map}, {key}) AND {WriteText($"{map}[{key}]", comparison, value)})"))} OR {WriteOtherText(name, comparison, value, text)})",
            bool truth => $"((mapContains(bool_attributes, {key}) AND bool_attributes[{key}] {Symbol(comparison)} {(truth ? "true" : "false")}) OR {WriteOtherTruth(name, comparison, value, truth)})",
            long integer => WriteNumber(name, comparison, parameters.Add(integer), () => OtherAttributeSql.Has(name, integer)),
            double number => WriteNumber(name, comparison, parameters.Add(number), () => OtherAttributeSql.Has(name, number)),
            DurationValue duration => WriteNumber(name, comparison, parameters.Add(duration.Nanoseconds), () => OtherAttributeSql.Has(name, duration.Nanoseconds)),
            _ => throw new TraceQlException(value.Position, "an attribute is compared with a string, a number or true or false"),
        };
    }

    private string WriteNumber(string name, BinaryExpression comparison, string number, Func<string> hasOther)
    {
        string key = parameters.Add(name), compared = $"{Symbol(comparison)} {number}";
        string other = comparison.Operator == Equal
            ? hasOther()
            : $"{OtherAttributeSql.Any(name, OtherAttribute.IntegerLetter, text => $"toInt64OrZero({text}) {compared}")}"
                + $" OR {OtherAttributeSql.Any(name, OtherAttribute.NumberLetter, text => $"toFloat64OrZero({text}) {compared}")}";
        return $"((mapContains(int_attributes, {key}) AND int_attributes[{key}] {compared})"
            + $" OR (mapContains(double_attributes, {key}) AND double_attributes[{key}] {compared})"
            + $" OR {other})";
    }

    private static string WriteOtherTruth(string name, BinaryExpression comparison, Literal value, bool truth) => comparison.Operator switch
    {
        Equal => OtherAttributeSql.Has(name, truth),
        NotEqual => OtherAttributeSql.Has(name, !truth),
        _ => throw new TraceQlException(value.Position, "true and false are compared with = or !="),
    };

    private string WriteOtherText(string name, BinaryExpression comparison, Literal value, string text) =>
        comparison.Operator == Equal && !TextSql.IsMended(text)
            ? OtherAttributeSql.HasText(name, parameters.Add(text))
            : OtherAttributeSql.Any(name, OtherAttribute.TextLetter, other => WriteText(other, comparison, value));

    /// <summary>The values that are shown as this text: itself, and a number or truth that is written so and not otherwise.</summary>
    private static IEnumerable<object> ValuesOf(string text)
    {
        yield return text;
        if (text is "true" or "false") yield return text == "true";
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer) && integer.ToString(CultureInfo.InvariantCulture) == text) yield return integer;
        else if (double.TryParse(text, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) && number.ToString("R", CultureInfo.InvariantCulture) == text) yield return number;
    }

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
}

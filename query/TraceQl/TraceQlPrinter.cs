using System.Buffers;
using System.Globalization;
using System.Text;

namespace TraceStore.Query.TraceQl;

/// <summary>Writes queries as text that reads back as the same query: whatever stands in an operation is in brackets of its own.</summary>
public static class TraceQlPrinter
{
    /// <summary>What an attribute's name may have without quotes.</summary>
    private static readonly SearchValues<char> s_plain = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/:");

    public static string Print(TraceQlQuery query) =>
        query.Hints.Count == 0 ? Print(query.Root) : $"{Print(query.Root)} with({string.Join(", ", query.Hints.Select(hint => $"{hint.Name}={Value(hint.Value)}"))})";

    public static string Print(Expression expression) => expression switch
    {
        FieldExpression field => Field(field),
        SpansetExpression spans => Spans(spans),
        ScalarExpression number => Number(number),
        MetricsExpression metrics => Metrics(metrics),
        _ => Function((MetricsFunction)expression),
    };

    private static string Field(FieldExpression expression) => expression switch
    {
        Literal literal => Value(literal.Value),
        AttributeField field => (field.OfParent, field.Scope) switch
        {
            (false, _) => FieldNames.Of(field.Scope),
            (true, AttributeScope.Any) => "parent.",
            (true, _) => $"parent.{FieldNames.Of(field.Scope)}",
        } + (field is { OfParent: true, Scope: AttributeScope.Any } ? Quoted(field.Name) : Name(field.Name)),
        IntrinsicField field => FieldNames.Of(field.Intrinsic) ?? throw new ArgumentException($"TraceQL has no name for {field.Intrinsic}."),
        LogicalExpression logical => string.Join(logical.Operator == LogicalOperator.And ? " && " : " || ", logical.Operands.Select(Bracketed)),
        NotExpression not => $"!{Bracketed(not.Operand)}",
        NegativeExpression negative => $"-{Bracketed(negative.Operand)}",
        ArithmeticExpression arithmetic => $"{Bracketed(arithmetic.Left)} {Symbol(arithmetic.Operator)} {Bracketed(arithmetic.Right)}",
        BinaryExpression comparison => $"{Bracketed(comparison.Left)} {Symbol(comparison.Operator)} {Bracketed(comparison.Right)}",
        _ => throw new ArgumentException($"BUG: {expression.GetType().Name} has no text."),
    };

    private static string Bracketed(FieldExpression expression) => expression is AttributeField or IntrinsicField or Literal { Value: not (long or double or DurationValue) }
        ? Field(expression)
        : $"({Field(expression)})";

    private static string Spans(SpansetExpression expression) => expression switch
    {
        SpansetFilter filter => filter.Condition is null ? "{ }" : $"{{ {Field(filter.Condition)} }}",
        SpansetOperation operation => $"{Bracketed(operation.Left)} {Symbol(operation.Operator)} {Bracketed(operation.Right)}",
        SpansetPipeline pipeline => string.Join(" | ", pipeline.Stages.Select(stage => stage is SpansetPipeline ? Bracketed(stage) : Spans(stage))),
        ScalarFilter filter => $"{Bracketed(filter.Left)} {Symbol(filter.Operator)} {Bracketed(filter.Right)}",
        GroupStage group => $"by({Field(group.By)})",
        CoalesceStage => "coalesce()",
        SelectStage select => $"select({List(select.Fields)})",
        _ => throw new ArgumentException($"BUG: {expression.GetType().Name} has no text."),
    };

    private static string Bracketed(SpansetExpression expression) => expression is SpansetFilter ? Spans(expression) : $"({Spans(expression)})";

    private static string Number(ScalarExpression expression) => expression switch
    {
        ScalarLiteral literal => Value(literal.Value),
        Aggregate aggregate => $"{aggregate.Function.ToString().ToLowerInvariant()}({(aggregate.Of is null ? "" : Field(aggregate.Of))})",
        ScalarOperation operation => $"{Bracketed(operation.Left)} {Symbol(operation.Operator)} {Bracketed(operation.Right)}",
        ScalarPipeline pipeline => $"{(pipeline.Spans is SpansetPipeline ? Spans(pipeline.Spans) : Bracketed(pipeline.Spans))} | {Number(pipeline.Number)}",
        _ => throw new ArgumentException($"BUG: {expression.GetType().Name} has no text."),
    };

    private static string Bracketed(ScalarExpression expression) => expression is Aggregate or ScalarLiteral ? Number(expression) : $"({Number(expression)})";

    private static string Metrics(MetricsExpression expression) => expression switch
    {
        MetricsPipeline pipeline => $"{(pipeline.Spans is SpansetPipeline ? Spans(pipeline.Spans) : Bracketed(pipeline.Spans))} | {Function(pipeline.Function)}",
        MetricsOperation operation => $"{Bracketed(operation.Left)} {Symbol(operation.Operator)} {Bracketed(operation.Right)}",
        MetricsLiteral literal => Value(literal.Value),
        MetricsFilter filter => $"{Bracketed(filter.Of)} {Symbol(filter.Operator)} {Value(filter.Value)}",
        TopSeries top => $"{Bracketed(top.Of)} | {(top.IsBottom ? "bottomk" : "topk")}({Value((long)top.Count)})",
        _ => throw new ArgumentException($"BUG: {expression.GetType().Name} has no text."),
    };

    private static string Bracketed(MetricsExpression expression) => expression is MetricsLiteral ? Metrics(expression) : $"({Metrics(expression)})";

    private static string Function(MetricsFunction function) => function switch
    {
        Compare { Start: { } start, End: { } end } compare => $"compare({Spans(compare.Selection)}, {Value((long)compare.Top)}, {Value(start)}, {Value(end)})",
        Compare compare => $"compare({Spans(compare.Selection)}, {Value((long)compare.Top)})",
        OverTime overTime => $"{MetricsParser.NameOf(overTime.Function)}({Arguments(overTime)}){(overTime.By.Count == 0 ? "" : $" by({List(overTime.By)})")}",
        _ => throw new ArgumentException($"BUG: {function.GetType().Name} has no text."),
    };

    private static string Arguments(OverTime overTime) => string.Join(", ", ((string[])[overTime.Of is null ? "" : Field(overTime.Of)]).Concat(overTime.Quantiles.Select(quantile => Value(quantile))));

    private static string List(IReadOnlyList<FieldExpression> fields) => string.Join(", ", fields.Select(Field));

    private static string Name(string name) => name.Length == 0 || name.AsSpan().ContainsAnyExcept(s_plain) || char.IsAsciiDigit(name[0]) ? Quoted(name) : name;

    private static string Value(object value) => value switch
    {
        string text => Quoted(text),
        AnyTypeText text => Quoted(text.Text),
        long whole => whole.ToString(CultureInfo.InvariantCulture),
        double real => real.ToString("R", CultureInfo.InvariantCulture) is var text && text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0",
        DurationValue duration => $"{duration.Nanoseconds.ToString(CultureInfo.InvariantCulture)}ns",
        bool truth => truth ? "true" : "false",
        NilValue => "nil",
        _ => value.ToString()!.ToLowerInvariant(),
    };

    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char character in text)
        {
            if (character is '"' or '\\') quoted.Append('\\').Append(character);
            else if (char.IsControl(character)) quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            else quoted.Append(character);
        }

        return quoted.Append('"').ToString();
    }

    private static string Symbol(ArithmeticOperator arithmetic) => arithmetic switch
    {
        ArithmeticOperator.Add => "+",
        ArithmeticOperator.Subtract => "-",
        ArithmeticOperator.Multiply => "*",
        ArithmeticOperator.Divide => "/",
        ArithmeticOperator.Modulo => "%",
        _ => "^",
    };

    private static string Symbol(BinaryOperator comparison) => comparison switch
    {
        BinaryOperator.Equal => "=",
        BinaryOperator.NotEqual => "!=",
        BinaryOperator.Less => "<",
        BinaryOperator.LessOrEqual => "<=",
        BinaryOperator.Greater => ">",
        BinaryOperator.GreaterOrEqual => ">=",
        BinaryOperator.Matches => "=~",
        _ => "!~",
    };

    private static string Symbol(SpansetOperator spansets) => spansets switch
    {
        SpansetOperator.And => "&&",
        SpansetOperator.Union => "||",
        SpansetOperator.Child => ">",
        SpansetOperator.Parent => "<",
        SpansetOperator.Descendant => ">>",
        SpansetOperator.Ancestor => "<<",
        SpansetOperator.Sibling => "~",
        SpansetOperator.NotChild => "!>",
        SpansetOperator.NotParent => "!<",
        SpansetOperator.NotDescendant => "!>>",
        SpansetOperator.NotAncestor => "!<<",
        SpansetOperator.NotSibling => "!~",
        SpansetOperator.UnionChild => "&>",
        SpansetOperator.UnionParent => "&<",
        SpansetOperator.UnionDescendant => "&>>",
        SpansetOperator.UnionAncestor => "&<<",
        _ => "&~",
    };
}

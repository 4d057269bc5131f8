using TraceStore.Query.TraceQl;

namespace TraceStore.Tests.Unit.Query;

public class TraceQlParserTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData("{ }")]
    [InlineData(" {\n} ")]
    public void Empty_braces_match_everything(string query) => Assert.Null(FilterOf(query));

    [Fact]
    public void A_comparison_has_a_field_an_operator_and_a_value() =>
        Assert.Equal(
            new BinaryExpression(23, BinaryOperator.Equal, new AttributeField(1, AttributeScope.Resource, "service.name"), new Literal(25, "shop")),
            FilterOf("{resource.service.name = \"shop\"}"));

    [Theory]
    [InlineData("{ .a = 1 }", AttributeScope.Any, "a")]
    [InlineData("{ span.http.status_code = 1 }", AttributeScope.Span, "http.status_code")]
    [InlineData("{ resource.k8s/pod-name = 1 }", AttributeScope.Resource, "k8s/pod-name")]
    [InlineData("{ span.\"a b\" = 1 }", AttributeScope.Span, "a b")]
    [InlineData("{ span.db.st\"ateme\"nt = 1 }", AttributeScope.Span, "db.statement")]
    [InlineData("{ span.my\" \"key = 1 }", AttributeScope.Span, "my key")]
    [InlineData("{ event.exception.type = 1 }", AttributeScope.Event, "exception.type")]
    public void Attributes_have_scopes_and_free_names(string query, AttributeScope scope, string name)
    {
        var comparison = Assert.IsType<BinaryExpression>(FilterOf(query));

        Assert.Equal((scope, name), comparison.Left is AttributeField field ? (field.Scope, field.Name) : default);
    }

    [Theory]
    [InlineData("\"a\\\"b\\n\"", "a\"b\n")]
    [InlineData("`a\\d`", "a\\d")]
    [InlineData("\"\\u00e4\\x41\\101\\U0001F600\"", "äAA😀")]
    [InlineData("\"\\xc3\\xa4\"", "ä")]
    [InlineData("\"\\a\\v\"", "\a\v")]
    [InlineData("\"\\xff\"", "\uFFFD")]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("0x1f", 31L)]
    [InlineData("0b101", 5L)]
    [InlineData("0o17", 15L)]
    [InlineData("017", 17L)]
    [InlineData("1_000", 1000L)]
    [InlineData(".5", 0.5)]
    [InlineData("1.", 1.0)]
    [InlineData("1e-3", 0.001)]
    [InlineData("1E+3", 1000.0)]
    [InlineData("0x1p-2", 0.25)]
    [InlineData("42", 42L)]
    [InlineData("-42", -42L)]
    [InlineData("1.5", 1.5)]
    [InlineData("true", true)]
    [InlineData("error", StatusValue.Error)]
    [InlineData("server", KindValue.Server)]
    public void Values_have_types(string text, object value) =>
        Assert.Equal(value, Assert.IsType<Literal>(Assert.IsType<BinaryExpression>(FilterOf($"{{ .a = {text} }}")).Right).Value);

    [Theory]
    [InlineData("100ms", 100_000_000)]
    [InlineData("1.5s", 1_500_000_000)]
    [InlineData("1h30m", 5_400_000_000_000)]
    [InlineData("5us", 5_000)]
    [InlineData(".5s", 500_000_000)]
    [InlineData("1w2d", 777_600_000_000_000)]
    [InlineData("1y", 31_536_000_000_000_000)]
    [InlineData("-5ns", -5)]
    [InlineData("9223372036854775807ns", long.MaxValue)]
    public void Durations_are_nanoseconds(string text, long nanoseconds) =>
        Assert.Equal(
            new DurationValue(nanoseconds),
            Assert.IsType<Literal>(Assert.IsType<BinaryExpression>(FilterOf($"{{ duration > {text} }}")).Right).Value);

    [Fact]
    public void And_binds_tighter_than_or()
    {
        var or = Assert.IsType<LogicalExpression>(FilterOf("{ .a = 1 || .b = 2 && .c = 3 }"));

        Assert.Equal(LogicalOperator.Or, or.Operator);
        Assert.Equal(LogicalOperator.And, Assert.IsType<LogicalExpression>(or.Operands[1]).Operator);
    }

    [Fact]
    public void Brackets_bind_tightest()
    {
        var and = Assert.IsType<LogicalExpression>(FilterOf("{ (.a = 1 || .b = 2) && .c = 3 }"));

        Assert.Equal(LogicalOperator.And, and.Operator);
    }

    [Fact]
    public void Endless_nesting_is_an_error_not_a_crash() =>
        Assert.Throws<TraceQlException>(() => TraceQlParser.Parse("{" + new string('(', 100_000)));

    [Fact]
    public void A_query_that_is_too_long_is_refused() =>
        Assert.Throws<TraceQlException>(() => TraceQlParser.Parse("{ .a = \"" + new string('x', TraceQlParser.MaxQueryLength) + "\" }"));

    private static FieldExpression? FilterOf(string query) => Assert.IsType<SpansetFilter>(TraceQlParser.Parse(query).Root).Condition;
}

using TraceStore.Query.Planning;
using TraceStore.Query.TraceQl;

namespace TraceStore.Tests.Unit.Query;

/// <summary>What ClickHouse is asked for, of a query that it can't answer alone.</summary>
public class CandidatesTests
{
    [Theory]
    [InlineData("{ }", true, null)]
    [InlineData("{ name = \"a\" && (span.b = 1 || !(duration > 1s)) }", true, null)]
    [InlineData("{ span.a != 1 }", false, "span.a != (1)")]
    [InlineData("{ !(span.a != 1) }", false, null)]
    [InlineData("{ !(span.a = 1) }", true, null)]
    [InlineData("{ span.a }", false, "span.a = true")]
    [InlineData("{ !span.a }", false, "!(span.a = true)")]
    [InlineData("{ span.a = nil && name = \"x\" }", false, "span:name = \"x\"")]
    [InlineData("{ span.a = nil || name = \"x\" }", false, null)]
    [InlineData("{ !(span.a = nil || name = \"x\") }", false, "!(span:name = \"x\")")]
    [InlineData("{ !(span.a = nil && name = \"x\") }", false, null)]
    [InlineData("{ span.a = span.b && status = error }", false, "span:status = error")]
    [InlineData("{ parent.a = 1 && kind = server }", false, "span:kind = server")]
    [InlineData("{ rootName = \"x\" && status = error }", false, "span:status = error")]
    [InlineData("{ rootName = \"x\" && traceDuration > 1s }", false, "span:name = \"x\"")]
    [InlineData("{ rootServiceName = \"x\" }", false, "resource.service.name = \"x\"")]
    [InlineData("{ traceDuration > 1s }", false, null)]
    [InlineData("{ trace:id = \"0123456789abcdef0123456789abcdef\" }", true, null)]
    [InlineData("{ trace:id = \"12\" }", false, null)]
    [InlineData("{ name = \"a\" } && { span.b = 1 }", false, "span.b = (1)")]
    [InlineData("{ name = \"a\" } || { span.b = 1 }", false, "(span:name = \"a\") || (span.b = (1))")]
    [InlineData("{ name = \"a\" } || { }", false, null)]
    [InlineData("{ } >> { span.b = 1 }", false, "span.b = (1)")]
    [InlineData("{ span.a = 1 } >> { status = error }", false, "span.a = (1)")]
    [InlineData("{ span.a = 1 } !>> { status = error }", false, "span:status = error")]
    [InlineData("{ span.a = 1 } &>> { }", false, "span.a = (1)")]
    [InlineData("{ kind = server } | count() > 2 | { span.a = 1 }", false, "span.a = (1)")]
    [InlineData("count() > 2", false, null)]
    [InlineData("({ name = \"a\" } | count()) > 0", false, null)]
    public void A_necessary_condition_is_asked_for(string query, bool isExact, string? expected)
    {
        var plan = new SearchPlan(TraceQlParser.Parse(query), null, limit: 20, spansPerSpanset: 3);

        Assert.Equal(!isExact, plan.IsEvaluated);
        if (plan.IsEvaluated) Assert.Equal(expected, plan.Filter is null ? null : TraceQlPrinter.Print(plan.Filter));
    }

    [Fact]
    public void Of_events_and_links_the_key_is_looked_for() =>
        Assert.Equal(new MentionExpression(2, "exception.type"), new SearchPlan(TraceQlParser.Parse("{ event.exception.type =~ \"a.*\" }"), null, 20, 3).Filter);
}

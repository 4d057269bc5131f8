using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using TraceStore.Query.Endpoints;
using TraceStore.Query.Planning;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.Spans;

namespace TraceStore.Tests.Unit.Query;

public class RequestParsingTests
{
    [Theory]
    [InlineData("1", "00000000000000000000000000000001")]
    [InlineData("ABCDEF", "00000000000000000000000000abcdef")]
    [InlineData("0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319c")]
    public void Trace_ids_are_padded_on_the_left(string text, string id) => Assert.Equal(id, RequestParameters.ParseTraceId(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("xyz")]
    [InlineData("0x12")]
    [InlineData("+1")]
    [InlineData(" 1")]
    [InlineData("0af7651916cd43dd8448eb211c80319c0")]
    public void What_is_not_hex_is_no_trace_id(string text) => Assert.False(TraceId.TryParse(text, out _));

    [Fact]
    public void Tempo_defaults_are_twenty_traces_of_three_spans()
    {
        SearchPlan plan = TempoSearchRequest.Read(Query(""));

        Assert.Equal((TraceQlQuery.Everything, null, 20, 3), (plan.Query, plan.Time, plan.Limit, plan.SpansPerSpanset));
        Assert.Empty(plan.OfTrace);
    }

    [Fact]
    public void Tempo_times_are_seconds() =>
        Assert.Equal(new TimeRange(1_700_000_000_000_000_000, 1_700_000_059_999_999_999), TempoSearchRequest.Read(Query("start=1700000000&end=1700000060")).Time);

    [Theory]
    [InlineData("start=1", "start and end go together: both, or neither.")]
    [InlineData("start=2&end=1", "end=1 is not after start=2.")]
    [InlineData("limit=0", "limit=0: a whole number from 1 to 1000 was expected.")]
    [InlineData("limit=x", "limit=x: a whole number from 1 to 1000 was expected.")]
    [InlineData("q={}&tags=a=b", "q and tags exclude each other.")]
    [InlineData("tags=a=b a=c", "tags=a=b a=c: the key a stands twice.")]
    [InlineData("minDuration=2s&maxDuration=1s", "minDuration=2s is more than maxDuration=1s.")]
    [InlineData("tags==x", "tags==x: a key was expected in front of '='.")]
    [InlineData("tags=a=\"x", "tags=a=\"x: this string has no end.")]
    [InlineData("tags=status.code=7", "status.code=7: ok, error or unset was expected.")]
    [InlineData("minDuration=5", "minDuration=5: a duration such as 100ms, 1.5s or 1h30m was expected.")]
    public void Bad_tempo_parameters_are_named(string query, string message) =>
        Assert.Equal(message, Assert.Throws<BadRequestException>(() => TempoSearchRequest.Read(Query(query))).Message);

    [Fact]
    public void Tempo_tags_become_a_filter() => Assert.Equal(
        [Filters.Service("a"), Filters.Attribute(AttributeScope.Any, "region", "e u\"\n")],
        Conditions(TempoSearchRequest.Read(Query("tags=service.name=a region=\"e u\\\"\\n\""))));

    [Theory]
    [InlineData("tags=service.name=a foo")]
    [InlineData("tags=foo service.name=a")]
    [InlineData("tags=service.name=a foo=")]
    public void A_key_that_is_still_being_typed_is_passed_over(string query) =>
        Assert.Equal(Filters.Service("a"), TempoSearchRequest.Read(Query(query)).Filter);

    [Fact]
    public void Tags_and_durations_of_the_trace_are_the_traces()
    {
        SearchPlan plan = TempoSearchRequest.Read(Query("tags=root.name=x root.service.name=y status.code=error&minDuration=1s&maxDuration=2s"));

        Assert.Equal(Filters.Status(StatusValue.Error), plan.Filter);
        Assert.Equal(
            [Filters.Is(Intrinsic.RootName, "x"), Filters.Is(Intrinsic.RootService, "y"), Filters.Least(Intrinsic.TraceDuration, 1_000_000_000), Filters.Most(Intrinsic.TraceDuration, 2_000_000_000)],
            plan.OfTrace);
    }

    [Theory]
    [InlineData("start=0&end=0")]
    [InlineData("end=0")]
    public void Zeros_are_no_time(string query)
    {
        Assert.Null(TempoSearchRequest.Read(Query(query)).Time);
        Assert.Null(JaegerSearchRequest.Read(Query("service=a&" + query)).Time);
    }

    [Fact]
    public void A_longest_duration_of_zero_is_no_bound() =>
        Assert.Equal(Filters.Service("a"), JaegerSearchRequest.Read(Query("service=a&maxDuration=0")).Filter);

    [Fact]
    public void Every_way_to_ask_has_the_same_bound_on_conditions()
    {
        string tags = string.Join(' ', Enumerable.Range(0, 25_000).Select(i => $"k{i}=v"));
        string terms = "{" + string.Join("||", Enumerable.Repeat(".a", 30_000)) + "}";
        string json = "{" + string.Join(',', Enumerable.Range(0, 16_000).Select(i => $"\"k{i}\":\"\"")) + "}";
        Func<SearchPlan>[] asked =
        [
            () => JaegerSearchRequest.Read(new QueryCollection(new Dictionary<string, StringValues> { ["service"] = "a", ["tag"] = Enumerable.Repeat("a:", 60_000).ToArray() })),
            () => JaegerSearchRequest.Read(new QueryCollection(new Dictionary<string, StringValues> { ["service"] = "a", ["tags"] = json })),
            () => TempoSearchRequest.Read(new QueryCollection(new Dictionary<string, StringValues> { ["tags"] = tags })),
            () => TempoSearchRequest.Read(new QueryCollection(new Dictionary<string, StringValues> { ["q"] = terms })),
        ];

        Assert.All(asked, ask => Assert.StartsWith("A query has at most 100 conditions; this one has ", Assert.Throws<QueryBoundsException>(ask).Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Conditions_on_attributes_have_a_bound_of_their_own()
    {
        string Terms(string term, int count) => "{" + string.Join("||", Enumerable.Repeat(term, count)) + "}";
        SearchPlan Read(string q) => TempoSearchRequest.Read(new QueryCollection(new Dictionary<string, StringValues> { ["q"] = q }));

        Read(Terms(".a=1", QueryBounds.MaxOnAttributes));
        Read(Terms("resource.service.name=\"a\"", QueryBounds.MaxConditions));
        Read(Terms("name=\"a\"", QueryBounds.MaxConditions));
        Assert.All((string[])[".a=1", "span.a=1", "resource.a=1", "span.service.name=\"a\"", ".service.name=\"a\"", "resource.service.name=7"], term => Assert.Throws<QueryBoundsException>(() => Read(Terms(term, QueryBounds.MaxOnAttributes + 1))));
    }

    [Fact]
    public void Texts_are_bounded_one_by_one_and_together()
    {
        Assert.Throws<QueryBoundsException>(() => TempoSearchRequest.Read(new QueryCollection(new Dictionary<string, StringValues> { ["q"] = $"{{name = \"{new string('x', 124_000)}\"}}" })));
        Assert.Throws<QueryBoundsException>(() => TempoSearchRequest.Read(new QueryCollection(new Dictionary<string, StringValues> { ["tags"] = string.Join(' ', Enumerable.Range(0, 10).Select(i => $"k{i}={new string('x', 30_000)}")) })));
    }

    [Fact]
    public void Jaeger_times_are_microseconds_both_ends_included() =>
        Assert.Equal(new TimeRange(1_000, 2_999), JaegerSearchRequest.Read(Query("service=a&start=1&end=2")).Time);

    [Theory]
    [InlineData("", "parameter 'service' is required")]
    [InlineData("service=a&tag=x", "tag=x: key:value was expected.")]
    [InlineData("service=a&tags=[1]", "tags=[1]: a JSON object of strings was expected, such as {\"http.method\":\"GET\"}.")]
    [InlineData("service=a&tags={\"n\":null}", "tags={\"n\":null}: a JSON object of strings was expected, such as {\"http.method\":\"GET\"}.")]
    [InlineData("service=a&tags=null", "tags=null: a JSON object of strings was expected, such as {\"http.method\":\"GET\"}.")]
    [InlineData("service=a&start=2&end=1", "end=1 is before start=2.")]
    [InlineData("service=a&minDuration=2s&maxDuration=1s", "minDuration=2s is more than maxDuration=1s.")]
    [InlineData("service=a&start=-1", "start=-1: a whole number from 0 to 18446744073709551 was expected.")]
    public void Bad_jaeger_parameters_are_named(string query, string message) =>
        Assert.Equal(message, Assert.Throws<BadRequestException>(() => JaegerSearchRequest.Read(Query(query))).Message);

    [Fact]
    public void Every_list_of_jaegers_tags_counts() => Assert.Equal(
        4, Conditions(JaegerSearchRequest.Read(Query("service=a&tags={\"b\":\"c\"}&tags={\"d\":\"e\"}&tag=f:g"))).Count);

    [Theory]
    [InlineData("error", "true")]
    [InlineData("error", "false")]
    [InlineData("span.kind", "server")]
    [InlineData("otel.status_code", "ERROR")]
    [InlineData("otel.scope.name", "lib")]
    [InlineData("w3c.tracestate", "a=b")]
    [InlineData("event", "retry")]
    public void What_jaeger_shows_as_tags_is_no_mere_attribute(string key, string value) =>
        Assert.NotEqual<FieldExpression>(Filters.Attribute(AttributeScope.Any, key, value), JaegerTag.Filter(key, value));

    private static IReadOnlyList<FieldExpression> Conditions(SearchPlan plan) => Assert.IsType<LogicalExpression>(plan.Filter).Operands;

    private static QueryCollection Query(string text) => new(QueryHelpers.ParseQuery(text));
}

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
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
    public void Tempo_defaults_are_twenty_traces_of_three_spans() =>
        Assert.Equal(new SearchPlan(TraceQlQuery.Everything, null, 20, 3), TempoSearchRequest.Read(Query("")));

    [Fact]
    public void Tempo_times_are_seconds() =>
        Assert.Equal(new TimeRange(1_700_000_000_000_000_000, 1_700_000_060_000_000_000), TempoSearchRequest.Read(Query("start=1700000000&end=1700000060")).Time);

    [Theory]
    [InlineData("start=1", "start and end go together: both, or neither.")]
    [InlineData("start=2&end=1", "end=1 is not after start=2.")]
    [InlineData("limit=0", "limit=0: a whole number from 1 to 1000 was expected.")]
    [InlineData("limit=x", "limit=x: a whole number from 1 to 1000 was expected.")]
    [InlineData("q={}&tags=a=b", "q and tags exclude each other.")]
    [InlineData("tags=a=b a=c", "tags=a=b a=c: the key a stands twice.")]
    [InlineData("minDuration=5", "minDuration=5: a duration such as 100ms, 1.5s or 1h30m was expected.")]
    public void Bad_tempo_parameters_are_named(string query, string message) =>
        Assert.Equal(message, Assert.Throws<BadRequestException>(() => TempoSearchRequest.Read(Query(query))).Message);

    [Fact]
    public void Tempo_tags_become_a_filter()
    {
        var and = Assert.IsType<BinaryExpression>(TempoSearchRequest.Read(Query("tags=service.name=a region=\"e u\"")).Query.Filter);

        Assert.Equal(Filters.Service("a"), and.Left);
        Assert.Equal(Filters.Attribute("region", "e u"), and.Right);
    }

    [Fact]
    public void Jaeger_times_are_microseconds_both_ends_included() =>
        Assert.Equal(new TimeRange(1_000, 3_000), JaegerSearchRequest.Read(Query("service=a&start=1&end=2")).Time);

    [Theory]
    [InlineData("", "parameter 'service' is required")]
    [InlineData("service=a&tag=x", "tag=x: key:value was expected.")]
    [InlineData("service=a&tags=[1]", "tags=[1]: a JSON object of strings was expected, such as {\"http.method\":\"GET\"}.")]
    [InlineData("service=a&start=-1", "start=-1: a whole number from 0 to 9223372036854775 was expected.")]
    public void Bad_jaeger_parameters_are_named(string query, string message) =>
        Assert.Equal(message, Assert.Throws<BadRequestException>(() => JaegerSearchRequest.Read(Query(query))).Message);

    [Fact]
    public void Jaegers_error_tag_is_the_spans_status()
    {
        var and = Assert.IsType<BinaryExpression>(JaegerSearchRequest.Read(Query("service=a&tags={\"error\":\"true\"}")).Query.Filter);

        Assert.Equal(Filters.Status(StatusValue.Error), and.Right);
    }

    private static QueryCollection Query(string text) => new(QueryHelpers.ParseQuery(text));
}

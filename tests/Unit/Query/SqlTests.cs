using TraceStore.Query.Endpoints;
using TraceStore.Query.Planning;
using TraceStore.Query.Sql;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Tests.Unit.Query;

/// <summary>
/// Every SQL text that queries run is kept in Sql/*.sql, to be reviewed when it changes. With TESTS_WRITE_SQL set
/// to the folder, the texts are written there instead of compared.
/// </summary>
public class SqlTests
{
    private static readonly TraceId[] s_ids = [new(1, 2), new(0xaaaa, 0xbbbb)];
    private static readonly TraceSql s_sql = new(tenant: "");
    private static readonly TagSql s_tags = new(tenant: "", s_sql);

    public static TheoryData<string, string> Searches => new()
    {
        { "find_everything", "{}" },
        { "find_service", "{resource.service.name = \"shop\"}" },
        { "find_name_and_duration", "{name = \"GET /\" && duration >= 100ms}" },
        { "find_status_and_kind", "{status = error || kind != client}" },
        { "find_span_attribute_string", "{span.http.method = \"GET\"}" },
        { "find_span_attribute_number", "{span.http.status_code >= 500}" },
        { "find_span_attribute_bool", "{span.retry = true}" },
        { "find_resource_attribute", "{resource.host.name = \"a\"}" },
        { "find_service_unlike", "{resource.service.name != \"shop\" && .service.name != 5}" },
        { "find_any_attribute", "{.region = \"eu\"}" },
        { "find_regex", "{name =~ \"GET .*\" && span.a !~ \"x|y\"}" },
        { "find_not", "{!(name = \"a\")}" },
        { "find_mirrored", "{100ms < duration}" },
        { "find_service_of_another_type", "{resource.service.name = 7}" },
        { "find_replacement_character", "{name = \"caf\uFFFD\"}" },
    };

    [Theory]
    [MemberData(nameof(Searches))]
    public void Searches_are_as_reviewed(string name, string traceQl) =>
        AssertAsReviewed(name, s_sql.Find(new SearchPlan(TraceQlParser.Parse(traceQl), new TimeRange(1, 2), limit: 20, spansPerSpanset: 3)));

    [Fact]
    public void Spans_of_traces_are_as_reviewed() => AssertAsReviewed("spans", s_sql.Spans(s_ids, maxSpans: 1000));

    [Fact]
    public void Spans_that_are_stored_but_for_recent_ones_are_as_reviewed() => AssertAsReviewed("spans_but_for_recent", s_sql.Spans(s_ids, maxSpans: 1000, except: new SegmentRange(7, 8, 9)));

    [Fact]
    public void Spans_in_known_buckets_are_as_reviewed() => AssertAsReviewed("spans_in_buckets", s_sql.Spans(s_ids, maxSpans: 1000, places: new TracePlaces([20_419, 20_420], [600, 900]), new SegmentRange(7, 8, 9)));

    [Fact]
    public void Buckets_of_traces_are_as_reviewed() => AssertAsReviewed("buckets", s_sql.BucketsOf(s_ids, most: 1000));

    [Fact]
    public void How_many_buckets_there_are_is_asked_as_reviewed() => AssertAsReviewed("count_buckets", TraceSql.CountBuckets(most: 48));

    [Fact]
    public void Recent_spans_are_searched_as_reviewed() =>
        AssertAsReviewed("find_recent", s_sql.FindRecent(new SearchPlan(TraceQlParser.Parse("{resource.host.name = \"a\" && duration > 1s}"), new TimeRange(1, 2), limit: 20, spansPerSpanset: 3)));

    [Fact]
    public void Traces_as_a_whole_with_recent_spans_are_as_reviewed() => AssertAsReviewed(
        "find_of_trace_with_recent",
        s_sql.Find(new SearchPlan(Filters.All([Filters.Service("a")]), new TimeRange(1, 2), 20, 3) { OfTrace = [Filters.Is(Intrinsic.RootName, "x")] }, withRecent: true));

    [Fact]
    public void Summaries_with_recent_spans_are_as_reviewed()
    {
        AssertAsReviewed("summaries_with_recent", s_sql.Summaries(s_ids, new SearchPlan(TraceQlParser.Parse("{name = \"a\"}"), new TimeRange(1, 2), 20, 3), maxSpans: 1000, recent: new SegmentRange(7, 8, 9)));
        AssertAsReviewed("summaries_in_buckets_with_recent", s_sql.Summaries(s_ids, new SearchPlan(TraceQlParser.Parse("{name = \"a\"}"), new TimeRange(1, 2), 20, 3), maxSpans: 1000, places: new TracePlaces([20_419], [600]), recent: new SegmentRange(7, 8, 9)));
        AssertAsReviewed("summaries_of_recent_alone", s_sql.Summaries(s_ids, new SearchPlan(TraceQlParser.Parse("{name = \"a\"}"), new TimeRange(1, 2), 20, 3), maxSpans: 1000, places: new TracePlaces([], []), recent: new SegmentRange(7, 8, 9)));
    }

    [Fact]
    public void Summaries_are_as_reviewed() =>
        AssertAsReviewed("summaries", s_sql.Summaries(s_ids, new SearchPlan(TraceQlParser.Parse("{name = \"a\"}"), new TimeRange(1_700_000_123_000_000_000, 1_700_000_456_000_000_001), 20, 3), maxSpans: 1000));

    [Fact]
    public void What_no_resource_has_is_asked_of_spans_alone() =>
        AssertAsReviewed("find_without_resources", s_sql.Find(new SearchPlan(TraceQlParser.Parse("{.region = \"eu\" && resource.host != \"a\"}"), null, 20, 3), ResourceMatches.None));

    [Fact]
    public void Resources_that_match_are_named_unless_they_are_many()
    {
        SearchPlan plan = new(TraceQlParser.Parse("{.region = \"eu\" && resource.host != \"a\"}"), null, 20, 3);
        BinaryExpression[] comparisons = [.. QueryBounds.Comparisons(plan.Filter)];
        string hash = new('A', 32), hashes = string.Concat(Enumerable.Repeat(hash, ResourceMatches.MostNamed(2) + 1));
        AssertAsReviewed("find_with_resources", s_sql.Find(plan, new ResourceMatches(new Dictionary<BinaryExpression, string> { [comparisons[0]] = hash + hash, [comparisons[1]] = hashes })));
    }

    [Fact]
    public void Resources_that_match_are_asked_for_once()
    {
        SearchPlan plan = new(TraceQlParser.Parse("{.region = \"eu\" && resource.host != \"a\" && span.x = 1 && resource.service.name = \"s\"}"), null, 20, 3);
        AssertAsReviewed("resource_matches", s_sql.ResourceMatches(QueryBounds.Comparisons(plan.Filter).Where(SpanPredicateSql.LooksIntoResources).ToArray()));
    }

    [Fact]
    public void Traces_as_a_whole_are_as_reviewed() => AssertAsReviewed(
        "find_of_trace",
        s_sql.Find(new SearchPlan(Filters.All([Filters.Service("a")]), new TimeRange(1, 2), 20, 3)
        {
            OfTrace = [Filters.Least(Intrinsic.TraceDuration, 5), Filters.Most(Intrinsic.TraceDuration, 6), Filters.Is(Intrinsic.RootName, "x"), Filters.Is(Intrinsic.RootService, "y")],
        }));

    [Theory]
    [InlineData("error", "false")]
    [InlineData("event", "retry")]
    [InlineData("attempt", "2")]
    [InlineData("otel.scope.name", "lib")]
    [InlineData("w3c.tracestate", "a=b")]
    public void Jaegers_tags_are_as_reviewed(string key, string value) =>
        AssertAsReviewed($"jaeger_tag_{key}", s_sql.Find(new SearchPlan(Filters.All([JaegerTag.Filter(key, value)]), null, 20, 3)));

    [Theory]
    [InlineData("\\C", true)]
    [InlineData("a\\Cb", true)]
    [InlineData("\\\\C", false)]
    [InlineData("\\Q\\C\\E", false)]
    [InlineData("\\Q\\E\\C", true)]
    [InlineData("C", false)]
    [InlineData("\\", false)]
    public void Bytes_amid_characters_are_no_expression_of_gos(string pattern, bool splits) => Assert.Equal(splits, RegularExpression.SplitsCharacters(pattern));

    [Fact]
    public void A_regular_expression_is_tried_alone_and_as_it_is_used() => AssertAsReviewed("try_regular_expression", TraceSql.TryRegularExpression("a|b"));

    [Fact]
    public void Summaries_with_content_are_as_reviewed() =>
        AssertAsReviewed("summaries_with_content", s_sql.Summaries(s_ids, new SearchPlan(TraceQlParser.Parse("{span.a = 1 && .b = 2}"), null, 20, 3), maxSpans: 1000, withContent: true));

    [Fact]
    public void Envelopes_are_as_reviewed() => AssertAsReviewed("envelopes", s_sql.EnvelopesOf("resources", [new byte[16]]));

    [Fact]
    public void Services_are_as_reviewed() => AssertAsReviewed("services", s_sql.Services());

    [Fact]
    public void Operations_are_as_reviewed() => AssertAsReviewed("operations", s_sql.Operations("shop"));

    [Theory]
    [InlineData("tags_of_spans", AttributeScope.Span, null)]
    [InlineData("tags_of_resources", AttributeScope.Resource, null)]
    [InlineData("tags_of_spans_of_a_query", AttributeScope.Span, "{resource.service.name = \"shop\" && span.}")]
    [InlineData("tags_of_resources_of_a_query", AttributeScope.Resource, "{name = \"a\"}")]
    public void Tags_are_listed_as_reviewed(string name, AttributeScope scope, string? query) => AssertAsReviewed(name, s_tags.Names(scope, new TagsPlan(query, new TimeRange(1, 2), 10)));

    [Theory]
    [InlineData("tag_values_of_spans", "span.a", null)]
    [InlineData("tag_values_of_resources", "resource.a", null)]
    [InlineData("tag_values_of_spans_of_a_query", "span.a", "{name = \"a\"}")]
    [InlineData("tag_values_of_names", "name", null)]
    [InlineData("tag_values_of_scope_names_of_a_query", "instrumentation:name", "{name = \"a\"}")]
    public void Values_of_tags_are_listed_as_reviewed(string name, string tag, string? query) => AssertAsReviewed(name, s_tags.Values(TagName.Read(tag), new TagsPlan(query, new TimeRange(1, 2), 10))!);

    [Fact]
    public void No_value_of_a_client_ever_stands_in_the_text()
    {
        const string hostile = "'); DROP TABLE spans; --";
        SqlQuery query = s_sql.Find(new SearchPlan(Filters.All([Filters.Service(hostile), Filters.Attribute(AttributeScope.Any, hostile, hostile), Filters.Attribute(AttributeScope.Event, hostile, hostile)]), null, 1, 1));

        SqlQuery values = s_tags.Values(TagName.Read($"span.{hostile}"), new TagsPlan($"{{.a = `{hostile}`}}", null, 1))!;

        Assert.DoesNotContain("DROP", query.Text + values.Text, StringComparison.Ordinal);
        Assert.Contains(hostile, values.Parameters.Values);
        Assert.Contains(hostile, query.Parameters.Values);
    }

    private static void AssertAsReviewed(string name, SqlQuery query)
    {
        string text = query.Text.Replace(" FROM", "\nFROM", StringComparison.Ordinal).Replace(" WHERE", "\nWHERE", StringComparison.Ordinal)
            + string.Concat(query.Parameters.Select(parameter => $"\n-- {parameter.Key} = {parameter.Value}")) + "\n";
        if (Environment.GetEnvironmentVariable("TESTS_WRITE_SQL") is { } folder)
        {
            File.WriteAllText(Path.Combine(folder, name + ".sql"), text);
            return;
        }

        Assert.Equal(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Query", "Sql", name + ".sql")), text);
    }
}

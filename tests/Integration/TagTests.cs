using System.Net;
using Google.Protobuf;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Query.Encoding.Tempo;
using TraceStore.Storage.ClickHouse;
using static TraceStore.Tests.OtlpSamples;
using Kind = OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind;
using Span = OpenTelemetry.Proto.Trace.V1.Span;
using Status = OpenTelemetry.Proto.Trace.V1.Status;

namespace TraceStore.Tests.Integration;

/// <summary>What fills the menus of Grafana's query builder: tags, by scope, and their values, by type; of what was received, or of the spans that a query means.</summary>
public sealed class TagTests(TagTests.Stored stored) : IClassFixture<TagTests.Stored>
{
    private const string ShopOnly = "q={resource.service.name=\"shop\"%20%26%26%20span.}";

    [Theory]
    [InlineData("", "resource: host.name, region, replicas, service.name; span: addresses, http.status_code, only.one, ratio, retry, route/x, text; event: exception.type; link: why; instrumentation: tier; intrinsic: 25")]
    [InlineData("scope=span", "span: addresses, http.status_code, only.one, ratio, retry, route/x, text")]
    [InlineData("scope=event", "event: exception.type")]
    [InlineData("scope=intrinsic", "intrinsic: 25")]
    [InlineData("scope=trace", "")] // a scope of intrinsics alone
    [InlineData("scope=span&limit=2", "span: addresses, http.status_code")]
    [InlineData("scope=span&" + ShopOnly, "span: http.status_code, ratio, retry, route/x, text")]
    [InlineData("scope=resource&" + ShopOnly, "resource: host.name, region, service.name")]
    [InlineData("scope=resource&q={name=~\"[\"", "resource: host.name, region, replicas, service.name")]
    [InlineData("scope=span&start=1750000000&end=1750000001", "span: addresses, http.status_code, only.one, ratio, retry, route/x, text")]
    [InlineData("scope=span&start=4000000000&end=4000000001", "")]
    public async Task Tags_are_listed_by_scope(string parameters, string expected)
    {
        SearchTagsV2Response response = await ReadAsync<SearchTagsV2Response>($"/api/v2/search/tags?{parameters}");

        Assert.Equal(expected, string.Join("; ", response.Scopes.Select(scope => $"{scope.Name}: {(scope.Name == "intrinsic" ? scope.Tags.Count.ToString() : string.Join(", ", scope.Tags))}")));
    }

    [Theory]
    [InlineData("resource.service.name", "", "string shop, string stock")]
    [InlineData("service.name", "", "string shop, string stock")]
    [InlineData("resource.replicas", "", "int 3")]
    [InlineData("span.http.status_code", "", "int 200, int 503, string many")]
    [InlineData(".http.status_code", "limit=1", "int 200")]
    [InlineData("span.http.status_code", ShopOnly, "int 200, string many")]
    [InlineData("span.http.status_code", "q={span.only.one=1}", "int 503")]
    [InlineData("span.http.status_code", "q={status=error}&start=1750000000&end=1750000001", "int 503")]
    [InlineData("resource.region", "q={status=error}", "string us")]
    [InlineData("instrumentation.tier", "", "int 1")]
    [InlineData("span.addresses", "", "int 7, string a, string b")]
    [InlineData("span.retry", "", "bool true")]
    [InlineData("span.ratio", "", "float 0.5")]
    [InlineData("span.text", "", "")]
    [InlineData("span.route/x", "", "string /a?b")]
    [InlineData("span.route%2Fx", "", "string /a?b")]
    [InlineData("span.\"route/x\"", "", "string /a?b")]
    [InlineData("event.exception.type", "", "string IOError")]
    [InlineData("link.why", "", "string retry")]
    [InlineData("event:name", "", "string exception")]
    [InlineData("instrumentation:name", "", "string kit, string test.scope")]
    [InlineData("instrumentation:version", "", "string 1.2.3, string 2.1")]
    [InlineData("name", "", "string GET /, string pack")]
    [InlineData("name", ShopOnly, "string GET /")]
    [InlineData("rootServiceName", "", "string shop, string stock")]
    [InlineData("statusMessage", "", "string no room")]
    [InlineData("status", "", "keyword unset, keyword ok, keyword error")]
    [InlineData("kind", "", "keyword unspecified, keyword internal, keyword server, keyword client, keyword producer, keyword consumer")]
    [InlineData("duration", "", "")]
    [InlineData("span.unheard", "", "")]
    [InlineData("parent.span.retry", "", "bool true")]
    public async Task Values_are_listed_by_type(string tag, string parameters, string expected)
    {
        SearchTagValuesV2Response response = await ReadAsync<SearchTagValuesV2Response>($"/api/v2/search/tag/{tag}/values?{parameters}");

        Assert.Equal(expected, string.Join(", ", response.TagValues.Select(value => $"{value.Type} {value.Value}")));
    }

    [Fact]
    public async Task The_first_version_of_the_api_has_neither_scopes_nor_types()
    {
        SearchTagsResponse tags = await ReadAsync<SearchTagsResponse>("/api/search/tags");
        SearchTagValuesResponse values = await ReadAsync<SearchTagValuesResponse>("/api/search/tag/http.status_code/values");

        Assert.Equal(["addresses", "exception.type", "host.name", "http.status_code", "only.one", "ratio", "region", "replicas", "retry", "route/x", "service.name", "text", "tier", "why"], tags.TagNames);
        Assert.Equal(["200", "503", "many"], values.TagValues);
        Assert.Equal(25, (await ReadAsync<SearchTagsResponse>("/api/search/tags?scope=intrinsic")).TagNames.Count);
    }

    [Fact]
    public async Task Lists_are_filled_from_what_an_older_version_stored()
    {
        const string listed = "SELECT scope, name, type, value FROM tracestore.attribute_values FINAL WHERE scope = 'span' AND name != 'addresses' ORDER BY ALL"; // arrays lie in no column
        await using var other = new Stored();
        await other.InitializeAsync();
        string before = await other.Server.AskEngineAsync(listed);

        await other.Server.AskEngineAsync("TRUNCATE TABLE tracestore.attribute_values");
        string fill = SchemaMigration.All.Single(migration => migration.Name.Contains("fill_attribute_values", StringComparison.Ordinal)).Sql;
        await other.Server.AskEngineAsync(fill.Replace(" spans ", " tracestore.spans ", StringComparison.Ordinal).Replace("INTO attribute_values", "INTO tracestore.attribute_values", StringComparison.Ordinal));

        Assert.NotEmpty(before);
        Assert.Equal(before, await other.Server.AskEngineAsync(listed));
    }

    [Theory]
    [InlineData("/api/v2/search/tags?scope=spam", "scope=spam: one of resource, span, event, link, instrumentation, intrinsic, trace, none was expected.")]
    [InlineData("/api/v2/search/tags?limit=-1", "limit=-1: a whole number from 0 to 100000 was expected.")]
    [InlineData("/api/v2/search/tags?start=1", "start and end go together: both, or neither.")]
    [InlineData("/api/v2/search/tag/name", "path=/api/v2/search/tag/name: a tag and /values were expected, as in /api/v2/search/tag/resource.service.name/values.")]
    [InlineData("/api/v2/search/tag//values", "path=/api/v2/search/tag//values: a tag and /values were expected, as in /api/v2/search/tag/resource.service.name/values.")]
    public async Task What_cannot_be_listed_is_said(string path, string message)
    {
        using HttpResponseMessage answer = await stored.Server.Tempo.GetAsync(path, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.BadRequest, message), (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)));
    }

    private async Task<T> ReadAsync<T>(string path)
        where T : IMessage, new() =>
        JsonParser.Default.Parse<T>(await stored.Server.Tempo.GetStringAsync(path, TestContext.Current.CancellationToken));

    /// <summary>Two services' spans, stored.</summary>
    public sealed class Stored : IAsyncLifetime
    {
        private const ulong Start = 1_750_000_000_000_000_000;

        internal TestServer Server { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Server = await TestServer.StartAsync(null, ("ClickHouse:MaxBlockAge", "0s"));
            ResourceSpans shop = Resource("shop", Named("GET /", 1, ("http.status_code", 200), ("retry", true), ("ratio", 0.5), ("text", new string('x', 300)), ("route/x", "/a?b")), Named("GET /", 2, ("http.status_code", "many")));
            shop.Resource.Attributes.Add(Attribute("region", "eu"));
            Span pack = Named("pack", 3, ("http.status_code", 503), ("only.one", 1), ("addresses", new object[] { "a", "b", 7 }));
            pack.Status = new Status { Code = Status.Types.StatusCode.Error, Message = "no room" };
            pack.Kind = Kind.Server;
            pack.Events.Add(new Span.Types.Event { Name = "exception", Attributes = { Attribute("exception.type", "IOError") } });
            pack.Links.Add(new Span.Types.Link { TraceId = TraceId(1), SpanId = SpanId(1), Attributes = { Attribute("why", "retry") } });
            ResourceSpans stock = Resource("stock", pack);
            stock.Resource.Attributes.Add([Attribute("region", "us"), Attribute("replicas", 3)]);
            stock.ScopeSpans[0].Scope = new() { Name = "kit", Version = "2.1", Attributes = { Attribute("tier", 1) } };
            await Server.Otlp.ExportAsync(Request(shop, stock));
            await Server.Tempo.WaitForEmptyLogAsync();
        }

        public ValueTask DisposeAsync() => Server.DisposeAsync();

        private static Span Named(string name, int number, params (string Key, object Value)[] attributes)
        {
            Span span = Span(7_700_000, number, name: name, start: Start);
            span.Attributes.Add(attributes.Select(attribute => Attribute(attribute.Key, attribute.Value)));
            return span;
        }
    }
}

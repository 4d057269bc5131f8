using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

/// <summary>Who may come in, and what a port says of itself.</summary>
public class DoorTests(ServerFixture fixture)
{
    private TestServer Server => fixture.Server;

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("app.localhost:3200", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.1.2.3:99", true)]
    [InlineData("[::1]:3200", true)]
    [InlineData("rebound.example", false)]
    [InlineData("localhost.evil.example", false)]
    [InlineData("192.168.1.1", false)]
    public async Task On_a_loopback_address_only_loopback_names_are_answered(string host, bool isAnswered)
    {
        foreach (HttpClient door in (HttpClient[])[Server.Tempo, Server.Jaeger, Server.OtlpHttp])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { Host = host } };
            using HttpResponseMessage response = await door.SendAsync(request, TestContext.Current.CancellationToken);

            Assert.Equal(isAnswered, response.StatusCode != HttpStatusCode.MisdirectedRequest);
        }
    }

    [Fact]
    public async Task Other_names_are_known_by_a_setting()
    {
        await using TestServer server = await TestServer.StartAsync(null, ("AllowedHosts", "traces.example, other.example"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/echo") { Headers = { Host = "Traces.example:3200" } };
        using HttpResponseMessage response = await server.Tempo.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("cross-site", null, HttpStatusCode.Forbidden)]
    [InlineData("cross-site", "https://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("cross-site", "https://good.example", HttpStatusCode.OK)]
    [InlineData("same-origin", null, HttpStatusCode.OK)]
    [InlineData("none", null, HttpStatusCode.OK)]
    [InlineData(null, null, HttpStatusCode.OK)]
    public async Task Pages_of_other_sites_ask_nothing_unless_they_are_allowed(string? site, string? origin, HttpStatusCode status)
    {
        await using TestServer server = await TestServer.StartAsync(null, ("Query:AllowedOrigins", "https://good.example"));
        foreach ((HttpClient door, string path) in (ReadOnlySpan<(HttpClient, string)>)[(server.Tempo, "/api/echo"), (server.Jaeger, "/api/services")])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (site is not null) request.Headers.Add("Sec-Fetch-Site", site);
            if (origin is not null) request.Headers.Add("Origin", origin);
            using HttpResponseMessage response = door.Send(request, TestContext.Current.CancellationToken);

            Assert.Equal(status, response.StatusCode);
        }
    }

    [Fact]
    public async Task Either_port_for_spans_takes_either_protocol()
    {
        using var grpcAtHttp = new OtlpClient(Server.OtlpHttp.BaseAddress!.Port);
        await grpcAtHttp.ExportAsync(Request(Resource("mixed-up", Span(3_201))));
        using var body = new ByteArrayContent(Request(Resource("mixed-up", Span(3_202))).ToByteArray()) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-protobuf") } };
        using var http = new HttpClient { BaseAddress = Server.OtlpUrl };
        using HttpResponseMessage response = await http.PostAsync("/v1/traces", body, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(3_201)), 1);
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(3_202)), 1);
    }

    [Fact]
    public async Task A_port_says_what_it_is_and_what_it_answers()
    {
        Assert.Contains("add a data source of the type Tempo", await Server.Tempo.GetStringAsync("/", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Contains("GET /api/traces/{traceID}", await Server.Jaeger.GetStringAsync("/", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        foreach (HttpClient door in (HttpClient[])[Server.Tempo, Server.Jaeger])
        {
            using HttpResponseMessage response = await door.GetAsync("/nothing/here", TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            Assert.Contains("There is nothing at /nothing/here", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Readiness_is_told_apart_for_ingest_and_queries()
    {
        await Eventually.BeTrueAsync("readiness", () => Server.Tempo.IsUpAsync("/readyz"));
        Assert.Equal("accepting spans: ok\nstoring spans: ok\n", await Server.Tempo.GetStringAsync("/readyz/ingest", TestContext.Current.CancellationToken));
        Assert.Equal("answering queries: ok\n", await Server.Jaeger.GetStringAsync("/readyz/query", TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(null, "application/json")]
    [InlineData("*/*", "application/json")]
    [InlineData("application/json", "application/json")]
    [InlineData("application/protobuf", "application/protobuf")]
    [InlineData("APPLICATION/PROTOBUF", "application/protobuf")]
    [InlineData("application/protobuf;q=0.5, application/json", "application/json")]
    [InlineData("application/json;q=0.5, application/protobuf", "application/protobuf")]
    [InlineData("application/protobuf;q=0, */*", "application/json")]
    [InlineData("text/html, application/*;q=0.2, application/protobuf;q=0.9", "application/protobuf")]
    [InlineData("nonsense;;;", "application/json")]
    public async Task A_trace_comes_in_the_form_that_is_preferred(string? accept, string type)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v2/traces/1");
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        using HttpResponseMessage response = await Server.Tempo.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(type, response.Content.Headers.ContentType?.MediaType);
    }
}

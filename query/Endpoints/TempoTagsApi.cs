using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using TraceStore.Query.Encoding.Tempo;
using TraceStore.Query.Execution;
using TraceStore.Query.Planning;
using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Endpoints;

/// <summary>The part of Tempo's HTTP API that fills the menus: tags, and the values of one.</summary>
internal static class TempoTagsApi
{
    private const string Before = "/search/tag/", Behind = "/values", Intrinsic = "intrinsic", Trace = "trace";
    private const int DefaultLimit = 5_000, MaxLimit = 100_000;

    private static readonly JsonFormatter s_json = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true)); // lists are there also when they are empty

    private static readonly (string Name, AttributeScope Scope)[] s_scopes =
    [
        ("resource", AttributeScope.Resource), ("span", AttributeScope.Span), ("event", AttributeScope.Event), ("link", AttributeScope.Link), ("instrumentation", AttributeScope.Instrumentation),
    ];

    /// <summary>In the order of Grafana's own list.</summary>
    private static readonly string[] s_intrinsics =
    [
        "duration", "name", "status", "statusMessage", "kind", "rootServiceName", "rootName", "traceDuration", "event:name", "event:timeSinceStart", "link:spanID", "link:traceID",
        "instrumentation:name", "instrumentation:version", "trace:id", "span:id", "span:parentID", "span:status", "span:statusMessage", "span:duration", "span:name", "span:kind",
        "trace:rootName", "trace:rootService", "trace:duration",
    ];

    public static string[] Routes { get; } = ["GET /api/v2/search/tags", "GET /api/v2/search/tag/{tag}/values", "GET /api/search/tags", "GET /api/search/tag/{tag}/values"];

    public static void MapTempoTagsApi(this WebApplication app, TagReader reader)
    {
        app.MapGet("/api/v2/search/tags", async (HttpRequest request, CancellationToken cancellation) => Answer(await TagsAsync(request, reader, cancellation).ConfigureAwait(false)));
        app.MapGet("/api/search/tags", async (HttpRequest request, CancellationToken cancellation) => Answer(InOneList(await TagsAsync(request, reader, cancellation).ConfigureAwait(false), request.Query.Text("scope"))));
        app.MapGet("/api/v2/search/tag/{**rest}", async (HttpRequest request, CancellationToken cancellation) => Answer(await ValuesAsync(request, reader, cancellation).ConfigureAwait(false)));
        app.MapGet("/api/search/tag/{**rest}", async (HttpRequest request, CancellationToken cancellation) => Answer(WithoutTypes(await ValuesAsync(request, reader, cancellation).ConfigureAwait(false))));
    }

    private static async Task<SearchTagsV2Response> TagsAsync(HttpRequest request, TagReader reader, CancellationToken cancellation)
    {
        TagsPlan plan = Read(request.Query);
        string? scope = request.Query.Text("scope") is { } text and not "none" ? text : null;
        if (scope is not null and not Intrinsic and not Trace && s_scopes.All(known => known.Name != scope)) throw new BadRequestException($"{RequestParameters.Show("scope", scope)}: one of {string.Join(", ", s_scopes.Select(known => known.Name))}, {Intrinsic}, {Trace}, none was expected.");
        var response = new SearchTagsV2Response { Metrics = new MetadataMetrics() };
        foreach ((string name, AttributeScope of) in s_scopes.Where(known => scope is null || known.Name == scope))
        {
            IReadOnlyList<string> names = await reader.NamesAsync(of, plan, cancellation).ConfigureAwait(false);
            if (names.Count > 0) response.Scopes.Add(new SearchTagsV2Scope { Name = name, Tags = { names } });
        }

        if (scope is null or Intrinsic) response.Scopes.Add(new SearchTagsV2Scope { Name = Intrinsic, Tags = { s_intrinsics } });
        return response;
    }

    private static async Task<SearchTagValuesV2Response> ValuesAsync(HttpRequest request, TagReader reader, CancellationToken cancellation)
    {
        IReadOnlyList<Execution.TagValue> values = await reader.ValuesAsync(TagName.Read(ReadTag(request.HttpContext)), Read(request.Query), cancellation).ConfigureAwait(false);
        return new SearchTagValuesV2Response { Metrics = new MetadataMetrics(), TagValues = { values.Select(value => new Encoding.Tempo.TagValue { Type = value.Type, Value = value.Value }) } };
    }

    /// <summary>A tag may have slashes in it, escaped or not.</summary>
    private static string ReadTag(HttpContext context)
    {
        string path = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Split('?')[0];
        int start = path.IndexOf(Before, StringComparison.Ordinal) + Before.Length;
        if (!path.EndsWith(Behind, StringComparison.Ordinal) || start >= path.Length - Behind.Length) throw new BadRequestException($"{RequestParameters.Show("path", path)}: a tag and {Behind} were expected, as in /api/v2{Before}resource.service.name{Behind}.");
        return Uri.UnescapeDataString(path[start..^Behind.Length]);
    }

    private static TagsPlan Read(IQueryCollection query) =>
        new(query.Text("q"), TempoSearchRequest.ReadTime(query), (int)(query.Number("limit", 0, MaxLimit) is { } limit and > 0 ? limit : DefaultLimit));

    /// <summary>Intrinsics are listed for who asks for them.</summary>
    private static SearchTagsResponse InOneList(SearchTagsV2Response response, string? scope) =>
        new() { Metrics = response.Metrics, TagNames = { response.Scopes.Where(one => scope == Intrinsic || one.Name != Intrinsic).SelectMany(one => one.Tags).Distinct().Order(StringComparer.Ordinal) } };

    private static SearchTagValuesResponse WithoutTypes(SearchTagValuesV2Response response) =>
        new() { Metrics = response.Metrics, TagValues = { response.TagValues.Select(value => value.Value).Distinct() } };

    private static IResult Answer(IMessage response) => Results.Text(s_json.Format(response), "application/json");
}

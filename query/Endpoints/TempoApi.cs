using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using TraceStore.Query.Assembly;
using TraceStore.Query.Encoding;
using TraceStore.Query.Encoding.Tempo;
using TraceStore.Query.Evaluation;
using TraceStore.Query.Execution;
using TraceStore.Query.Planning;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Endpoints;

/// <summary>
/// Tempo's HTTP API, as Grafana's Tempo data source uses it. A query goes
/// <list type="number">
/// <item>from here, its parameters read into a plan (<see cref="TempoSearchRequest"/>, <see cref="TraceQl.TraceQlParser"/>),</item>
/// <item>into SQL that runs (<see cref="Sql.TraceSql"/>, <see cref="TraceReader"/>),</item>
/// <item>into traces (<see cref="TraceAssembler"/>),</item>
/// <item>and out in Tempo's form (<see cref="TempoTraceEncoder"/>, <see cref="TempoSearchEncoder"/>).</item>
/// </list>
/// </summary>
public static class TempoApi
{
    private const string Protobuf = "application/protobuf";
    private const string Json = "application/json";

    /// <summary>Who asks whether it is ready is answered by then.</summary>
    private static readonly TimeSpan s_readyWithin = TimeSpan.FromSeconds(1.5);

    /// <summary>Puts the API on a web application.</summary>
    public static void MapTempoApi(this WebApplication app, TraceReader reader, QueryServiceOptions options)
    {
        app.UseQueryFailures(app.Logger, options, (context, _, message) => Results.Text(message, statusCode: context.Response.StatusCode).ExecuteAsync(context));
        app.MapGet("/api/echo", () => "echo");
        app.MapGet("/ready", (CancellationToken cancellation) => ReadyAsync(reader, cancellation));
        app.MapGet("/api/status/buildinfo", () => Results.Json(BuildInfo));
        app.MapGet("/api/v2/traces/{traceId}", (string traceId, HttpRequest request, CancellationToken cancellation) => TraceByIdAsync(traceId, request, reader, cancellation));
        app.MapGet("/api/traces/{traceId}", (string traceId, HttpRequest request, CancellationToken cancellation) => TraceByIdV1Async(traceId, request, reader, cancellation));
        app.MapGet("/api/search", (HttpRequest request, CancellationToken cancellation) => SearchAsync(request, reader, cancellation));
        app.MapGet("/api/metrics/query_range", (HttpRequest request, CancellationToken cancellation) => MeasureAsync(request, reader, isInstant: false, cancellation));
        app.MapGet("/api/metrics/query", (HttpRequest request, CancellationToken cancellation) => MeasureAsync(request, reader, isInstant: true, cancellation));
        app.MapTempoTagsApi(reader.Tags);
        app.MapNotFound(
            "Tempo's HTTP API",
            [
                "GET /api/v2/traces/{traceID}", "GET /api/traces/{traceID}", "GET /api/search?q={TraceQL}", "GET /api/metrics/query_range?q={TraceQL}", "GET /api/metrics/query?q={TraceQL}", .. TempoTagsApi.Routes, "GET /api/echo", "GET /api/status/buildinfo", "GET /ready",
            ],
            "In Grafana: add a data source of the type Tempo with this address as its URL, then paste a trace ID or search with {}.",
            message => Results.Text(message, statusCode: StatusCodes.Status404NotFound));
    }

    /// <summary>Clients decide by the version what to ask: it is that of the Tempo whose API this is, not TraceStore's.</summary>
    private static object BuildInfo => new
    {
        version = "2.9.0",
        revision = $"tracestore-{typeof(TempoApi).Assembly.GetName().Version!.ToString(3)}",
        branch = "",
        buildDate = "",
        buildUser = "",
        goVersion = "",
    };

    private static async Task<IResult> ReadyAsync(TraceReader reader, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_readyWithin);
        try
        {
            await reader.CheckAsync(limit.Token).ConfigureAwait(false);
            return Results.Text("ready");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Results.Text("ClickHouse doesn't answer in time", statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }

    private static async Task<IResult> TraceByIdAsync(string traceId, HttpRequest request, TraceReader reader, CancellationToken cancellation)
    {
        (AssembledTrace? trace, SpanRows rows) = await ReadAsync(traceId, request, reader, cancellation).ConfigureAwait(false);
        return request.Prefers(Protobuf, over: Json)
            ? new StreamedAnswer(Protobuf, new TempoTraceEncoder(trace, rows).WriteResponseAsync)
            : new StreamedAnswer(Json, (output, token) => TempoTraceJson.WriteResponseAsync(trace, rows, output, token));
    }

    private static async Task<IResult> TraceByIdV1Async(string traceId, HttpRequest request, TraceReader reader, CancellationToken cancellation)
    {
        (AssembledTrace? trace, SpanRows rows) = await ReadAsync(traceId, request, reader, cancellation).ConfigureAwait(false);
        if (trace is null) return Results.NotFound();
        if (rows.IsCut) return Results.Text(rows.Warning + " Version 2 of the API gives them.", statusCode: StatusCodes.Status422UnprocessableEntity);
        return request.Prefers(Protobuf, over: Json)
            ? new StreamedAnswer(Protobuf, new TempoTraceEncoder(trace, rows).WriteTraceAsync)
            : new StreamedAnswer(Json, (output, token) => TempoTraceJson.WriteTraceAsync(trace, rows, output, token));
    }

    private static async Task<IResult> SearchAsync(HttpRequest request, TraceReader reader, CancellationToken cancellation)
    {
        SearchPlan plan = TempoSearchRequest.Read(request.Query);
        if (plan.IsEvaluated)
        {
            Found<TraceSearchMetadata> found = await reader.EvaluateAsync(plan, new FoundTracesEncoder(plan).Describe, cancellation).ConfigureAwait(false);
            return Results.Text(TempoSearchEncoder.Json(FoundTracesEncoder.Response(found)), Json);
        }

        using SearchRows rows = await reader.SearchAsync(plan, cancellation).ConfigureAwait(false);
        return Results.Text(TempoSearchEncoder.Json(new TempoSearchEncoder(rows, plan).Response()), Json);
    }

    private static async Task<IResult> MeasureAsync(HttpRequest request, TraceReader reader, bool isInstant, CancellationToken cancellation)
    {
        MetricsPlan plan = TempoMetricsRequest.Read(request.Query, isInstant, DateTimeOffset.UtcNow);
        Found<Series> found = await reader.MeasureAsync(plan, cancellation).ConfigureAwait(false);
        IMessage response = isInstant ? SeriesEncoder.Instant(found) : new SeriesEncoder(plan.Range).Range(found);
        return Results.Text(JsonFormatter.Default.Format(response), Json);
    }

    private static async Task<(AssembledTrace? Trace, SpanRows Rows)> ReadAsync(string traceId, HttpRequest request, TraceReader reader, CancellationToken cancellation)
    {
        TraceId id = RequestParameters.ParseTraceId(traceId);
        _ = TempoSearchRequest.ReadTime(request.Query); // a hint to Tempo's blocks; a trace is given whole
        SpanRows rows = await reader.ReadAsync([id], cancellation).ConfigureAwait(false);
        request.HttpContext.Response.RegisterForDispose(rows);
        return (TraceAssembler.Assemble(rows.Spans, SpanContent.Whole(rows.Spans)).GetValueOrDefault(id), rows);
    }
}

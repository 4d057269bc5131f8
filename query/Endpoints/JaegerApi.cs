using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using TraceStore.Query.Assembly;
using TraceStore.Query.Encoding;
using TraceStore.Query.Execution;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Endpoints;

/// <summary>
/// Jaeger's HTTP API v1, as Grafana's Jaeger data source uses it. Queries go the way that <see cref="TempoApi"/> tells; every
/// answer, errors included, comes in a <see cref="JaegerEnvelope"/>.
/// </summary>
public static class JaegerApi
{
    /// <summary>Puts the API on a web application.</summary>
    public static void MapJaegerApi(this WebApplication app, TraceReader reader, QueryServiceOptions options)
    {
        app.UseQueryFailures(app.Logger, options, (context, status, message) => JaegerEnvelope.Error(status, message).ExecuteAsync(context));
        app.MapGet("/api/services", (CancellationToken cancellation) => ServicesAsync(reader, cancellation));
        app.MapGet("/api/services/{service}/operations", (HttpContext context, CancellationToken cancellation) => OperationNamesAsync(context, reader, cancellation));
        app.MapGet("/api/operations", (HttpRequest request, CancellationToken cancellation) => OperationsAsync(request, reader, cancellation));
        app.MapGet("/api/traces", (HttpRequest request, CancellationToken cancellation) => SearchAsync(request, reader, cancellation));
        app.MapGet("/api/traces/{traceId}", (string traceId, HttpRequest request, CancellationToken cancellation) => TraceByIdAsync(traceId, request, reader, cancellation));
        app.MapNotFound(
            "Jaeger's HTTP API",
            [
                "GET /api/services", "GET /api/services/{service}/operations", "GET /api/operations?service=", "GET /api/traces?service=", "GET /api/traces/{traceID}",
            ],
            "In Grafana: add a data source of the type Jaeger with this address as its URL. There is no web page of Jaeger's here.",
            message => JaegerEnvelope.Error(StatusCodes.Status404NotFound, message));
    }

    private static async Task<IResult> ServicesAsync(TraceReader reader, CancellationToken cancellation)
    {
        IReadOnlyList<string> services = await reader.ServicesAsync(cancellation).ConfigureAwait(false);
        return JaegerEnvelope.Of([.. services.Distinct()], (json, service) => json.WriteStringValue(service));
    }

    private static async Task<IResult> OperationNamesAsync(HttpContext context, TraceReader reader, CancellationToken cancellation)
    {
        string service = context.RawPathSegment(behind: "services") ?? throw new BadRequestException("the service's name is missing in the path");
        IReadOnlyList<Operation> operations = await reader.OperationsAsync(service, cancellation).ConfigureAwait(false);
        return JaegerEnvelope.Of([.. operations.Select(operation => operation.Name).Distinct()], (json, name) => json.WriteStringValue(name));
    }

    private static async Task<IResult> OperationsAsync(HttpRequest request, TraceReader reader, CancellationToken cancellation)
    {
        string service = request.Query.Text("service") ?? throw new BadRequestException("parameter 'service' is required");
        string? kind = request.Query.Text("spanKind");
        IReadOnlyList<Operation> operations = await reader.OperationsAsync(service, cancellation).ConfigureAwait(false);
        return JaegerEnvelope.Of([.. operations.Where(operation => kind is null || JaegerTraceEncoder.KindName(operation.Kind) == kind)], (json, operation) =>
        {
            json.WriteStartObject();
            json.WriteString("name", operation.Name);
            json.WriteString("spanKind", JaegerTraceEncoder.KindName(operation.Kind));
            json.WriteEndObject();
        });
    }

    private static async Task<IResult> SearchAsync(HttpRequest request, TraceReader reader, CancellationToken cancellation)
    {
        TraceId[] asked = [.. request.Query["traceID"].Select(RequestParameters.ParseTraceId).Distinct()];
        if (asked.Length > JaegerSearchRequest.MaxLimit) throw new BadRequestException($"traceID stands {asked.Length} times: at most {JaegerSearchRequest.MaxLimit} are given at once.");
        if (asked.Length > 0) return await TracesAsync(asked, request, reader, cancellation).ConfigureAwait(false);

        IReadOnlyList<TraceId> found = await reader.FindAsync(JaegerSearchRequest.Read(request.Query), cancellation).ConfigureAwait(false);
        return await TracesAsync(found, request, reader, cancellation).ConfigureAwait(false);
    }

    private static async Task<IResult> TraceByIdAsync(string traceId, HttpRequest request, TraceReader reader, CancellationToken cancellation)
    {
        TraceId id = RequestParameters.ParseTraceId(traceId);
        (IReadOnlyList<AssembledTrace> traces, SpanRows rows) = await ReadAsync([id], request, reader, cancellation).ConfigureAwait(false);
        return traces.Count == 0 ? JaegerEnvelope.Error(StatusCodes.Status404NotFound, "trace not found") : Envelope(traces, rows);
    }

    private static async Task<IResult> TracesAsync(IReadOnlyCollection<TraceId> ids, HttpRequest request, TraceReader reader, CancellationToken cancellation)
    {
        (IReadOnlyList<AssembledTrace> traces, SpanRows rows) = await ReadAsync(ids, request, reader, cancellation).ConfigureAwait(false);
        return Envelope(traces, rows);
    }

    /// <summary>The traces that are there, in the order asked for. None is ever empty: Grafana would crash on one.</summary>
    private static async Task<(IReadOnlyList<AssembledTrace> Traces, SpanRows Rows)> ReadAsync(
        IReadOnlyCollection<TraceId> ids, HttpRequest request, TraceReader reader, CancellationToken cancellation)
    {
        SpanRows rows = await reader.ReadAsync(ids, cancellation).ConfigureAwait(false);
        request.HttpContext.Response.RegisterForDispose(rows);
        IReadOnlyDictionary<TraceId, AssembledTrace> traces = TraceAssembler.Assemble(rows.Spans, SpanContent.Whole(rows.Spans));
        return ([.. ids.Where(traces.ContainsKey).Select(id => traces[id])], rows);
    }

    private static JaegerEnvelope Envelope(IReadOnlyList<AssembledTrace> traces, SpanRows rows) =>
        JaegerEnvelope.Of(traces, json => new JaegerTraceEncoder(json, rows).Write);
}

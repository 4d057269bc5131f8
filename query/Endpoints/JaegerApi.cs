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
    public static void MapJaegerApi(this WebApplication app, TraceReader reader)
    {
        app.UseQueryFailures(app.Logger, (context, status, message) => JaegerEnvelope.Error(status, message).ExecuteAsync(context));
        app.MapGet("/api/services", (CancellationToken cancellation) => ServicesAsync(reader, cancellation));
        app.MapGet("/api/services/{service}/operations", (string service, CancellationToken cancellation) => OperationNamesAsync(service, reader, cancellation));
        app.MapGet("/api/operations", (HttpRequest request, CancellationToken cancellation) => OperationsAsync(request, reader, cancellation));
        app.MapGet("/api/traces", (HttpRequest request, CancellationToken cancellation) => SearchAsync(request, reader, cancellation));
        app.MapGet("/api/traces/{traceId}", (string traceId, CancellationToken cancellation) => TraceByIdAsync(traceId, reader, cancellation));
    }

    private static async Task<IResult> ServicesAsync(TraceReader reader, CancellationToken cancellation)
    {
        IReadOnlyList<string> services = await reader.ServicesAsync(cancellation).ConfigureAwait(false);
        return JaegerEnvelope.Of(services, json => json.WriteStringValue);
    }

    private static async Task<IResult> OperationNamesAsync(string service, TraceReader reader, CancellationToken cancellation)
    {
        // Routing leaves an escaped slash escaped, and some clients escape twice.
        IReadOnlyList<Operation> operations = await reader.OperationsAsync(Uri.UnescapeDataString(service), cancellation).ConfigureAwait(false);
        return JaegerEnvelope.Of([.. operations.Select(operation => operation.Name).Distinct()], json => json.WriteStringValue);
    }

    private static async Task<IResult> OperationsAsync(HttpRequest request, TraceReader reader, CancellationToken cancellation)
    {
        string service = request.Query.Text("service") ?? throw new BadRequestException("parameter 'service' is required");
        string? kind = request.Query.Text("spanKind");
        IReadOnlyList<Operation> operations = await reader.OperationsAsync(service, cancellation).ConfigureAwait(false);
        return JaegerEnvelope.Of([.. operations.Where(operation => kind is null || JaegerTraceEncoder.KindName(operation.Kind) == kind)], json => operation =>
        {
            json.WriteStartObject();
            json.WriteString("name", operation.Name);
            json.WriteString("spanKind", JaegerTraceEncoder.KindName(operation.Kind));
            json.WriteEndObject();
        });
    }

    private static async Task<IResult> SearchAsync(HttpRequest request, TraceReader reader, CancellationToken cancellation)
    {
        TraceId[] asked = [.. request.Query["traceID"].OfType<string>().Select(RequestParameters.ParseTraceId)];
        if (asked.Length > 0) return await TracesAsync(asked, reader, cancellation).ConfigureAwait(false);

        IReadOnlyList<TraceId> found = await reader.FindAsync(JaegerSearchRequest.Read(request.Query), cancellation).ConfigureAwait(false);
        return await TracesAsync(found, reader, cancellation).ConfigureAwait(false);
    }

    private static async Task<IResult> TraceByIdAsync(string traceId, TraceReader reader, CancellationToken cancellation)
    {
        TraceId id = RequestParameters.ParseTraceId(traceId);
        (IReadOnlyList<AssembledTrace> traces, SpanRows rows) = await ReadAsync([id], reader, cancellation).ConfigureAwait(false);
        return traces.Count == 0 ? JaegerEnvelope.Error(StatusCodes.Status404NotFound, "trace not found") : Envelope(traces, rows);
    }

    private static async Task<IResult> TracesAsync(IReadOnlyCollection<TraceId> ids, TraceReader reader, CancellationToken cancellation)
    {
        (IReadOnlyList<AssembledTrace> traces, SpanRows rows) = await ReadAsync(ids, reader, cancellation).ConfigureAwait(false);
        return Envelope(traces, rows);
    }

    /// <summary>The traces that are there, in the order asked for. None is ever empty: Grafana would crash on one.</summary>
    private static async Task<(IReadOnlyList<AssembledTrace> Traces, SpanRows Rows)> ReadAsync(IReadOnlyCollection<TraceId> ids, TraceReader reader, CancellationToken cancellation)
    {
        SpanRows rows = await reader.ReadAsync(ids, cancellation).ConfigureAwait(false);
        IReadOnlyDictionary<TraceId, AssembledTrace> traces = TraceAssembler.Assemble(rows.Spans, SpanContent.Whole(rows.Spans));
        return ([.. ids.Distinct().Where(traces.ContainsKey).Select(id => traces[id])], rows);
    }

    private static JaegerEnvelope Envelope(IReadOnlyList<AssembledTrace> traces, SpanRows rows) =>
        JaegerEnvelope.Of(traces, json => new JaegerTraceEncoder(json, rows).Write);
}

using System.Globalization;
using System.Net.Mime;
using System.Text;
using Google.Protobuf;
using Google.Rpc;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using TraceStore.Collector.Pipeline;
using TraceStore.Storage.Otlp;

namespace TraceStore.Collector.Receivers;

/// <summary>
/// OTLP over HTTP: the protocol's edge, as <see cref="OtlpGrpcReceiver"/> is gRPC's.
/// <list type="number">
/// <item>See which of the two encodings it is; the answer comes in the same.</item>
/// <item>Refuse clients that have sent more than they may.</item>
/// <item>Read the body, decompressed, within the bounds (<see cref="HttpBody"/>).</item>
/// <item>Turn JSON into protobuf (<see cref="OtlpJsonTranscoder"/>).</item>
/// <item>Give it to the pipeline, and its outcome back in OTLP's words (OTLP 1.11, "OTLP/HTTP Response").</item>
/// </list>
/// </summary>
internal sealed class OtlpHttpReceiver(IngestPipeline pipeline, BytesInFlight inFlight, RequestDecompressor decompressor, OtlpOptions options)
{
    /// <summary>Where spans are sent (OTLP 1.11, "OTLP/HTTP Request").</summary>
    public const string TracesPath = "/v1/traces";

    private const string Protobuf = "application/x-protobuf";

    public async Task ExportAsync(HttpContext context)
    {
        string client = context.ClientName();
        using BytesInFlight.RequestLease lease = inFlight.Begin(client);
        bool isJson = true; // for a client that doesn't say what it understands
        try
        {
            isJson = IsJson(context.Request.ContentType); // 1
            if (pipeline.WhyKeptOut(client) is { } keptOut) throw HttpFailure.Unavailable(keptOut.Message, keptOut.RetryAfter); // 2
            lease.Grow(BytesInFlight.BytesPerRequest);
            using ReceiveBuffer body = await HttpBody.ReadAsync(context, options, decompressor, lease).ConfigureAwait(false); // 3
            string? unknownField = null;
            ReadOnlyMemory<byte> request = isJson ? Transcode(body.Bytes.Span, lease, out unknownField) : body.Bytes; // 4
            ExportOutcome outcome = await pipeline.ExportAsync(request, client, unknownField).ConfigureAwait(false); // 5
            if (outcome.Kind == ExportOutcomeKind.Malformed) throw HttpFailure.Malformed(outcome.Message, reason: null);
            if (outcome.Kind == ExportOutcomeKind.Unavailable) throw HttpFailure.Unavailable(outcome.Message, outcome.RetryAfter);
            await AnswerAsync(context.Response, StatusCodes.Status200OK, ExportResponses.Of(outcome), isJson).ConfigureAwait(false);
        }
        catch (HttpFailure failure)
        {
            if (failure.IsAborting) context.Abort(); // the client sends it again
            if (failure.Reason is { } reason) pipeline.NoteRejected(client, reason, lease.PeakBytes);
            if (failure.RetryAfter is { } delay) context.Response.Headers.RetryAfter = Math.Ceiling(delay.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            if (!failure.IsAborting) await AnswerAsync(context.Response, failure.StatusCode, failure.Status, isJson).ConfigureAwait(false);
        }
        catch (NoRoomException noRoom)
        {
            pipeline.NoteRefused(noRoom.Reason, noRoom.Message);
            HttpFailure failure = HttpFailure.Unavailable(noRoom.Message, BytesInFlight.RetryAfter);
            context.Response.Headers.RetryAfter = BytesInFlight.RetryAfter.TotalSeconds.ToString(CultureInfo.InvariantCulture);
            await AnswerAsync(context.Response, failure.StatusCode, failure.Status, isJson).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // the client has gone; nothing was acknowledged
        }
    }

    /// <summary>Answers requests for anything else: most are for signals that aren't traces.</summary>
    public static Task RefuseUnknownAsync(HttpContext context)
    {
        bool isMethod = context.Request.Path == TracesPath;
        if (isMethod) context.Response.Headers.Allow = HttpMethods.Post;
        var status = new Google.Rpc.Status
        {
            Code = (int)(isMethod ? Code.Unimplemented : Code.NotFound),
            Message = isMethod ? $"{context.Request.Method} is not how spans are sent: POST is." : $"There is no {context.Request.Path} here: TraceStore takes traces, by POST at /v1/traces. For SDKs: OTEL_METRICS_EXPORTER=none, OTEL_LOGS_EXPORTER=none.",
        };
        return AnswerAsync(context.Response, isMethod ? StatusCodes.Status405MethodNotAllowed : StatusCodes.Status404NotFound, status, isJson: context.Request.ContentType?.StartsWith(Protobuf, StringComparison.OrdinalIgnoreCase) != true);
    }

    private static bool IsJson(string? contentType)
    {
        string? type = MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? parsed) ? parsed.MediaType.Value : null;
        return type?.ToUpperInvariant() switch
        {
            "APPLICATION/JSON" => true,
            "APPLICATION/X-PROTOBUF" or "APPLICATION/PROTOBUF" => false,
            _ => throw HttpFailure.Unsupported($"Content-Type '{contentType}' is not OTLP: {Protobuf} and {MediaTypeNames.Application.Json} are."),
        };
    }

    private ReadOnlyMemory<byte> Transcode(ReadOnlySpan<byte> json, BytesInFlight.RequestLease lease, out string? unknownField)
    {
        lease.Grow(json.Length);
        var output = new WireWriter(json.Length / 2); // protobuf takes less than half as much, most of the time
        if (OtlpJsonTranscoder.Transcode(json, output, out unknownField) is { } malformed) throw HttpFailure.Malformed($"The request is not an ExportTraceServiceRequest: {malformed}.");
        return output.Length <= options.MaxRequestBytes ? output.WrittenMemory : throw HttpFailure.TooLarge(options.MaxRequestBytes);
    }

    private static async Task AnswerAsync(Microsoft.AspNetCore.Http.HttpResponse response, int statusCode, IMessage message, bool isJson)
    {
        byte[] body = isJson ? Encoding.UTF8.GetBytes(JsonFormatter.Default.Format(message)) : message.ToByteArray();
        response.StatusCode = statusCode;
        response.ContentType = isJson ? MediaTypeNames.Application.Json : Protobuf;
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, CancellationToken.None).ConfigureAwait(false);
    }
}

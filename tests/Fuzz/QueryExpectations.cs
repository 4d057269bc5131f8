using System.Text;
using System.Text.Json;
using Google.Protobuf;
using TraceStore.Query.Encoding.Tempo;

namespace TraceStore.Tests.Fuzz;

/// <summary>What holds for every answer to a query, whatever was asked.</summary>
internal static class QueryExpectations
{
    /// <summary>ClickHouse's words, .NET's and our own for bugs: none of a client's business. No hostile value holds one of them.</summary>
    private static readonly string[] s_insides =
        ["DB::Exception", "Code: ", "ClickHouse", "(version ", "   at ", ".cs:line", "Object reference", "Exception:", "Parameter '", "BUG", "TraceStore failed"];

    /// <summary>What is wrong with an answer, in a few words that are the same for the same kind; null if nothing is.</summary>
    public static string? Breach(HostileRequest request, HostileAnswer answer)
    {
        string body = Encoding.UTF8.GetString(answer.Body);
        if (s_insides.FirstOrDefault(inside => body.Contains(inside, StringComparison.Ordinal)) is { } told) return $"status {answer.Status}, the body says '{told}'";
        if (answer.Status >= 500 && !IsCutRequestLine(request, answer)) return $"status {answer.Status}";
        if (request.Method == "HEAD") return null;
        try
        {
            return answer.ContentType switch
            {
                "application/json" => BreachInJson(request, answer),
                "application/protobuf" => BreachInProtobuf(request, answer),
                _ => BreachInText(request, answer),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidProtocolBufferException or InvalidJsonException or DecoderFallbackException)
        {
            return $"status {answer.Status}, a body that isn't {answer.ContentType}: {e.GetType().Name}";
        }
    }

    /// <summary>A line that ends within its target names no version of HTTP: 505 is that answer's number (RFC 9110, 15.6.6), and Kestrel's own.</summary>
    private static bool IsCutRequestLine(HostileRequest request, HostileAnswer answer) =>
        answer.Status == 505 && request.Target.Contains('\n', StringComparison.Ordinal);

    private static string? BreachInJson(HostileRequest request, HostileAnswer answer)
    {
        string json = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(answer.Body);
        using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1_000 });
        if (request.Api == Api.Jaeger) return BreachInEnvelope(document.RootElement, answer.Status);
        _ = request.Endpoint switch // as Grafana reads them, strictly
        {
            "Tempo /api/search" => JsonParser.Default.Parse<SearchResponse>(json),
            "Tempo /api/v2/traces/{id}" => JsonParser.Default.Parse<TraceByIDResponse>(json),
            "Tempo /api/traces/{id}" => JsonParser.Default.Parse<TraceV1>(json),
            _ => (IMessage?)null,
        };
        return null;
    }

    private static string? BreachInEnvelope(JsonElement envelope, int status)
    {
        if (envelope.ValueKind != JsonValueKind.Object) return "no envelope";
        string fields = string.Join(' ', envelope.EnumerateObject().Select(field => field.Name));
        if (fields != "data total limit offset errors") return $"status {status}, an envelope of: {fields}";
        JsonElement data = envelope.GetProperty("data");
        JsonElement errors = envelope.GetProperty("errors");
        if (status < 400)
        {
            if (data.ValueKind != JsonValueKind.Array || errors.ValueKind != JsonValueKind.Null) return "success without data, or with errors";
            return data.EnumerateArray().Any(IsTraceWithoutSpans) ? "a trace without spans" : null;
        }

        bool isError = data.ValueKind == JsonValueKind.Null && errors.ValueKind == JsonValueKind.Array && errors.GetArrayLength() > 0;
        if (!isError) return $"status {status}, an envelope with data, or without errors";
        bool isTold = errors[0].GetProperty("code").GetInt32() == status && errors[0].GetProperty("msg").GetString() is { Length: > 0 };
        return isTold ? null : $"status {status}, an error without its code or message";
    }

    /// <summary>On which Grafana panics.</summary>
    private static bool IsTraceWithoutSpans(JsonElement item) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty("spans", out JsonElement spans) && spans.GetArrayLength() == 0;

    /// <summary>The generated classes refuse text that isn't UTF-8, as Grafana's do.</summary>
    private static string? BreachInProtobuf(HostileRequest request, HostileAnswer answer)
    {
        _ = request.Endpoint == "Tempo /api/traces/{id}" ? (IMessage)Trace.Parser.ParseFrom(answer.Body) : TraceByIDResponse.Parser.ParseFrom(answer.Body);
        return null;
    }

    private static string? BreachInText(HostileRequest request, HostileAnswer answer)
    {
        if (!request.IsRouted || answer.IsLast) return null; // nobody's, or refused before anybody saw it
        if (request.Api == Api.Jaeger) return $"status {answer.Status} without an envelope";
        return answer.Status == 400 && answer.Body.Length == 0 ? "status 400 without a reason" : null;
    }
}

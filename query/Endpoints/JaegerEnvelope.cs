using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace TraceStore.Query.Endpoints;

/// <summary>What every answer of Jaeger's API v1 comes in: <c>{"data":…,"total":n,"limit":0,"offset":0,"errors":…}</c>.</summary>
internal sealed class JaegerEnvelope : IResult
{
    private readonly int _status;
    private readonly Action<Utf8JsonWriter> _write;

    private JaegerEnvelope(int status, Action<Utf8JsonWriter> write) => (_status, _write) = (status, write);

    /// <summary>The items; data is never null, even when there are none.</summary>
    /// <param name="items">What was asked for.</param>
    /// <param name="writerOn">Makes, once, what writes each item to the answer.</param>
    public static JaegerEnvelope Of<T>(IReadOnlyCollection<T> items, Func<Utf8JsonWriter, Action<T>> writerOn) => new(
        StatusCodes.Status200OK,
        json =>
        {
            json.WriteStartArray("data");
            Action<T> write = writerOn(json);
            foreach (T item in items) write(item);
            json.WriteEndArray();
            WriteCounts(json, items.Count);
            json.WriteNull("errors");
        });

    public static JaegerEnvelope Error(int status, string message) => new(
        status,
        json =>
        {
            json.WriteNull("data");
            WriteCounts(json, 0);
            json.WriteStartArray("errors");
            json.WriteStartObject();
            json.WriteNumber("code", status);
            json.WriteString("msg", message);
            json.WriteEndObject();
            json.WriteEndArray();
        });

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = _status;
        httpContext.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(httpContext.Response.BodyWriter);
        json.WriteStartObject();
        _write(json);
        json.WriteEndObject();
        await json.FlushAsync(httpContext.RequestAborted).ConfigureAwait(false);
    }

    private static void WriteCounts(Utf8JsonWriter json, int total)
    {
        json.WriteNumber("total", total);
        json.WriteNumber("limit", 0);
        json.WriteNumber("offset", 0);
    }
}

using System.Text.Json;
using Microsoft.AspNetCore.Http;
using TraceStore.Query.Encoding;

namespace TraceStore.Query.Endpoints;

/// <summary>What every answer of Jaeger's API v1 comes in: <c>{"data":…,"total":n,"limit":0,"offset":0,"errors":…}</c>.</summary>
internal sealed class JaegerEnvelope : IResult
{
    private readonly int _status;
    private readonly Func<Utf8JsonWriter, IEnumerable<bool>> _write;

    private JaegerEnvelope(int status, Func<Utf8JsonWriter, IEnumerable<bool>> write) => (_status, _write) = (status, write);

    /// <summary>The items; data is never null, even when there are none.</summary>
    /// <param name="items">What was asked for.</param>
    /// <param name="writerOn">Makes, once, what writes each item to the answer; where it yields, the answer may go out so far.</param>
    public static JaegerEnvelope Of<T>(IReadOnlyCollection<T> items, Func<Utf8JsonWriter, Func<T, IEnumerable<bool>>> writerOn)
    {
        return new JaegerEnvelope(StatusCodes.Status200OK, Write);

        IEnumerable<bool> Write(Utf8JsonWriter json)
        {
            json.WriteStartArray("data");
            Func<T, IEnumerable<bool>> write = writerOn(json);
            foreach (bool mayGoOut in items.SelectMany(write)) yield return mayGoOut;
            json.WriteEndArray();
            WriteCounts(json, items.Count);
            json.WriteNull("errors");
        }
    }

    /// <summary>As the other, for items that are written in one go.</summary>
    public static JaegerEnvelope Of<T>(IReadOnlyCollection<T> items, Action<Utf8JsonWriter, T> write)
    {
        return Of(items, json => item => WriteWhole(json, item));

        IEnumerable<bool> WriteWhole(Utf8JsonWriter json, T item)
        {
            write(json, item);
            yield return true;
        }
    }

    public static JaegerEnvelope Error(int status, string message)
    {
        return new JaegerEnvelope(status, Write);

        IEnumerable<bool> Write(Utf8JsonWriter json)
        {
            json.WriteNull("data");
            WriteCounts(json, 0);
            json.WriteStartArray("errors");
            json.WriteStartObject();
            json.WriteNumber("code", status);
            json.WriteString("msg", message);
            json.WriteEndObject();
            json.WriteEndArray();
            yield return true;
        }
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = _status;
        httpContext.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(httpContext.Response.BodyWriter);
        json.WriteStartObject();
        using IEnumerator<bool> steps = _write(json).GetEnumerator();
        while (steps.MoveNext())
        {
            json.Flush(); // into the answer's buffer
            await httpContext.Response.BodyWriter.FlushWhenMuchAsync(httpContext.RequestAborted).ConfigureAwait(false);
        }

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

using System.Text.Json;
using Microsoft.AspNetCore.Http;
using TraceStore.Query.Planning;
using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Endpoints;

/// <summary>Reads the parameters of Jaeger's trace search into a plan: times in microseconds, durations as Go writes them.</summary>
internal static class JaegerSearchRequest
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1500;
    private const long MaxMicros = long.MaxValue / NanosPerMicro;
    private const long NanosPerMicro = 1000;

    public static SearchPlan Read(IQueryCollection query)
    {
        List<FieldExpression> filters =
        [
            Filters.Service(query.Text("service") ?? throw new BadRequestException("parameter 'service' is required")),
        ];
        if (query.Text("operation") is { } operation) filters.Add(Filters.Name(operation));
        if (query.Duration("minDuration") is { } shortest) filters.Add(Filters.MinDuration(shortest));
        if (query.Duration("maxDuration") is { } longest) filters.Add(Filters.MaxDuration(longest));
        filters.AddRange(ReadTags(query).Select(tag => OfTag(tag.Key, tag.Value)));
        return new SearchPlan(
            Filters.All(filters),
            ReadTime(query),
            Limit: (int)(query.Number("limit", 1, MaxLimit) ?? DefaultLimit),
            SpansPerSpanset: 0);
    }

    private static TimeRange? ReadTime(IQueryCollection query)
    {
        long? start = query.Number("start", 0, MaxMicros);
        long? end = query.Number("end", 0, MaxMicros);
        if (start is null && end is null) return null;
        return new TimeRange((ulong)(start ?? 0) * NanosPerMicro, end is { } last ? ((ulong)last + 1) * NanosPerMicro : ulong.MaxValue);
    }

    /// <summary>Tags come as repeated tag=key:value, or all in one JSON object of strings.</summary>
    private static IEnumerable<KeyValuePair<string, string>> ReadTags(IQueryCollection query)
    {
        foreach (string tag in query["tag"].OfType<string>().Where(tag => tag.Length > 0))
        {
            int colon = tag.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0) throw new BadRequestException($"tag={tag}: key:value was expected.");
            yield return new(tag[..colon], tag[(colon + 1)..]);
        }

        foreach (KeyValuePair<string, string> tag in ReadJsonTags(query.Text("tags") ?? "{}")) yield return tag;
    }

    private static Dictionary<string, string> ReadJsonTags(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, string>>(json) ?? [];
        }
        catch (JsonException)
        {
            throw new BadRequestException($"tags={json}: a JSON object of strings was expected, such as {{\"http.method\":\"GET\"}}.");
        }
    }

    /// <summary>Some tags are not attributes in OTLP: Jaeger makes them from the span's kind and status.</summary>
    private static FieldExpression OfTag(string key, string value) => (key, value.ToUpperInvariant()) switch
    {
        ("error", "TRUE") or ("otel.status_code", "ERROR") => Filters.Status(StatusValue.Error),
        ("otel.status_code", "OK") => Filters.Status(StatusValue.Ok),
        ("span.kind", _) when Enum.TryParse(value, ignoreCase: true, out KindValue kind) => Filters.Kind(kind),
        _ => Filters.Attribute(key, value),
    };
}

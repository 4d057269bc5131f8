using System.Text.Json;
using Microsoft.AspNetCore.Http;
using TraceStore.Query.Planning;
using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Endpoints;

/// <summary>Reads the parameters of Jaeger's trace search into a plan: times in microseconds, durations as Go writes them.</summary>
internal static class JaegerSearchRequest
{
    /// <summary>Traces in an answer at most.</summary>
    public const int MaxLimit = 1500;

    private const int DefaultLimit = 100;
    private const ulong NanosPerMicro = 1000;
    private const long MaxMicros = (long)(ulong.MaxValue / NanosPerMicro);

    public static SearchPlan Read(IQueryCollection query)
    {
        List<FieldExpression> filters =
        [
            Filters.Service(query.Text("service") ?? throw new BadRequestException("parameter 'service' is required")),
        ];
        if (query.Text("operation") is { } operation) filters.Add(Filters.Name(operation));
        (long? least, long? most) = query.Durations();
        if (least is { } shortest) filters.Add(Filters.MinDuration(shortest));
        if (most is { } longest) filters.Add(Filters.MaxDuration(longest));
        filters.AddRange(ReadTags(query).Select(tag => JaegerTag.Filter(tag.Key, tag.Value)));
        return new SearchPlan(
            Filters.All(filters),
            ReadTime(query),
            limit: (int)(query.Number("limit", 1, MaxLimit) ?? DefaultLimit),
            spansPerSpanset: 0);
    }

    /// <summary>Both ends belong to it; where both are missing or 0, spans of any time are searched.</summary>
    private static TimeRange? ReadTime(IQueryCollection query)
    {
        long? start = query.Number("start", 0, MaxMicros);
        long? end = query.Number("end", 0, MaxMicros);
        if (start is null or 0 && end is null or 0) return null;
        if (end < start) throw new BadRequestException($"end={end} is before start={start}.");
        ulong last = end is not { } micros || micros == MaxMicros ? ulong.MaxValue : (((ulong)micros + 1) * NanosPerMicro) - 1;
        return new TimeRange((ulong)(start ?? 0) * NanosPerMicro, last);
    }

    /// <summary>Tags come as tag=key:value, or in a JSON object of strings; either may stand more than once.</summary>
    private static IEnumerable<KeyValuePair<string, string>> ReadTags(IQueryCollection query)
    {
        foreach (string tag in query["tag"].OfType<string>().Where(tag => tag.Length > 0))
        {
            int colon = tag.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0) throw new BadRequestException($"{RequestParameters.Show("tag", tag)}: key:value was expected.");
            yield return new(tag[..colon], tag[(colon + 1)..]);
        }

        foreach (KeyValuePair<string, string> tag in query["tags"].OfType<string>().Where(json => json.Length > 0).SelectMany(ReadJsonTags)) yield return tag;
    }

    private static List<KeyValuePair<string, string>> ReadJsonTags(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                JsonProperty[] properties = [.. document.RootElement.EnumerateObject()];
                if (properties.All(property => property.Value.ValueKind == JsonValueKind.String))
                {
                    return [.. properties.Select(property => new KeyValuePair<string, string>(property.Name, property.Value.GetString()!))];
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // half a surrogate pair is the latter
        {
            // said below
        }

        throw new BadRequestException($"{RequestParameters.Show("tags", json)}: a JSON object of strings was expected, such as {{\"http.method\":\"GET\"}}.");
    }
}

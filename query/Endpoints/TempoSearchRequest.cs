using Microsoft.AspNetCore.Http;
using TraceStore.Query.Planning;
using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Endpoints;

/// <summary>Reads the parameters of Tempo's search into a plan: q in TraceQL or tags in logfmt, start and end in seconds.</summary>
internal static class TempoSearchRequest
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 1000;
    private const int DefaultSpansPerSpanset = 3;
    private const int MaxSpansPerSpanset = 100;
    private const ulong NanosPerSecond = 1_000_000_000;

    public static SearchPlan Read(IQueryCollection query) => new(
        ReadQuery(query),
        ReadTime(query),
        Limit: (int)(query.Number("limit", 1, MaxLimit) ?? DefaultLimit),
        SpansPerSpanset: (int)(query.Number("spss", 0, MaxSpansPerSpanset) ?? DefaultSpansPerSpanset));

    /// <summary>start and end come together or not at all; without them, spans of any time are searched.</summary>
    public static TimeRange? ReadTime(IQueryCollection query)
    {
        long? start = query.Number("start", 0, uint.MaxValue);
        long? end = query.Number("end", 0, uint.MaxValue);
        return (start, end) switch
        {
            (null, null) => null,
            (null, _) or (_, null) => throw new BadRequestException("start and end go together: both, or neither."),
            _ when end <= start => throw new BadRequestException($"end={end} is not after start={start}."),
            _ => new TimeRange((ulong)start * NanosPerSecond, (ulong)end * NanosPerSecond),
        };
    }

    private static TraceQlQuery ReadQuery(IQueryCollection query)
    {
        if (query.Text("q") is { } traceQl)
        {
            return query.Text("tags") is null ? TraceQlParser.Parse(traceQl) : throw new BadRequestException("q and tags exclude each other.");
        }

        List<FieldExpression> filters = [.. Logfmt.Parse(query.Text("tags") ?? "").Select(tag => tag.Key switch
        {
            "service.name" => Filters.Service(tag.Value),
            "name" => Filters.Name(tag.Value),
            _ => Filters.Attribute(tag.Key, tag.Value),
        })];
        if (query.Duration("minDuration") is { } shortest) filters.Add(Filters.MinDuration(shortest));
        if (query.Duration("maxDuration") is { } longest) filters.Add(Filters.MaxDuration(longest));
        return Filters.All(filters);
    }
}

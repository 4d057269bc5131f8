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

    public static SearchPlan Read(IQueryCollection query)
    {
        List<FieldExpression> ofSpan = [];
        List<BinaryExpression> ofTrace = [];
        TraceQlQuery? traceQl = null;
        if (query.Text("q") is { } text)
        {
            traceQl = query.Text("tags") is null ? TraceQlParser.Parse(text) : throw new BadRequestException("q and tags exclude each other.");
        }
        else
        {
            foreach ((string key, string value) in Logfmt.Parse(query.Text("tags") ?? "")) ReadTag(key, value, ofSpan, ofTrace);
            (long? least, long? most) = query.Durations();
            if (least is { } shortest) ofTrace.Add(Filters.Least(Intrinsic.TraceDuration, shortest));
            if (most is { } longest) ofTrace.Add(Filters.Most(Intrinsic.TraceDuration, longest));
        }

        return new SearchPlan(
            traceQl ?? Filters.All(ofSpan),
            ReadTime(query),
            limit: (int)(query.Number("limit", 1, MaxLimit) ?? DefaultLimit),
            spansPerSpanset: (int)(query.Number("spss", 0, MaxSpansPerSpanset) ?? DefaultSpansPerSpanset)) { OfTrace = ofTrace };
    }

    /// <summary>start and end come together or not at all; without them, or where both are 0, spans of any time are searched.</summary>
    public static TimeRange? ReadTime(IQueryCollection query)
    {
        long? start = query.Number("start", 0, uint.MaxValue);
        long? end = query.Number("end", 0, uint.MaxValue);
        return (start, end) switch
        {
            (null or 0, null or 0) => null,
            (null, _) or (_, null) => throw new BadRequestException("start and end go together: both, or neither."),
            _ when end <= start => throw new BadRequestException($"end={end} is not after start={start}."),
            _ => new TimeRange((ulong)start * NanosPerSecond, ((ulong)end * NanosPerSecond) - 1),
        };
    }

    /// <summary>Some tags are no attributes: they name what every span or trace has.</summary>
    private static void ReadTag(string key, string value, List<FieldExpression> ofSpan, List<BinaryExpression> ofTrace)
    {
        switch (key)
        {
            case "service.name":
                ofSpan.Add(Filters.Service(value));
                break;
            case "name":
                ofSpan.Add(Filters.Name(value));
                break;
            case "status.code":
                ofSpan.Add(Filters.Status(StatusOf(value)));
                break;
            case "root.name":
                ofTrace.Add(Filters.Is(Intrinsic.RootName, value));
                break;
            case "root.service.name":
                ofTrace.Add(Filters.Is(Intrinsic.RootService, value));
                break;
            default:
                ofSpan.Add(Filters.Attribute(AttributeScope.Any, key, value));
                break;
        }
    }

    private static StatusValue StatusOf(string value) =>
        Enum.TryParse(value, ignoreCase: true, out StatusValue status) && Enum.IsDefined(status)
            ? status
            : throw new BadRequestException($"{RequestParameters.Show("status.code", value)}: ok, error or unset was expected.");
}

using TraceStore.Load;

namespace TraceStore.Benchmarks.Stages;

/// <summary>The requests that stages are measured with: the default shape of <c>tracestore load</c>.</summary>
internal static class Requests
{
    /// <summary>Spans in each request. Benchmarks divide by it, so that their figures are per span.</summary>
    public const int Spans = 1_000;

    /// <summary>Distinct requests, in protobuf encoding.</summary>
    public static byte[][] Make(int count)
    {
        var connection = new LoadConnection(new LoadShape { Seed = 1, SpansPerRequest = Spans }, number: 0, isJson: false);
        return [.. Enumerable.Range(0, count).Select(_ => connection.NextRequest().Bytes.ToArray())];
    }
}

using TraceStore.Load;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;

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

    /// <summary>They, decoded as one segment.</summary>
    public static DecodedSegment Decode(int count)
    {
        var segment = new DecodedSegment();
        var decoder = new OtlpDecoder(segment);
        decoder.Begin(wal: 1, segment: 1, new DateOnly(2026, 1, 1));
        foreach (byte[] request in Make(count)) decoder.Decode(request, tenant: []);
        return segment;
    }
}

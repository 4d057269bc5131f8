using BenchmarkDotNet.Attributes;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;

namespace TraceStore.Benchmarks.Stages;

/// <summary>Looking through the decoded spans of 64 requests for attributes and values that aren't listed yet: mostly there are none.</summary>
[MemoryDiagnoser]
public class AttributeValuesBenchmark
{
    private const int RequestsInSegment = 64;
    private readonly DecodedSegment _segment = new();
    private readonly AttributeValueCollector _collector = new();

    [GlobalSetup]
    public void Decode()
    {
        var decoder = new OtlpDecoder(_segment);
        decoder.Begin(wal: 1, segment: 1, new DateOnly(2026, 1, 1));
        foreach (byte[] request in Requests.Make(RequestsInSegment)) decoder.Decode(request, tenant: []);
    }

    [Benchmark(OperationsPerInvoke = RequestsInSegment * Requests.Spans)]
    public int Collect() => _collector.Collect(_segment.Spans).Count;
}

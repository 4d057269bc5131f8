using BenchmarkDotNet.Attributes;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;

namespace TraceStore.Benchmarks.Stages;

/// <summary>Looking through the decoded spans of 64 requests for attributes and values that aren't listed yet: mostly there are none.</summary>
[MemoryDiagnoser]
public class AttributeValuesBenchmark
{
    private const int RequestsInSegment = 64;
    private readonly DecodedSegment _segment = Requests.Decode(RequestsInSegment);
    private readonly AttributeValueCollector _collector = new();

    [Benchmark(OperationsPerInvoke = RequestsInSegment * Requests.Spans)]
    public int Collect() => _collector.Collect(_segment.Spans).Count;
}

using BenchmarkDotNet.Attributes;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;

namespace TraceStore.Benchmarks.Stages;

/// <summary>Decoding a segment of 64 requests into columns.</summary>
[MemoryDiagnoser]
public class DecodeBenchmark
{
    private const int RequestsInSegment = 64;
    private readonly byte[][] _requests = Requests.Make(RequestsInSegment);
    private readonly DecodedSegment _segment = new();
    private readonly OtlpDecoder _decoder;

    public DecodeBenchmark() => _decoder = new OtlpDecoder(_segment);

    [Benchmark(OperationsPerInvoke = RequestsInSegment * Requests.Spans)]
    public int Decode()
    {
        _decoder.Begin(wal: 1, segment: 1, new DateOnly(2026, 1, 1));
        foreach (byte[] request in _requests) _decoder.Decode(request, tenant: []);
        return _segment.Spans.Count;
    }
}

using BenchmarkDotNet.Attributes;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;

namespace TraceStore.Benchmarks.Stages;

/// <summary>Writing the decoded spans of 64 requests as a block in Native format.</summary>
[MemoryDiagnoser]
public class BlockWriteBenchmark
{
    private const int RequestsInSegment = 64;
    private readonly DecodedSegment _segment = new();
    private readonly ByteList _block = new();

    [GlobalSetup]
    public void Decode()
    {
        var decoder = new OtlpDecoder(_segment);
        decoder.Begin(wal: 1, segment: 1, new DateOnly(2026, 1, 1));
        foreach (byte[] request in Requests.Make(RequestsInSegment)) decoder.Decode(request, tenant: []);
    }

    [Benchmark(OperationsPerInvoke = RequestsInSegment * Requests.Spans)]
    public int Write()
    {
        _block.Clear();
        NativeBlockWriter.Write(SpanColumns.Spans, _segment.Spans, _block);
        return _block.Length;
    }
}

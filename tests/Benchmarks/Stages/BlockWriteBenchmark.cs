using BenchmarkDotNet.Attributes;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Benchmarks.Stages;

/// <summary>Writing the decoded spans of 64 requests as a block in Native format.</summary>
[MemoryDiagnoser]
public class BlockWriteBenchmark
{
    private const int RequestsInSegment = 64;
    private readonly DecodedSegment _segment = Requests.Decode(RequestsInSegment);
    private readonly ByteList _block = new();

    [Benchmark(OperationsPerInvoke = RequestsInSegment * Requests.Spans)]
    public int Write()
    {
        _block.Clear();
        NativeBlockWriter.Write(SpanColumns.Spans, _segment.Spans, _block);
        return _block.Length;
    }
}

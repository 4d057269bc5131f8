using BenchmarkDotNet.Attributes;
using TraceStore.Storage.Otlp;

namespace TraceStore.Benchmarks.Stages;

/// <summary>Checking a request before it is appended.</summary>
[MemoryDiagnoser]
public class ScanBenchmark
{
    private readonly byte[] _request = Requests.Make(1)[0];
    private readonly OtlpLimits _limits = new();

    [Benchmark(OperationsPerInvoke = Requests.Spans)]
    public int Scan() => OtlpScanner.Scan(_request, _limits).SpanCount;
}

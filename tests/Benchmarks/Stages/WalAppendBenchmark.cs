using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Storage.Wal;
using TraceStore.Tests;

namespace TraceStore.Benchmarks.Stages;

/// <summary>Appending a request to the log: hash, compression, and a write and sync that one to sixteen requests share.</summary>
[MemoryDiagnoser]
public class WalAppendBenchmark
{
    private readonly byte[][] _requests = Requests.Make(16);
    private TemporaryDirectory? _directory;
    private WriteAheadLog? _log;
    private WalCursor? _cursor;
    private ulong _number;

    /// <summary>How many requests wait for the disk at the same time.</summary>
    [Params(1, 4, 16)]
    public int AtOnce { get; set; }

    [GlobalSetup]
    public void Open()
    {
        _directory = new TemporaryDirectory();
        _log = WriteAheadLog.Open(new WalOptions { Directory = _directory.Path }, TimeProvider.System, NullLogger.Instance);
        _cursor = _log.OpenCursor("nowhere", CursorClaim.Required);
        _ = Task.Run(async () =>
        {
            while (await _cursor.NextAsync(CancellationToken.None) is { } segment) _cursor.Advance(segment.Number); // so that the log stays small
        });
    }

    [GlobalCleanup]
    public void Close() => _directory!.Dispose();

    [Benchmark(OperationsPerInvoke = 16 * Requests.Spans)]
    public async Task Append()
    {
        for (int sent = 0; sent < 16; sent += AtOnce)
        {
            await Task.WhenAll(Enumerable.Range(sent, AtOnce).Select(request =>
            {
                BitConverter.TryWriteBytes(_requests[request].AsSpan(^8..), _number++); // no two are equal
                return _log!.AppendAsync(_requests[request], Requests.Spans, tenant: []);
            }));
        }
    }
}

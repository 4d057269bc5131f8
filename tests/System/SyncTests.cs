using System.Diagnostics;
using System.Text.RegularExpressions;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

/// <summary>That what is acknowledged was synced before: seen from the system's side, by strace.</summary>
public sealed partial class SyncTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    private static bool CanTrace => Environment.IsPrivilegedProcess && File.Exists("/usr/bin/strace");

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task Every_export_is_synced_before_it_is_acknowledged()
    {
        Assert.SkipUnless(CanTrace, "needs strace, and root");
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path, "--set", "Wal:MaxSegmentAge=60s");
        using var otlp = new OtlpClient(server.OtlpPort);
        await otlp.ExportAsync(Request(Resource("sync", Span(731)))); // the segment is there now
        string trace = Path.Combine(_data.Path, "strace");
        using (Process strace = Attach(server.Id, trace))
        {
            for (int i = 0; i < 5; i++) await otlp.ExportAsync(Request(Resource("sync", Span(732, span: i + 1))));
            server.Kill();
            await strace.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        // One export after the other: each a write to the segment and a sync of it behind.
        string[] calls = [.. (await File.ReadAllLinesAsync(trace, TestContext.Current.CancellationToken)).Select(line => SegmentCall().Match(line)).Where(match => match.Success).Select(match => match.Groups[1].Value)];
        Assert.Equal(Enumerable.Repeat((string[])["write", "sync"], 5).SelectMany(pair => pair), calls.Select(call => call.StartsWith('p') ? "write" : "sync"));
    }

    [Fact]
    public async Task What_a_killed_process_left_is_synced_before_its_resends_are_acknowledged()
    {
        Assert.SkipUnless(CanTrace, "needs strace, and root");
        using (TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path, "--set", "Wal:MaxSegmentAge=60s"))
        {
            using var otlp = new OtlpClient(server.OtlpPort);
            await otlp.ExportAsync(Request(Resource("sync", Span(733))));
            server.Kill();
        }

        string trace = Path.Combine(_data.Path, "strace");
        using Process strace = Process.Start("strace", [.. s_options, "-o", trace, Path.Combine(AppContext.BaseDirectory, "tracestore"), "serve", "--data", _data.Path, "--otlp-grpc-port", "0", "--otlp-http-port", "0", "--tempo-port", "0", "--jaeger-port", "0"]);
        await Eventually.BeTrueAsync("the sync of the segment", () => Task.FromResult(
            File.Exists(trace) && ReadShared(trace).Split('\n').Any(line => SegmentCall().Match(line) is { Success: true } match && !match.Groups[1].Value.StartsWith('p'))));
        strace.Kill(entireProcessTree: true);
    }

    private static readonly string[] s_options = ["-f", "-qq", "-y", "-e", "trace=pwrite64,pwritev,fsync,fdatasync"];

    private static Process Attach(int process, string output)
    {
        Process strace = Process.Start(new ProcessStartInfo("strace", [.. s_options, "-o", output, "-p", $"{process}"]) { RedirectStandardError = true })!;
        Thread.Sleep(TimeSpan.FromSeconds(1)); // it says nothing when it has attached
        return strace;
    }

    private static string ReadShared(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"(pwrite64|pwritev|fsync|fdatasync)\(\d+<[^>]*\.wal>")]
    private static partial Regex SegmentCall();
}

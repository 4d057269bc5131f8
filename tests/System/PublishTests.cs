using System.Diagnostics;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

/// <summary>What <c>dotnet publish</c> makes is all that it takes: it is moved, and nothing of the clone is touched.</summary>
public sealed class PublishTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_published_folder_serves_wherever_it_is_moved()
    {
        string published = Path.Combine(_directory.Path, "published"), moved = Path.Combine(_directory.Path, "moved");
        using (Process publish = Process.Start("dotnet", ["publish", "-c", "Release", "--no-build", Path.Combine(RepositoryRoot.Path, "deploy", "tracestore"), "-o", published, "-v", "quiet"]))
        {
            await publish.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, publish.ExitCode);
        }

        Directory.Move(published, moved);
        using TraceStoreProcess server = await TraceStoreProcess.ServeWithAsync(Path.Combine(moved, "tracestore"), Path.Combine(_directory.Path, "data"));
        using var otlp = new OtlpClient(server.OtlpPort);
        using var tempo = new HttpClient { BaseAddress = server.TempoUrl };
        await otlp.ExportAsync(Request(Resource("published", Span(2701))));
        await tempo.WaitForTraceAsync(Hex(TraceId(2701)), 1);

        foreach (int process in (int[])[server.Id, .. server.Children()])
        {
            string maps = await File.ReadAllTextAsync($"/proc/{process}/maps", TestContext.Current.CancellationToken);
            Assert.DoesNotContain(RepositoryRoot.Path + "/", maps, StringComparison.Ordinal);
        }
    }
}

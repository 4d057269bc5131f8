using System.Diagnostics;
using TraceStore.Settings;

namespace TraceStore.Demo;

/// <summary>A running service of the demo. Disposing it stops it, after it has sent its last spans.</summary>
internal sealed class DemoService : IAsyncDisposable
{
    private static readonly TimeSpan s_startTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_stopTimeout = TimeSpan.FromSeconds(10);

    private readonly Process _process;

    private DemoService(Process process, string url) => (_process, Url) = (process, url);

    public string Url { get; }

    /// <exception cref="InvalidOperationException">It didn't start; the message holds what it said.</exception>
    public static async Task<DemoService> StartAsync(string name, string next, string otlp, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo
        {
            FileName = ThisProgram.Command[0],
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in (string[])[.. ThisProgram.Command.Skip(1), DemoServiceCommand.Name, name, "--next", next, "--otlp", otlp])
        {
            start.ArgumentList.Add(argument);
        }

        Process process = Process.Start(start)!;
        string? line = await process.StandardOutput.ReadLineAsync(cancellation).AsTask().WaitAsync(s_startTimeout, cancellation).ConfigureAwait(false);
        if (line is not null && line.StartsWith(DemoServiceCommand.ListeningPrefix, StringComparison.Ordinal))
        {
            return new DemoService(process, line[DemoServiceCommand.ListeningPrefix.Length..]);
        }

        process.StandardInput.Close();
        string said = await process.StandardError.ReadToEndAsync(cancellation).ConfigureAwait(false);
        process.Dispose();
        throw new InvalidOperationException($"The demo's {name} didn't start: {line} {said}");
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(s_stopTimeout);
        try
        {
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}

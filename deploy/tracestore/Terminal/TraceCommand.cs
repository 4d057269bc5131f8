using System.CommandLine;
using System.Diagnostics;
using Spectre.Console;

namespace TraceStore.Terminal;

/// <summary><c>tracestore trace ID</c>: draws a trace in the terminal.</summary>
internal static class TraceCommand
{
    /// <summary>Where commands find a TraceStore when they aren't told.</summary>
    public const string DefaultUrl = "http://127.0.0.1:3200";

    /// <summary>A trace whose spans have just been acknowledged is a moment away.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_askAgainEvery = TimeSpan.FromMilliseconds(200);

    public static Command Create()
    {
        var id = new Argument<string>("id") { Description = "The trace's ID, in hexadecimal" };
        var url = UrlOption();
        var command = new Command("trace", "Draw a trace as a waterfall: each span, how long it took, where errors occurred.") { id, url };
        command.SetAction((arguments, cancellation) => RunAsync(arguments.GetValue(url)!, arguments.GetValue(id)!, cancellation));
        return command;
    }

    public static Option<string> UrlOption() => new("--url")
    {
        HelpName = "URL",
        Description = "TraceStore's Tempo API",
        DefaultValueFactory = _ => DefaultUrl,
    };

    private static async Task<int> RunAsync(string url, string id, CancellationToken cancellation)
    {
        try
        {
            using var client = new TraceClient(url);
            StoredTrace? trace = await client.ReadAsync(id, cancellation).ConfigureAwait(false);
            for (long asked = Stopwatch.GetTimestamp(); trace is null && Stopwatch.GetElapsedTime(asked) < s_patience;)
            {
                await Task.Delay(s_askAgainEvery, cancellation).ConfigureAwait(false);
                trace = await client.ReadAsync(id, cancellation).ConfigureAwait(false);
            }

            if (trace is null)
            {
                await Console.Error.WriteLineAsync($"There is no trace {id} at {url}. (A span is found about half a second after it was acknowledged.)").ConfigureAwait(false);
                return 1;
            }

            new Waterfall(trace).Draw(AnsiConsole.Console);
            return 0;
        }
        catch (TraceClientException e)
        {
            await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            return 1;
        }
    }
}

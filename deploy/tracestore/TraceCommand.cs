using System.CommandLine;
using Spectre.Console;
using TraceStore.Demo;

namespace TraceStore;

/// <summary><c>tracestore trace ID</c>: draws a trace in the terminal.</summary>
internal static class TraceCommand
{
    /// <summary>Where commands find a TraceStore when they aren't told.</summary>
    public const string DefaultUrl = "http://127.0.0.1:3200";

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
            if (trace is null)
            {
                await Console.Error.WriteLineAsync($"There is no trace {id} at {url}.").ConfigureAwait(false);
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

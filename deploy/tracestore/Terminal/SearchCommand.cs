using System.CommandLine;
using System.Globalization;
using Google.Protobuf;
using Spectre.Console;
using TraceStore.Query.Encoding.Tempo;
using TraceStore.Query.TraceQl;

namespace TraceStore.Terminal;

/// <summary><c>tracestore search QUERY</c>: the newest traces that a TraceQL query finds, in the terminal.</summary>
internal static class SearchCommand
{
    private const int DefaultLimit = 20;
    private const int BarCells = 16;

    /// <summary>What a line takes when nobody's terminal bounds it.</summary>
    private const int FileCells = 200;

    public static Command Create()
    {
        var query = new Argument<string>("query") { Description = "What to search for, in TraceQL: { status = error } >> { span.db.system = \"redis\" }", DefaultValueFactory = _ => "{}" };
        var since = new Option<string>("--since") { HelpName = "TIME", Description = "How far back to look: 15m, 1h, 2d", DefaultValueFactory = _ => "1h" };
        var limit = new Option<int>("--limit") { HelpName = "N", Description = "Traces at most", DefaultValueFactory = _ => DefaultLimit };
        var json = new Option<bool>("--json") { Description = "Print what Tempo's API answers, for other programs" };
        Option<string> url = TraceCommand.UrlOption();
        var command = new Command("search", "Search for traces with TraceQL: the newest first, each with its ID to draw it by.") { query, since, limit, json, url };
        command.SetAction((arguments, cancellation) => RunAsync(arguments.GetValue(url)!, arguments.GetValue(query)!, arguments.GetValue(since)!, arguments.GetValue(limit), arguments.GetValue(json), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string url, string query, string since, int limit, bool isJson, CancellationToken cancellation)
    {
        try
        {
            if (!DurationText.TryParse(since, out long nanoseconds) || nanoseconds <= 0) throw new TraceClientException($"--since {since}: a time such as 15m, 1h or 2d was expected.");
            using var client = new TraceClient(url);
            long end = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1, start = Math.Max(1, end - 1 - (nanoseconds / 1_000_000_000));
            string answer = await client.SearchAsync($"q={Uri.EscapeDataString(query)}&limit={limit}&start={start}&end={end}", cancellation).ConfigureAwait(false);
            if (isJson) Console.WriteLine(answer);
            else Show(JsonParser.Default.Parse<SearchResponse>(answer), url, since);
            return 0;
        }
        catch (TraceClientException e)
        {
            await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            return 1;
        }
    }

    private static void Show(SearchResponse found, string url, string since)
    {
        if (found.Traces.Count == 0)
        {
            Console.WriteLine($"Nothing was found in the last {since}. (A span is found about half a second after it was acknowledged.)");
            return;
        }

        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = FileCells;
        double longest = found.Traces.Max(trace => (double)trace.DurationMs);
        var table = new Table().Border(TableBorder.None).AddColumns("Started, UTC", "", "Took", "Root", "Services", "Spans", "Errors", "Matched", "Trace");
        foreach (TraceSearchMetadata trace in found.Traces)
        {
            long errors = trace.ServiceStats.Values.Sum(service => service.ErrorCount);
            table.AddRow(
                TerminalText.Time(trace.StartTimeUnixNano),
                $"[deepskyblue1]{TerminalText.Bar(trace.DurationMs, longest, BarCells)}[/]",
                trace.DurationMs == 0 ? "<1 ms" : TerminalText.Duration(trace.DurationMs * 1_000_000UL),
                Markup.Escape(TerminalText.Line($"{trace.RootServiceName} {trace.RootTraceName}".TrimEnd())),
                Show(trace.ServiceStats.Count),
                Show(trace.ServiceStats.Values.Sum(service => service.SpanCount)),
                errors > 0 ? $"[red]{Show(errors)}[/]" : "",
                Show(trace.SpanSets.Sum(spanset => spanset.Matched)),
                trace.TraceID);
        }

        AnsiConsole.Write(table);
        Console.WriteLine();
        Console.WriteLine($"Draw one: {Settings.ThisProgram.Name} trace {found.Traces[0].TraceID}{(url == TraceCommand.DefaultUrl ? "" : $" --url {url}")}");
    }

    private static string Show(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}

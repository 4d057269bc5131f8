using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using TraceStore.Query.Encoding.Tempo;

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
        var limit = new Option<int>("--limit") { HelpName = "N", Description = "Traces at most", DefaultValueFactory = _ => DefaultLimit };
        var question = new Question();
        var command = new Command("search", "Search for traces with TraceQL: the newest first, each with its ID to draw it by.") { query, limit };
        question.AddTo(command);
        command.SetAction((arguments, cancellation) => question.AskAsync<SearchResponse>(
            arguments,
            time => $"/api/search?q={Uri.EscapeDataString(arguments.GetValue(query)!)}&limit={arguments.GetValue(limit)}&{time}",
            (found, time) => Show(found, time, question.SameServer(arguments)),
            cancellation));
        return command;
    }

    private static void Show(SearchResponse found, AskedTime time, string sameServer)
    {
        if (found.Traces.Count == 0)
        {
            Console.WriteLine($"Nothing was found in the last {time.Since}. (A span is found about half a second after it was acknowledged.)");
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
        Console.WriteLine($"Draw one: {Settings.ThisProgram.Name} trace {found.Traces[0].TraceID}{sameServer}");
    }

    private static string Show(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}

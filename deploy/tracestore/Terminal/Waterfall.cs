using System.Globalization;
using System.Text;
using Spectre.Console;
using TraceStore.Query.Assembly;
using TraceStore.Storage.Spans;

namespace TraceStore.Terminal;

/// <summary>Draws a trace: a line per span, in the order of the tree, with a bar for its time within the trace.</summary>
internal sealed class Waterfall(StoredTrace stored)
{
    private const int StatusError = 2;
    private const int MaxBarCells = 32;
    private const int MinBarCells = 8;
    private const int MaxLabelCells = 60;
    private const int IndentCells = 3;

    /// <summary>Levels that are drawn; below, a number in front says how deep a span lies.</summary>
    private const int MaxIndents = 10;
    private const int DurationCells = 9;
    private const int StatusCells = 24;

    /// <summary>What a line takes when nobody's terminal bounds it.</summary>
    private const int FileCells = 160;

    private static readonly string[] s_serviceColors = ["deepskyblue1", "green3", "orange1", "mediumpurple1", "yellow3", "hotpink"];

    private readonly SpanBatch _spans = stored.Spans;
    private readonly Dictionary<string, string> _colors = [];

    public void Draw(IAnsiConsole console)
    {
        if (Console.IsOutputRedirected) console.Profile.Width = FileCells;
        AssembledTrace trace = stored.Trace;
        int errors = trace.Spans.Count(IsError);
        int services = trace.Spans.Select(Service).Distinct().Count();
        console.MarkupLineInterpolated($"[bold]Trace {trace.Id}[/]");
        console.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"{TerminalText.Time(trace.StartTimeUnixNano)} UTC, {TerminalText.Duration(trace.DurationNanos)}, {TerminalText.Count(trace.Spans.Count, "span")} of {TerminalText.Count(services, "service")}, {errors} with errors");
        console.WriteLine();

        List<WaterfallLine> lines = [.. trace.Spans.Where(span => span.Parent is null).SelectMany(Lines)];
        int labelCells = Math.Min(MaxLabelCells, lines.Max(line => line.Cells));
        int barCells = Math.Clamp(console.Profile.Width - labelCells - DurationCells - StatusCells, MinBarCells, MaxBarCells);
        foreach (WaterfallLine line in lines)
        {
            string markup = $"{Label(line, labelCells)} [{Color(line.Span)}]{Bar(line.Span, barCells).PadRight(barCells)}[/] "
                + $"{TerminalText.Duration(line.Span.DurationNanos),DurationCells}  {Status(line.Span)}";
            console.Write(new Markup(markup).Overflow(Overflow.Ellipsis));
            console.WriteLine();
        }
    }

    /// <summary>A span and all below it. By a stack of its own: a trace may be deeper than the call stack.</summary>
    private IEnumerable<WaterfallLine> Lines(TraceSpan top)
    {
        var open = new Stack<(TraceSpan Span, int Depth, string Branch, string Below)>([(top, 0, "", "")]);
        while (open.TryPop(out var next))
        {
            string depth = next.Depth > MaxIndents ? string.Create(CultureInfo.InvariantCulture, $"{next.Depth} … ") : "";
            yield return new WaterfallLine(next.Span, depth + next.Branch, Service(next.Span), TerminalText.Line(_spans.Name[next.Span.Row]));
            for (int child = next.Span.Children.Count - 1; child >= 0; child--)
            {
                bool isLast = child == next.Span.Children.Count - 1;
                string below = next.Depth < MaxIndents ? next.Below : next.Below[IndentCells..]; // the nearest levels tell most
                open.Push((next.Span.Children[child], next.Depth + 1, below + (isLast ? "└─ " : "├─ "), below + (isLast ? "   " : "│  ")));
            }
        }
    }

    private string Label(WaterfallLine line, int cells)
    {
        int room = Math.Max(0, cells - line.Branch.Length - line.Service.Length - 1);
        string name = line.Name.Length <= room ? line.Name : line.Name[..Math.Max(0, room - 1)] + "…";
        string padding = new(' ', Math.Max(0, cells - line.Branch.Length - line.Service.Length - 1 - name.Length));
        return $"{line.Branch}[{Color(line.Span)}]{Markup.Escape(line.Service)}[/] {Markup.Escape(name)}{padding}";
    }

    private string Bar(TraceSpan span, int cells)
    {
        AssembledTrace trace = stored.Trace;
        double total = Math.Max(1, trace.DurationNanos);
        int start = Math.Min(cells - 1, (int)((span.StartTimeUnixNano - trace.StartTimeUnixNano) / total * cells));
        int length = Math.Clamp((int)Math.Round(span.DurationNanos / total * cells), 1, cells - start);
        return new string(' ', start) + new string('━', length);
    }

    private string Status(TraceSpan span)
    {
        var status = new StringBuilder();
        if (IsError(span))
        {
            string message = TerminalText.Line(_spans.StatusMessage[span.Row]);
            status.Append(CultureInfo.InvariantCulture, $"[red]error{(message.Length > 0 ? ": " + Markup.Escape(message) : "")}[/]");
        }

        if (span.Oddity.HasFlag(SpanOddity.Orphan)) status.Append(" [yellow](parent not received)[/]");
        if (span.Oddity.HasFlag(SpanOddity.Cycle)) status.Append(" [yellow](its own ancestor)[/]");
        if (span.Oddity.HasFlag(SpanOddity.Twin)) status.Append(" [yellow](span ID used twice)[/]");
        return status.ToString().TrimStart();
    }

    private bool IsError(TraceSpan span) => _spans.StatusCode[span.Row] == StatusError;

    private string Service(TraceSpan span) => TerminalText.Line(_spans.Service[span.Row]);

    private string Color(TraceSpan span)
    {
        string service = Service(span);
        if (!_colors.TryGetValue(service, out string? color)) _colors.Add(service, color = s_serviceColors[_colors.Count % s_serviceColors.Length]);
        return color;
    }

    private sealed record WaterfallLine(TraceSpan Span, string Branch, string Service, string Name)
    {
        public int Cells => Branch.Length + Service.Length + 1 + Name.Length;
    }
}

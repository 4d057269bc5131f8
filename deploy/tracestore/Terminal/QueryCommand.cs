using System.CommandLine;
using System.Globalization;
using OpenTelemetry.Proto.Common.V1;
using Spectre.Console;
using TraceStore.Query.Encoding.Tempo;

namespace TraceStore.Terminal;

/// <summary><c>tracestore query QUERY</c>: the series of a TraceQL metrics query, a line each.</summary>
internal static class QueryCommand
{
    private const int Steps = 60;
    private const long MillisecondsPerSecond = 1_000;

    /// <summary>What a line takes when nobody's terminal bounds it.</summary>
    private const int FileCells = 200;

    public static Command Create()
    {
        var query = new Argument<string>("query") { Description = "What to measure, in TraceQL: { status = error } | rate() by (resource.service.name)", DefaultValueFactory = _ => "{} | rate() by (resource.service.name)" };
        var question = new Question();
        var command = new Command("query", "Measure with TraceQL: rates, counts, quantiles, each series as a line.") { query };
        question.AddTo(command);
        command.SetAction((arguments, cancellation) => question.AskAsync<QueryRangeResponse>(
            arguments, time => $"/api/metrics/query_range?q={Uri.EscapeDataString(arguments.GetValue(query)!)}&{time}&step={StepOf(time)}", Show, cancellation));
        return command;
    }

    private static long StepOf(AskedTime time) => Math.Max(1, (time.End - time.Start + Steps - 1) / Steps);

    private static void Show(QueryRangeResponse found, AskedTime time)
    {
        if (found.Series.Count == 0) Console.WriteLine($"There is nothing to measure in the last {time.Since}.");
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = FileCells;
        var table = new Table().Border(TableBorder.None).AddColumns("Series", $"The last {time.Since}", "Last", "Most");
        foreach (TimeSeries series in found.Series)
        {
            table.AddRow(
                new Text(TerminalText.Line(string.Join(", ", series.Labels.Select(label => $"{label.Key}={Show(label.Value)}")))),
                new Text(TerminalText.Sparkline(StepsOf(series, time)), new Style(Color.DeepSkyBlue1)),
                new Text(series.Samples.Count == 0 ? "" : Show(series.Samples[^1].Value)),
                new Text(series.Samples.Count == 0 ? "" : Show(series.Samples.Max(sample => sample.Value))));
        }

        if (found.Series.Count > 0) AnsiConsole.Write(table);
        if (found.Message.Length > 0) Console.WriteLine($"\n{TerminalText.Line(found.Message)}");
    }

    /// <summary>The value of each step; none where nothing was told of it.</summary>
    private static double[] StepsOf(TimeSeries series, AskedTime time)
    {
        long step = StepOf(time) * MillisecondsPerSecond, first = time.Start * MillisecondsPerSecond;
        double[] values = new double[Steps + 2];
        Array.Fill(values, double.NaN);
        foreach (Sample sample in series.Samples) values[Math.Clamp((sample.TimestampMs - first) / step, 0, values.Length - 1)] = sample.Value;
        return values;
    }

    private static string Show(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static string Show(AnyValue? value) => value?.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.IntValue => value.IntValue.ToString(CultureInfo.InvariantCulture),
        AnyValue.ValueOneofCase.DoubleValue => Show(value.DoubleValue),
        AnyValue.ValueOneofCase.BoolValue => value.BoolValue ? "true" : "false",
        _ => "nil",
    };
}

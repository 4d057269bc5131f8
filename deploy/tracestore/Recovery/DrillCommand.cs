using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Spectre.Console;
using TraceStore.Serving;
using TraceStore.Settings;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;

namespace TraceStore.Recovery;

/// <summary><c>tracestore drill</c>: rehearses the recovery, and keeps what it found.</summary>
internal static class DrillCommand
{
    private const int HistoryRows = 20;

    public static Command Create()
    {
        var command = new Command("drill", "Rehearse the recovery: restore everything from the archive into a place of its own, hold it against what runs, measure, clean up. Nobody is served from it, and it writes nothing to the archive but its report. Takes the options of serve. Exit code: 0 passed, 1 failed.");
        Func<ParseResult, (IConfiguration, IReadOnlyList<string>)> read = ServeCommand.AddOptions(command);
        var scratch = new Option<string?>("--scratch") { HelpName = "DIR", Description = "Where; it needs as much disk as the data. Default: drill in the data directory" };
        var deadline = new Option<int>("--deadline") { HelpName = "MINUTES", Description = "It fails when it takes longer", DefaultValueFactory = _ => 60 };
        var sabotage = new Option<bool>("--sabotage") { Description = "Read one object with a wrong byte: the drill must fail. Nothing is recorded" };
        var history = new Option<bool>("--history") { Description = "Show the last drills instead" };
        foreach (Option option in new Option[] { scratch, deadline, sabotage, history }) command.Add(option);
        command.SetAction((arguments, cancellation) =>
        {
            (IConfiguration configuration, IReadOnlyList<string> problems) = read(arguments);
            return RunAsync(configuration, problems, new Wishes(arguments.GetValue(scratch), TimeSpan.FromMinutes(arguments.GetValue(deadline)), arguments.GetValue(sabotage), arguments.GetValue(history)), cancellation);
        });
        return command;
    }

    private sealed record Wishes(string? Scratch, TimeSpan Deadline, bool IsSabotage, bool IsHistory);

    private static async Task<int> RunAsync(IConfiguration configuration, IReadOnlyList<string> unread, Wishes wishes, CancellationToken cancellation)
    {
        (TraceStoreSettings? settings, IReadOnlyList<string> invalid) = TraceStoreSettings.Read(configuration);
        List<string> problems = [.. unread, .. invalid];
        if (settings is { Archive: null }) problems.Add("Archive:Url isn't set: say with --archive where the archive is, a directory or s3://bucket/prefix.");
        if (settings is { Engine: null }) problems.Add("ClickHouse:Url: a drill restores into an embedded engine; leave it out.");
        if (wishes.Deadline <= TimeSpan.Zero) problems.Add("--deadline: expected minutes, 1 or more.");
        if (problems.Count > 0) return ArchivePlace.Fail(problems);

        FileModes.CreateForOwnerOnly();
        IObjectStore store = ObjectStores.Open(settings!.Archive!.Store);
        await using (store.ConfigureAwait(false))
        {
            try
            {
                if (wishes.IsHistory) return ShowHistory(await DrillHistory.ReadAsync(store, HistoryRows, cancellation).ConfigureAwait(false));
                var sabotaged = wishes.IsSabotage ? new SabotagedStore(store) : null;
                DrillReport report = await RehearseAsync(settings, configuration, sabotaged ?? store, wishes, cancellation).ConfigureAwait(false);
                if (sabotaged is null) await DrillHistory.AddAsync(store, report, cancellation).ConfigureAwait(false);
                Show(report, sabotaged);
                return report.IsPassed ? 0 : 1;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return ArchivePlace.Fail("Stopped: nothing is known.");
            }
            catch (IOException e)
            {
                return ArchivePlace.Fail(e.Message);
            }
        }
    }

    private static async Task<DrillReport> RehearseAsync(TraceStoreSettings settings, IConfiguration configuration, IObjectStore store, Wishes wishes, CancellationToken cancellation)
    {
        using ILoggerFactory logs = LogOutput.Create(configuration);
        DrillReport? report = null;
        await AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(async screen =>
            {
                ProgressTask task = screen.AddTask("Rehearsing");
                string place = Path.GetFullPath(wishes.Scratch ?? Path.Combine(settings.DataDirectory, "drill"));
                var drill = new Drill(settings, store, place, logs, (plan, done) => (task.MaxValue, task.Value) = (Math.Max(1, plan.Size.Bytes), Math.Min(done.Bytes, plan.Size.Bytes)));
                report = await drill.RunAsync(wishes.Deadline, cancellation).ConfigureAwait(false);
                task.Value = task.MaxValue;
            }).ConfigureAwait(false);
        return report!;
    }

    private static void Show(DrillReport report, SabotagedStore? sabotaged)
    {
        if (sabotaged is not null) Console.WriteLine($"Sabotage    a byte of {sabotaged.Victim ?? "nothing"} was wrong");
        Console.WriteLine(report.IsPassed ? "Passed" : $"Failed      {report.Failure}");
        if (report.RecoveryPointSeconds is { } age) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"RPO         {age:F1} s: a disaster when it began would have cost as much"));
        if (report.RecoverySeconds is { } took) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"RTO         {took:F1} s to {report.Spans} spans verified, and a trace found"));
        if (report.Times is { } times) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Of these    {times.SnapshotSeconds:F1} s for {times.SnapshotBytes / 1e6:F1} MB of {report.Snapshot ?? "no snapshot"}, {times.LogSeconds:F1} s for {times.LogBytes / 1e6:F1} MB of the log, {times.OtherSeconds:F1} s for the rest"));
        if (report.Compared is { } compared) Console.WriteLine($"Held against {compared}");
        if (sabotaged is not null) Console.WriteLine(sabotaged.Victim is { } victim && report.Failure?.Contains(victim, StringComparison.Ordinal) == true ? "The damage was seen, as it must be." : "The damage was NOT seen: this proves nothing.");
    }

    private static int ShowHistory(IReadOnlyList<DrillReport> reports)
    {
        var table = new Table().Border(TableBorder.None).AddColumns("Drill", "Host", "Result", "RPO s", "RTO s", "Spans");
        foreach (DrillReport report in reports)
        {
            table.AddRow(
                report.Started.UtcDateTime.ToString("u", CultureInfo.InvariantCulture), Markup.Escape(report.Host), Markup.Escape(report.Failure ?? "passed"),
                report.RecoveryPointSeconds?.ToString("F1", CultureInfo.InvariantCulture) ?? "", report.RecoverySeconds?.ToString("F1", CultureInfo.InvariantCulture) ?? "", report.Spans.ToString("N0", CultureInfo.InvariantCulture));
        }

        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 240;
        AnsiConsole.Write(table);
        return 0;
    }
}

using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;
using Spectre.Console;
using TraceStore.Settings;
using TraceStore.Storage.Archive;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Recovery;

/// <summary><c>tracestore plan</c>: the disaster recovery plan in force, and what is wrong with it.</summary>
internal static class PlanCommand
{
    /// <summary>The exit codes: all is well; the plan doesn't hold; it holds, with warnings.</summary>
    private const int Well = 0, Broken = 1, Warned = 3;

    /// <summary>The plan as JSON, for monitors.</summary>
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web) { WriteIndented = true, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase), new SnapshotId.JsonConverter() } };

    public static Command Create()
    {
        var command = new Command("plan", "Show the disaster recovery plan in force: what prevents a loss, what would detect it, how to come back, and what is wrong with it. Takes the options of serve. Exit code: 0 well, 1 broken, 3 with warnings.");
        Func<ParseResult, (IConfiguration, IReadOnlyList<string>)> read = ServeCommand.AddOptions(command);
        var json = new Option<bool>("--json") { Description = "As JSON, for monitors" };
        command.Add(json);
        command.SetAction((arguments, cancellation) =>
        {
            (IConfiguration configuration, IReadOnlyList<string> problems) = read(arguments);
            return RunAsync(configuration, problems, arguments.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(IConfiguration configuration, IReadOnlyList<string> unread, bool isJson, CancellationToken cancellation)
    {
        (TraceStoreSettings? settings, IReadOnlyList<string> invalid) = TraceStoreSettings.Read(configuration);
        if (settings is null || unread.Count > 0) return ArchivePlace.Fail([.. unread, .. invalid]);
        RecoveryPlan plan = RecoveryPlan.Of(await FactFinder.FindAsync(settings, cancellation).ConfigureAwait(false));
        if (isJson) Console.WriteLine(JsonSerializer.Serialize(plan, Json));
        else Draw(plan);
        return plan.Worst switch { FindingLevel.Broken => Broken, FindingLevel.Warning => Warned, _ => Well };
    }

    private static void Draw(RecoveryPlan plan)
    {
        RecoveryFacts facts = plan.Facts;
        var table = new Table().Border(TableBorder.None).HideHeaders().AddColumns("", "", "");
        void Row(string part, string what, string value) => table.AddRow(new Markup($"[bold]{part}[/]"), new Markup(what), new Text(value));
        Row("Prevent", "data", facts.DataDirectory);
        Row("", "archive", facts.Archive is null ? "none" : $"{facts.Archive}{(facts.IsEncrypted ? ", encrypted" : "")}");
        if (facts.Head is { } head)
        {
            Row("", "lineage", $"{head.Lineage}, epoch {head.Current.Number} since {Show(head.Current.Began)}");
            Row("", "writer", head.Writer is { } writer ? $"{writer.Host}, {(writer.Until > facts.Now ? $"until {Show(writer.Until)} at least" : "none now")}" : "none");
            ArchiveFrontier frontier = head.Frontier;
            Row("Detect", "recovery point", facts.RecoveryPointAge is { } age ? $"{RecoveryPlan.Show(age)} old: everything received up to {Show(facts.CompleteThrough!.Value)} was read back" : "unknown");
            Row("", "can be restored", facts.CompleteThrough is { } through ? $"any instant from {Show(head.Trim?.Horizon ?? head.Epochs[0].Began)} to {Show(through)}" : "nothing for certain");
            Row("", "in the archive", string.Create(CultureInfo.InvariantCulture, $"{frontier.Groups} objects, {frontier.Bytes / 1e6:F1} MB of this epoch, {frontier.Holes} holes"));
            Row("", "snapshots", facts.Snapshots.Count == 0 ? "none" : $"{facts.Snapshots.Count}, the newest of {Show(facts.Snapshots[^1].Id.Taken)}; {(facts.LastVerified is { } verified ? $"one verified at {Show(verified)}" : "none verified")}");
            Row("", "last drill", facts.Drills.Count == 0 ? "never" : $"{Show(facts.Drills[0].Started)}, {(facts.Drills[0].IsPassed ? "passed" : "failed")}");
            Row("Correct", "recovery time", Times(facts));
            Row("", "restore", $"tracestore restore --from {facts.Archive} --data DIR");
        }

        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 10_000;
        AnsiConsole.Write(table);
        Console.WriteLine();
        foreach (RecoveryFinding finding in plan.Findings)
        {
            string level = finding.Level switch { FindingLevel.Broken => "[red]broken [/]", FindingLevel.Warning => "[yellow]warning[/]", _ => "note   " };
            AnsiConsole.MarkupLine($"{level}  {Markup.Escape(finding.What)}\n         {Markup.Escape(finding.Mend)}");
        }
    }

    private static string Times(RecoveryFacts facts)
    {
        string measured = facts.LastPassed is { RecoverySeconds: { } seconds } passed ? $"{RecoveryPlan.Show(TimeSpan.FromSeconds(seconds))} measured by the drill of {Show(passed.Started)} ({passed.Spans} spans)" : "never measured";
        return facts.ExpectedTime is { } expected ? $"{measured}; about {RecoveryPlan.Show(expected)} expected now" : measured;
    }

    private static string Show(DateTimeOffset time) => time.ToUniversalTime().ToString("u", CultureInfo.InvariantCulture);
}

using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;
using Spectre.Console;
using TraceStore.Serving;
using TraceStore.Settings;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Recovery;

/// <summary><c>tracestore restore</c>: a data directory from an archive, as it was at an instant.</summary>
internal static class RestoreCommand
{
    private const int LastDrills = 5;
    private const string ByNone = "none";

    private static readonly string[] s_external = ["ClickHouse:Url", "ClickHouse:User", "ClickHouse:Password"];

    /// <summary>ENOSPC.</summary>
    private const int NoSpaceLeft = 28;

    public static Command Create()
    {
        var command = new Command("restore", "Restore a data directory from an archive: everything that is in it, or as it was at an instant. Needs an empty directory (--data), the archive's address (--archive) and, where it is encrypted, the key (--set Archive:KeyFile=FILE).");
        Func<ParseResult, (IConfiguration, IReadOnlyList<string>)> read = ServeCommand.AddOptions(command);
        var from = new Option<string?>("--from") { HelpName = "URL", Description = "The archive: the same as --archive" };
        var to = new Option<string?>("--to") { HelpName = "INSTANT", Description = "As it was then: what was received up to this instant, such as 2026-11-26T10:15:00Z. Default: everything" };
        var snapshot = new Option<string?>("--snapshot") { HelpName = "ID", Description = "Only what is in this snapshot (tracestore snapshot list)" };
        var by = new Option<string?>("--by") { HelpName = "ID", Description = "By way of this snapshot instead of the newest; none: by the log alone" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Say what would be done, and do nothing" };
        var into = new Option<string?>("--into") { HelpName = "DIR", Description = "To look at the past beside what runs: into this directory instead of --data, which isn't touched. It will not go on as the archive's writer" };
        var partition = new Option<string?>("--partition") { HelpName = "DAY", Description = "With --into: only what was received on this day (UTC), such as 2026-11-26" };
        var acceptHoles = new Option<bool>("--accept-holes") { Description = "Restore what there is, although ranges of the log are lost" };
        var serve = new Option<bool>("--serve") { Description = "Serve at once: take spans from the first moment on, answer from what is back, and bring the rest back meanwhile, the newest first" };
        foreach (Option option in new Option[] { from, to, snapshot, by, into, partition, dryRun, acceptHoles, serve }) command.Add(option);
        command.SetAction((arguments, cancellation) =>
        {
            (IConfiguration configuration, IReadOnlyList<string> problems) = read(arguments);
            if (arguments.GetValue(from) is { } url) configuration["Archive:Url"] = url;
            if (arguments.GetValue(into) is not null)
            {
                foreach (string key in s_external) configuration[key] = null; // the past has an engine of its own
            }

            return RunAsync(configuration, problems, new Wishes(arguments.GetValue(to), arguments.GetValue(snapshot), arguments.GetValue(by), arguments.GetValue(into), arguments.GetValue(partition), arguments.GetValue(dryRun), arguments.GetValue(acceptHoles), arguments.GetValue(serve)), cancellation);
        });
        command.Add(Release());
        return command;
    }

    private static Command Release()
    {
        var command = new Command("release", "Let retention go on with what was restored: until then nothing of it is dropped, however old. Takes the options of serve.");
        ServeCommand.Configure(command, (configuration, unread) =>
        {
            (TraceStoreSettings? settings, IReadOnlyList<string> problems) = TraceStoreSettings.Read(configuration);
            if (settings is null || unread.Count > 0) return ArchivePlace.Fail([.. unread, .. problems]);
            if (RestoreJournal.IsIn(settings.DataDirectory)) return ArchivePlace.Fail($"{settings.DataDirectory} is still being restored: nothing of it may go before all is back. /readyz says how far it is.");
            Console.WriteLine(RetentionHold.Release(settings.DataDirectory)
                ? $"Released: in {settings.DataDirectory} days go again that are older than Retention:MaxAge, or more than Retention:MaxBytes."
                : $"Nothing is held in {settings.DataDirectory}.");
            return 0;
        });
        return command;
    }

    private sealed record Wishes(string? To, string? Snapshot, string? By, string? Into, string? Partition, bool IsDryRun, bool AcceptsHoles, bool IsServed);

    private static async Task<int> RunAsync(IConfiguration configuration, IReadOnlyList<string> unread, Wishes wishes, CancellationToken cancellation)
    {
        (TraceStoreSettings? settings, IReadOnlyList<string> invalid) = TraceStoreSettings.Read(configuration);
        List<string> problems = [.. unread, .. invalid];
        if (settings is { Archive: null }) problems.Add("--from: say where the archive is, a directory or s3://bucket/prefix.");
        DateTimeOffset? instant = Instants.Read("--to", wishes.To, problems);
        SnapshotId? snapshot = SnapshotCommand.ReadId("--snapshot", wishes.Snapshot, problems);
        if (settings is { Engine: null } && (wishes.Snapshot ?? wishes.By) is not null) problems.Add("--snapshot and --by: a snapshot's parts go into the embedded engine; leave ClickHouse:Url out. An external ClickHouse brings the newest of its own backups back by itself.");
        if (instant is not null && snapshot is not null) problems.Add("--to and --snapshot: an instant or a snapshot, not both.");
        SnapshotId? by = wishes.By == ByNone ? null : SnapshotCommand.ReadId("--by", wishes.By, problems);
        if (wishes.Into?.Length == 0) problems.Add("--into: say which directory.");
        DateOnly? day = Instants.ReadDay("--partition", wishes.Partition, problems);
        if (day is not null && wishes.Into is null) problems.Add("--partition: a part of what was there is only to be looked at. Say where, with --into DIR.");
        if (wishes.IsServed && (wishes.Into is not null || wishes.AcceptsHoles)) problems.Add("--serve: what is served goes on as the archive's writer, and is whole; without --into and --accept-holes.");
        if (problems.Count > 0) return ArchivePlace.Fail(problems);

        if (!string.IsNullOrEmpty(wishes.Into)) settings = settings!.In(Path.GetFullPath(wishes.Into));
        FileModes.CreateForOwnerOnly();
        IObjectStore opened = ObjectStores.Open(settings!.Archive!.Store);
        await using (opened.ConfigureAwait(false))
        {
            try
            {
                IObjectStore store = await ListedArchive.ReadAsync(opened, cancellation).ConfigureAwait(false);
                RestoreJournal? begun = RestoreJournal.Read(settings.DataDirectory);
                bool isAnother = begun is not null && ((day is not null && begun.Plan.Day != day) || (instant is not null && begun.Plan.Instant != instant) || (snapshot is not null && begun.Plan.Snapshot?.Id != snapshot));
                if (wishes.Into is not null && begun is { IsCopy: false }) throw new RestoreRefusedException($"In {settings.DataDirectory} a restore was begun that goes on as the archive's writer. Go on with that one, with --data {settings.DataDirectory}, or choose another directory with --into.");
                if (isAnother) throw new RestoreRefusedException($"In {settings.DataDirectory} another restore was begun. Go on with that one without --to, --snapshot and --partition, or choose another directory.");
                RestorePlan plan = begun?.Plan ?? await PlanAsync(settings, configuration, store, wishes, instant, snapshot, by, cancellation).ConfigureAwait(false);
                if (day is not null && begun is null) plan = await RestorePlanner.NarrowAsync(store, plan, day.Value, cancellation).ConfigureAwait(false);
                if (by is not null && plan.Snapshot?.Id != by) throw new RestoreRefusedException($"Snapshot {by} doesn't lead there. See: tracestore snapshot list");
                Show(settings, store, plan, (await DrillHistory.ReadAsync(store, LastDrills, cancellation).ConfigureAwait(false)).FirstOrDefault(drill => drill.IsPassed)?.Times);
                if (begun is not null) Console.WriteLine($"It was begun, and goes on {(begun.HasSnapshot ? $"in stretch {begun.Stretch + 1} of {begun.Plan.Stretches.Count} at segment {begun.Fetched.Next}" : "with the snapshot")}.");
                if (plan.Instant is null && plan.Holes > 0 && !wishes.AcceptsHoles) return ArchivePlace.Fail([$"{plan.Holes} ranges of the log are lost: the archive had been away for too long, or somebody deleted what it needed. With --accept-holes what there is is restored."]);
                if (wishes.IsDryRun) return 0;
                if (begun?.IsServed ?? wishes.IsServed)
                {
                    using (ILoggerFactory logs = LogOutput.Create(configuration)) await new Restorer(settings, store, acceptsHoles: false, logs, _ => { }).BeginServedAsync(plan, cancellation).ConfigureAwait(false);
                    return await ServeCommand.ServeAsync(configuration, unread).ConfigureAwait(false);
                }

                await RestoreAsync(settings, configuration, store, plan, wishes, cancellation).ConfigureAwait(false);
                return 0;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                Console.Error.WriteLine("Stopped. Restore again, and it goes on from there.");
                return 1;
            }
            catch (ObjectDamagedException e) when (e.Message.StartsWith(SnapshotNames.AllPacks, StringComparison.Ordinal))
            {
                return ArchivePlace.Fail([e.Message, $"It goes on from there when that is mended. By way of an earlier snapshot, or by the log alone, into another directory: {ThisProgram.Name} restore --by ID, or --by {ByNone}"]);
            }
            catch (IOException e) when (e.HResult == NoSpaceLeft)
            {
                return ArchivePlace.Fail([e.Message, "Make room there, and restore again: it goes on from where it is. --dry-run says how much there is to restore."]);
            }
            catch (Exception e) when (e is IOException or HttpRequestException or UnauthorizedAccessException or InvalidDataException or InvalidOperationException or ClickHouseRefusedException or ClickHouseUnavailableException)
            {
                return ArchivePlace.Fail([e.Message]);
            }
        }
    }

    private static async Task<RestorePlan> PlanAsync(
        TraceStoreSettings settings, IConfiguration configuration, IObjectStore store, Wishes wishes, DateTimeOffset? instant, SnapshotId? snapshot, SnapshotId? by, CancellationToken cancellation)
    {
        if (snapshot is not null) return await RestorePlanner.PlanAsync(store, snapshot, cancellation).ConfigureAwait(false);
        if (settings.Engine is not null) return await RestorePlanner.PlanAsync(store, instant, id => wishes.By is null || id == by, Console.Error.WriteLine, cancellation).ConfigureAwait(false);
        if (wishes.IsDryRun) return await RestorePlanner.PlanLogAsync(store, cancellation).ConfigureAwait(false);
        using ILoggerFactory logs = LogOutput.Create(configuration);
        new Restorer(settings, store, wishes.AcceptsHoles, logs, _ => { }).CheckIsEmpty(); // before ClickHouse is touched
        using var database = new ClickHouseDatabase(settings.ClickHouse);
        return await new ExternalRestore(store, database, settings.Archive!.ClickHouseBackup, wishes.AcceptsHoles, logs.CreateLogger<ExternalRestore>()).PlanAsync(instant, cancellation).ConfigureAwait(false);
    }

    private static async Task RestoreAsync(TraceStoreSettings settings, IConfiguration configuration, IObjectStore store, RestorePlan plan, Wishes wishes, CancellationToken cancellation)
    {
        using ILoggerFactory logs = LogOutput.Create(configuration);
        long started = Stopwatch.GetTimestamp();
        RestoreJournal? done = null;
        await AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(async screen =>
            {
                ProgressTask task = screen.AddTask("Restoring", maxValue: Math.Max(1, plan.Size.Bytes));
                done = await GoingOn(logs).ExecuteAsync(
                    async token => await new Restorer(settings, store, wishes.AcceptsHoles, logs, read => task.Value = Math.Min(read.Bytes, task.MaxValue)).RunAsync(plan, isCopy: wishes.Into is not null, token).ConfigureAwait(false),
                    cancellation).ConfigureAwait(false);
                task.Value = task.MaxValue;
            }).ConfigureAwait(false);
        string rest = done!.IsCopy ? "A copy, to be looked at: it has no part in the archive." : "It goes on as the archive's writer, in an epoch of its own, once the last writer's lease is over.";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Restored {done.Spans} spans to {settings.DataDirectory} in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s; each was found again. {rest}"));
        if (done.Spans == 0 && done.Plan.Day is not null) Console.WriteLine($"Nothing of {done.Plan.Day:yyyy-MM-dd} was there any more, or yet. An earlier snapshot may have it: {ThisProgram.Name} snapshot list; then --snapshot ID");
        Console.WriteLine(done.IsCopy
            ? $"Look at it: {ThisProgram.Name} --data {settings.DataDirectory} --otlp-grpc-port 0 --otlp-http-port 0 --tempo-port {settings.TempoPort + 1} --jaeger-port {settings.JaegerPort + 1}"
            : $"Start it: {ThisProgram.Name} --data {settings.DataDirectory} --archive {store.Address}{(settings.Engine is null ? $" --clickhouse {settings.ClickHouse.Url}" : "")}");
    }

    /// <summary>ClickHouse that ends or is away for a minute isn't the end of a restore, which goes on from its journal.</summary>
    private static ResiliencePipeline GoingOn(ILoggerFactory logs) => new ResiliencePipelineBuilder()
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<ClickHouseUnavailableException>(),
            MaxRetryAttempts = 8,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(250),
            OnRetry = failed =>
            {
                logs.CreateLogger<Restorer>().LogWarning("{Cause} The restore goes on from where it is in {Delay} ms.", failed.Outcome.Exception!.Message, (long)failed.RetryDelay.TotalMilliseconds);
                return ValueTask.CompletedTask;
            },
        })
        .Build();

    private static void Show(TraceStoreSettings settings, IObjectStore store, RestorePlan plan, RestoreTimes? measured)
    {
        (long groups, long bytes) = plan.Size;
        Console.WriteLine($"Archive   {store.Address}, lineage {plan.Lineage}");
        if (plan.Snapshot is { } snapshot) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Snapshot  {snapshot.Id}: {snapshot.Objects} objects, {snapshot.Bytes / 1e6:F1} MB"));
        if (plan.Day is { } day) Console.WriteLine($"Day       only what was received on {day:yyyy-MM-dd}, UTC");
        Console.WriteLine($"Instant   {(plan.Instant is { } instant ? instant.ToUniversalTime().ToString("u", CultureInfo.InvariantCulture) : plan.Stretches[^1].IsNothing ? "the snapshot's" : "the newest")}");
        foreach (RestoreStretch stretch in plan.Stretches)
        {
            if (stretch.IsNothing) continue;
            string through = stretch.IsWhole ? "to its end" : stretch.Until is { } until ? $"what was received up to {until.ToUniversalTime():u}" : $"to segment {stretch.Known.Segment}";
            Console.WriteLine($"Epoch {stretch.Epoch.Number,-3} begun {stretch.Epoch.Began.ToUniversalTime():u}: from segment {Math.Max(stretch.Epoch.First, stretch.Behind + 1)} {through}");
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"To read   {groups} objects, {bytes / 1e6:F1} MB at least; {plan.Holes} holes"));
        if (settings.Engine is null) Console.WriteLine("Into      the external ClickHouse: what it has already, wherever from, isn't stored again");
        Console.WriteLine($"To take   about {RecoveryPlan.Show(RestoreTimes.Expect(plan, measured))}, by {(measured is null ? "what is usual: no drill has measured it" : "what the last drill measured")}");
    }
}

using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Spectre.Console;
using TraceStore.Serving;
using TraceStore.Settings;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Retention;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Recovery;

/// <summary><c>tracestore snapshot</c>: takes, lists, shows, checks, keeps and deletes snapshots.</summary>
internal static class SnapshotCommand
{
    private const string Newest = "newest";

    public static Command Create()
    {
        var command = new Command("snapshot", "Take, list, show, verify, pin and delete snapshots: all that was stored at a moment, in the archive.");
        var create = new Command("create", "Take one now. The TraceStore that runs on the data directory (--data) does it, and ingest goes on.");
        Func<ParseResult, (IConfiguration, IReadOnlyList<string>)> read = ServeCommand.AddOptions(create);
        var acceptLoss = new Option<bool>("--accept-loss") { Description = "Take it although spans are missing that the last one has" };
        create.Add(acceptLoss);
        create.SetAction((arguments, cancellation) =>
        {
            (IConfiguration configuration, IReadOnlyList<string> unread) = read(arguments);
            return TakeAsync(configuration, unread, arguments.GetValue(acceptLoss), cancellation);
        });
        command.Add(create);
        command.Add(OnStore("list", "List the snapshots in the archive.", ListAsync));
        command.Add(OnSnapshot("show", "Show what is in a snapshot.", isNewestByDefault: true, ShowAsync));
        command.Add(OnSnapshot("verify", "Read every object of a snapshot, hold it against what it was, and note that it is right.", isNewestByDefault: true, VerifyAsync));
        command.Add(OnSnapshot("pin", "Keep a snapshot until it is unpinned.", isNewestByDefault: false, PinAsync));
        command.Add(OnSnapshot("unpin", "Let go of a snapshot that was pinned.", isNewestByDefault: false, UnpinAsync));
        command.Add(OnSnapshot("delete", "Delete a snapshot: nothing is restored by way of it any more.", isNewestByDefault: false, DeleteAsync));
        return command;
    }

    /// <summary>Null where there is none, or none that is valid, which is noted.</summary>
    public static SnapshotId? ReadId(string option, string? text, List<string> problems)
    {
        if (text is null) return null;
        SnapshotId? id = SnapshotId.Parse(text);
        if (id is null) problems.Add($"{option} {text}: expected a snapshot's name, such as 20261126T101500.000Z-1-4711. See: tracestore snapshot list");
        return id;
    }

    private static Command OnStore(string name, string description, Func<IObjectStore, ArchiveSettings, CancellationToken, Task<int>> run)
    {
        var command = new Command(name, description + " Takes the options of serve.");
        Func<ParseResult, (IConfiguration, IReadOnlyList<string>)> read = ServeCommand.AddOptions(command);
        command.SetAction((arguments, cancellation) =>
        {
            (IConfiguration configuration, IReadOnlyList<string> unread) = read(arguments);
            return RunAsync(configuration, [.. unread], run, cancellation);
        });
        return command;
    }

    private static Command OnSnapshot(string name, string description, bool isNewestByDefault, Func<IObjectStore, SnapshotId, ArchiveSettings, CancellationToken, Task<int>> run)
    {
        var id = new Argument<string>("ID") { Description = isNewestByDefault ? "The snapshot's name; by default the newest" : "The snapshot's name" };
        if (isNewestByDefault) id.DefaultValueFactory = _ => Newest;
        var command = new Command(name, description + " Takes the options of serve.") { id };
        Func<ParseResult, (IConfiguration, IReadOnlyList<string>)> read = ServeCommand.AddOptions(command);
        command.SetAction((arguments, cancellation) =>
        {
            (IConfiguration configuration, IReadOnlyList<string> unread) = read(arguments);
            List<string> problems = [.. unread];
            string text = arguments.GetValue(id)!;
            SnapshotId? named = text == Newest ? null : ReadId("ID", text, problems);
            return RunAsync(configuration, problems, async (store, archive, token) => await run(store, named ?? await FindNewestAsync(store, token).ConfigureAwait(false), archive, token).ConfigureAwait(false), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(IConfiguration configuration, List<string> problems, Func<IObjectStore, ArchiveSettings, CancellationToken, Task<int>> run, CancellationToken cancellation)
    {
        ArchiveSettings? archive = ArchivePlace.Read(configuration, problems);
        if (archive is null || problems.Count > 0) return ArchivePlace.Fail(problems);
        IObjectStore store = ObjectStores.Open(archive.Store);
        await using (store.ConfigureAwait(false))
        {
            try
            {
                return await run(store, archive, cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return ArchivePlace.Fail("Stopped.");
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                return ArchivePlace.Fail(e.Message);
            }
        }
    }

    private static async Task<SnapshotId> FindNewestAsync(IObjectStore store, CancellationToken cancellation) =>
        await new SnapshotCatalogue(store).ListAsync(cancellation).ConfigureAwait(false) is { Count: > 0 } entries
            ? entries[^1].Id
            : throw new FileNotFoundException($"There are no snapshots in {store.Address} yet. One is taken by: tracestore snapshot create");

    private static async Task<int> TakeAsync(IConfiguration configuration, IReadOnlyList<string> unread, bool acceptsLoss, CancellationToken cancellation)
    {
        (TraceStoreSettings? settings, IReadOnlyList<string> invalid) = TraceStoreSettings.Read(configuration);
        if (settings is null || unread.Count > 0) return ArchivePlace.Fail([.. unread, .. invalid]);
        try
        {
            string? taken = null;
            await Bars().StartAsync(async screen =>
            {
                ProgressTask task = screen.AddTask("Storing parts");
                taken = await ControlSocket.AskForSnapshotAsync(settings.DataDirectory, acceptsLoss, done => (task.MaxValue, task.Value) = (Math.Max(1, done.OfParts), done.Parts), cancellation).ConfigureAwait(false);
                task.Value = task.MaxValue;
            }).ConfigureAwait(false);
            Console.WriteLine($"Taken: {taken}");
            return 0;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return ArchivePlace.Fail("Stopped: none is taken.");
        }
        catch (IOException e)
        {
            return ArchivePlace.Fail(e.Message);
        }
    }

    private static async Task<int> ListAsync(IObjectStore store, ArchiveSettings archive, CancellationToken cancellation)
    {
        var catalogue = new SnapshotCatalogue(store);
        var table = new Table().Border(TableBorder.None).AddColumns("Snapshot", "Spans", "Objects", "MB", "Pinned", "Verified");
        foreach (SnapshotEntry entry in await catalogue.ListAsync(cancellation).ConfigureAwait(false))
        {
            string[] content;
            try
            {
                SnapshotManifest manifest = await catalogue.ReadAsync(entry.Id, cancellation).ConfigureAwait(false);
                content = [Show(manifest.Spans), Show(manifest.Packs.Count()), Megabytes(manifest.Bytes)];
            }
            catch (ObjectDamagedException e)
            {
                Console.Error.WriteLine(e.Message);
                content = ["damaged", "", ""];
            }

            table.AddRow([entry.Id.ToString(), .. content, entry.IsPinned ? "pinned" : "", entry.Verified is { } when ? when.UtcDateTime.ToString("u", CultureInfo.InvariantCulture) : "never"]);
        }

        Draw(table);
        return 0;
    }

    private static async Task<int> ShowAsync(IObjectStore store, SnapshotId id, ArchiveSettings archive, CancellationToken cancellation)
    {
        SnapshotManifest manifest = await new SnapshotCatalogue(store).ReadAsync(id, cancellation).ConfigureAwait(false);
        Console.WriteLine($"Snapshot   {manifest.Id}, taken {manifest.Id.Taken.UtcDateTime:u}");
        Console.WriteLine($"Holds      the log of epoch {manifest.Id.Epoch} up to segment {manifest.Id.Segment}, of lineage {manifest.Lineage}");
        Console.WriteLine($"Versions   TraceStore {manifest.Versions.TraceStore}, ClickHouse {manifest.Versions.Engine}, schema {manifest.Versions.Schema}");
        if (manifest.Backup is { } backup) Console.WriteLine($"Rows       in ClickHouse's backup {backup.Name} in {backup.Destination}, which needs {backup.Chain} backups there");
        Console.WriteLine($"Objects    {manifest.Packs.Count()}, {Megabytes(manifest.Bytes)} MB");
        Console.WriteLine($"Quarantine {(manifest.Quarantine is null ? "empty" : $"{manifest.Quarantine.Bytes} bytes")}");
        foreach (SnapshotLog log in manifest.Logs) Console.WriteLine($"Log        {log.Log:x16}: segments {log.First} to {log.Last}, {log.Spans} spans");
        foreach ((string key, string value) in manifest.Settings) Console.WriteLine($"Setting    {key}={value}");
        foreach (string key in manifest.Secrets) Console.WriteLine($"Setting    {key} was set, and isn't told");
        var table = new Table().Border(TableBorder.None).AddColumns("Table", "Day", "Rows", "Parts", "MB", "Hash");
        foreach (SnapshotTable stored in manifest.Tables)
        {
            foreach (SnapshotPartition day in stored.Partitions) table.AddRow(stored.Name, day.Id, Show(day.Rows), Show(day.Parts.Count), Megabytes(day.Parts.Sum(part => part.Pack.Bytes)), day.Hash);
        }

        Draw(table);
        return 0;
    }

    private static async Task<int> VerifyAsync(IObjectStore store, SnapshotId id, ArchiveSettings archive, CancellationToken cancellation)
    {
        var catalogue = new SnapshotCatalogue(store);
        SnapshotManifest manifest = await catalogue.ReadAsync(id, cancellation).ConfigureAwait(false);
        await Bars().StartAsync(async screen =>
        {
            ProgressTask task = screen.AddTask("Reading", maxValue: Math.Max(1, manifest.Bytes));
            await catalogue.VerifyAsync(manifest, read => task.Value += read, cancellation).ConfigureAwait(false);
            task.Value = task.MaxValue;
        }).ConfigureAwait(false);
        Console.WriteLine($"Snapshot {id}: all {manifest.Packs.Count()} objects were read, and each is what it was.");
        if (manifest.Backup is { } backup) Console.WriteLine($"The rows are in ClickHouse's backup {backup.Name} in {backup.Destination}, which only ClickHouse can read.");
        return 0;
    }

    private static async Task<int> PinAsync(IObjectStore store, SnapshotId id, ArchiveSettings archive, CancellationToken cancellation)
    {
        var catalogue = new SnapshotCatalogue(store);
        await catalogue.ReadAsync(id, cancellation).ConfigureAwait(false); // there is such a one
        await catalogue.PinAsync(id, cancellation).ConfigureAwait(false);
        Console.WriteLine($"Pinned: {id}");
        return 0;
    }

    private static async Task<int> UnpinAsync(IObjectStore store, SnapshotId id, ArchiveSettings archive, CancellationToken cancellation)
    {
        await new SnapshotCatalogue(store).UnpinAsync(id, cancellation).ConfigureAwait(false);
        Console.WriteLine($"Not pinned: {id}");
        return 0;
    }

    private static async Task<int> DeleteAsync(IObjectStore store, SnapshotId id, ArchiveSettings archive, CancellationToken cancellation)
    {
        var catalogue = new SnapshotCatalogue(store);
        IReadOnlyList<SnapshotEntry> entries = await catalogue.ListAsync(cancellation).ConfigureAwait(false);
        SnapshotEntry? entry = entries.FirstOrDefault(entry => entry.Id == id);
        if (entry is null) return ArchivePlace.Fail($"There is no snapshot {id} in {store.Address}. See: tracestore snapshot list");
        if (entry.IsPinned) return ArchivePlace.Fail($"Snapshot {id} is pinned. To delete it: tracestore snapshot unpin {id}");
        if (entries.Count == 1) return ArchivePlace.Fail($"Snapshot {id} is the only one. Take another first: tracestore snapshot create");
        if (entry.Verified is not null && entries.Count(other => other.Verified is not null) == 1) return ArchivePlace.Fail($"Snapshot {id} is the only one that is verified. Verify another first: tracestore snapshot verify");
        if (await WhyNeededAsync(store, id, archive, cancellation).ConfigureAwait(false) is { } reason) return ArchivePlace.Fail($"Snapshot {id} is needed: {reason}");
        await catalogue.DeleteAsync(id, cancellation).ConfigureAwait(false);
        Console.WriteLine($"Deleted: {id}");
        return 0;
    }

    /// <summary>Null where no promised instant needs it.</summary>
    private static async Task<string?> WhyNeededAsync(IObjectStore store, SnapshotId id, ArchiveSettings archive, CancellationToken cancellation)
    {
        ArchiveInventory inventory = await ArchiveInventory.TakeAsync(store, cancellation).ConfigureAwait(false);
        return ArchiveRetentionPlan.WhyNeeded(inventory.Head, inventory.Snapshots, id, archive.Retention);
    }

    private static Progress Bars() => AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn());

    private static void Draw(Table table)
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 240;
        AnsiConsole.Write(table);
    }

    private static string Show(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("F1", CultureInfo.InvariantCulture);
}

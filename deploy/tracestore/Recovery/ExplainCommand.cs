using System.CommandLine;
using Microsoft.Extensions.Configuration;
using Spectre.Console;
using TraceStore.Settings;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Retention;

namespace TraceStore.Recovery;

/// <summary><c>tracestore archive explain</c>: why each thing in the archive is kept.</summary>
internal static class ExplainCommand
{
    public static Command Create()
    {
        var command = new Command("explain", "Say of everything in the archive which instant needs it, and what goes next. Changes nothing. Takes the options of serve.");
        ServeCommand.Configure(command, ExplainAsync);
        return command;
    }

    private static async Task<int> ExplainAsync(IConfiguration configuration, IReadOnlyList<string> unread)
    {
        List<string> problems = [.. unread];
        ArchiveSettings? archive = ArchivePlace.Read(configuration, problems);
        if (archive is null || problems.Count > 0) return ArchivePlace.Fail(problems);
        IObjectStore store = ObjectStores.Open(archive.Store);
        await using (store.ConfigureAwait(false))
        {
            try
            {
                ArchiveInventory inventory = await ArchiveInventory.TakeAsync(store, CancellationToken.None).ConfigureAwait(false);
                Show(inventory, ArchiveRetentionPlan.Of(inventory.Head, inventory.Snapshots, store.Now, archive.Retention));
                return inventory.Damaged.Count == 0 ? 0 : 1;
            }
            catch (IOException e)
            {
                return ArchivePlace.Fail(e.Message);
            }
        }
    }

    private static void Show(ArchiveInventory inventory, ArchiveRetentionPlan plan)
    {
        Console.WriteLine($"Any instant from {plan.Horizon.UtcDateTime:u} on can be restored.");
        var table = new Table().Border(TableBorder.None).AddColumns("", "What", "Why");
        foreach (LogReason log in plan.Logs) table.AddRow("kept", $"log of epoch {log.Epoch} from segment {log.FirstGroup} on", log.Reason);
        foreach (uint epoch in inventory.Head.Epochs.Select(epoch => epoch.Number).Except(plan.Logs.Select(log => log.Epoch))) table.AddRow("goes", $"log of epoch {epoch}", "no promised instant needs it");
        foreach (SnapshotReason kept in plan.Snapshots) table.AddRow("kept", $"snapshot {kept.Id}", kept.Reason);
        foreach (var expired in plan.Expired) table.AddRow("goes", $"snapshot {expired}", "no promised instant needs it");
        int unnamed = inventory.Packs.Count(pack => !inventory.Named.Contains(pack));
        if (unnamed > 0) table.AddRow("goes", $"{unnamed} objects of packs/", "no snapshot names them");
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 240;
        AnsiConsole.Write(table);
        foreach (string damage in inventory.Damaged.Concat(plan.Lost)) Console.Error.WriteLine(damage);
    }
}

using System.CommandLine;
using System.Globalization;
using TraceStore.Settings;
using TraceStore.Storage.Wal;

namespace TraceStore;

/// <summary><c>tracestore quarantine</c>: shows what the write-ahead log has set aside, and gives segments back.</summary>
internal static class QuarantineCommand
{
    public static Command Create()
    {
        var data = new Option<string>("--data") { HelpName = "DIR", Description = "The data directory", DefaultValueFactory = _ => "data", Recursive = true };
        var wal = new Option<string?>("--wal") { HelpName = "DIR", Description = "The write-ahead log, where it isn't in the data directory (Wal:Directory)", Recursive = true };
        var names = new Argument<string[]>("NAME") { Description = "Names as the list shows them. Default: all segments", Arity = ArgumentArity.ZeroOrMore };
        var timeout = new Option<int>("--timeout") { HelpName = "SECONDS", Description = "How long to wait until they are stored", DefaultValueFactory = _ => 60 };

        var replay = new Command("replay", "Give segments back to the TraceStore that runs on this directory, when what made ClickHouse refuse them is mended.") { names, timeout };
        replay.SetAction((arguments, cancellation) => ReplayAsync(
            WalDirectory(arguments.GetValue(data)!, arguments.GetValue(wal)), arguments.GetValue(names) ?? [], TimeSpan.FromSeconds(arguments.GetValue(timeout)), cancellation));

        var command = new Command("quarantine", "Show what was set aside from the write-ahead log: segments that ClickHouse refuses, and damaged bytes.") { data, wal, replay };
        command.SetAction(arguments => List(WalDirectory(arguments.GetValue(data)!, arguments.GetValue(wal))));
        return command;
    }

    private static string WalDirectory(string data, string? wal) => Path.GetFullPath(wal ?? Path.Combine(data, "wal"));

    private static int List(string directory)
    {
        if (!IsLog(directory)) return 1;
        IReadOnlyList<QuarantineEntry> entries = new Quarantine(directory).Entries();
        if (entries.Count == 0) Console.WriteLine("The quarantine is empty.");
        foreach (QuarantineEntry entry in entries)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{entry.Name}  {entry.Bytes} bytes  set aside {entry.Time:yyyy-MM-dd HH:mm:ss} UTC"));
            Console.WriteLine($"  {entry.Reason}");
        }

        if (entries.Any(entry => entry.CanReplay)) Console.WriteLine($"When the cause is mended: {ThisProgram.Name} quarantine replay");
        return 0;
    }

    private static async Task<int> ReplayAsync(string directory, string[] names, TimeSpan timeout, CancellationToken cancellation)
    {
        if (!IsLog(directory)) return 1;
        var quarantine = new Quarantine(directory);
        string[] segments = [.. quarantine.Entries().Where(entry => entry.CanReplay).Select(entry => entry.Name)];
        string[] unknown = [.. names.Except(segments)];
        foreach (string name in unknown) Console.Error.WriteLine($"{name}: there is no such segment in the quarantine.");
        if (unknown.Length > 0) return 1;

        string[] chosen = names.Length > 0 ? names : segments;
        foreach (string name in chosen) quarantine.GiveBack(name);
        if (chosen.Length == 0) Console.WriteLine("There is no segment to give back.");
        else if (!DirectoryLock.IsHeld(directory)) Console.WriteLine($"Given back {chosen.Length}: they are stored when TraceStore is started.");
        else return await WaitAsync(quarantine, chosen, timeout, cancellation).ConfigureAwait(false);
        return 0;
    }

    private static async Task<int> WaitAsync(Quarantine quarantine, string[] names, TimeSpan timeout, CancellationToken cancellation)
    {
        bool allStored = true;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        try
        {
            foreach (string name in names)
            {
                while (quarantine.IsGivenBack(name)) await Task.Delay(TimeSpan.FromMilliseconds(100), limit.Token).ConfigureAwait(false);
                QuarantineEntry? again = quarantine.Entries().FirstOrDefault(entry => entry.Name == name);
                Console.WriteLine(again is null ? $"{name}: stored." : $"{name}: refused again. {again.Reason}");
                allStored &= again is null;
            }
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Not all of them are stored yet. They stay given back, and are stored as soon as ClickHouse takes spans.");
            return 1;
        }

        return allStored ? 0 : 1;
    }

    private static bool IsLog(string directory)
    {
        if (Directory.Exists(directory)) return true;
        Console.Error.WriteLine($"There is no write-ahead log in {directory}. Say where the data is with --data, or where the log is with --wal.");
        return false;
    }
}

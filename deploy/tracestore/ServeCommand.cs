using System.CommandLine;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Configuration;
using TraceStore.Serving;
using TraceStore.Settings;
using TraceStore.Storage.ClickHouse;

namespace TraceStore;

/// <summary><c>tracestore serve</c>: everything in one process, until it is told to stop.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var command = new Command("serve", "Receive spans, store them and answer queries. This is the default.");
        Configure(command);
        return command;
    }

    /// <summary>Gives a command the options and the action of serving.</summary>
    public static void Configure(Command command) => Configure(command, ServeAsync);

    /// <summary>Gives a command the options of serving, and another action.</summary>
    public static void Configure(Command command, Func<IConfiguration, IReadOnlyList<string>, int> run) =>
        Configure(command, (configuration, problems) => Task.FromResult(run(configuration, problems)));

    /// <summary>The same, for an action that takes its time.</summary>
    public static void Configure(Command command, Func<IConfiguration, IReadOnlyList<string>, Task<int>> runAsync)
    {
        Func<ParseResult, (IConfiguration Configuration, IReadOnlyList<string> Problems)> read = AddOptions(command);
        command.SetAction((arguments, _) =>
        {
            (IConfiguration configuration, IReadOnlyList<string> problems) = read(arguments);
            return runAsync(configuration, problems);
        });
    }

    /// <summary>Gives a command the options of serving; returns what reads the settings from them.</summary>
    public static Func<ParseResult, (IConfiguration Configuration, IReadOnlyList<string> Problems)> AddOptions(Command command)
    {
        var options = SettingsCatalogue.All.Where(setting => setting.Option is not null).ToDictionary(
            setting => setting.Key,
            setting => new Option<string?>(setting.Option!)
            {
                HelpName = setting.Value,
                Description = $"{char.ToUpperInvariant(setting.Meaning[0])}{setting.Meaning[1..].Replace("`", "", StringComparison.Ordinal)}{(setting.Default.Length > 0 ? $" [default: {setting.Default}]" : "")}",
            });
        var file = new Option<string?>("--config") { HelpName = "FILE", Description = $"Settings in JSON [default: ./{TraceStoreSettings.FileName}, where there is one]" };
        var set = new Option<string[]>("--set")
        {
            HelpName = "NAME=VALUE",
            Description = $"Any other setting, such as Wal:MaxBytes=20GiB; as environment variable {TraceStoreSettings.EnvironmentPrefix}WAL__MAXBYTES. May be repeated. {ThisProgram.Name} settings lists them",
        };
        foreach (Option<string?> option in options.Values) command.Add(option);
        command.Add(file);
        command.Add(set);
        return arguments => ReadConfiguration(
            arguments.GetValue(file),
            options.ToDictionary(option => option.Key, option => arguments.GetValue(option.Value)),
            arguments.GetValue(set) ?? []);
    }

    /// <summary>Serves, until it is told to stop.</summary>
    public static async Task<int> ServeAsync(IConfiguration configuration, IReadOnlyList<string> unread)
    {
        (TraceStoreSettings? settings, IReadOnlyList<string> invalid) = TraceStoreSettings.Read(configuration);
        if (settings is null || unread.Count > 0) return Fail([.. unread, .. invalid]);

        FileModes.CreateForOwnerOnly();
        using var stop = new StopSignal();
        try
        {
            TraceStoreServer server = await TraceStoreServer.StartAsync(settings, configuration, stop.Token).ConfigureAwait(false);
            await using (server.ConfigureAwait(false))
            {
                Banner.Print(server, settings, await server.CanQueryAsync(stop.Token).ConfigureAwait(false));
                await stop.Received.ConfigureAwait(false);
                Console.WriteLine("Stopping: no more spans are accepted, and those that were are being stored.");
            }

            Console.WriteLine(server.Left.Segments == 0
                ? "Stopped."
                : $"Stopped. {server.Left.Segments} segments ({server.Left.Bytes >> 10} KiB) are not stored yet: the write-ahead log keeps them for the next start.");
            if (server.LeftToArchive.Segments > 0) Console.WriteLine($"{server.LeftToArchive.Segments} segments ({server.LeftToArchive.Bytes >> 10} KiB) are not archived yet, and lie in the write-ahead log alone: start TraceStore again before anything becomes of it.");
            return 0;
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or InvalidOperationException
            or ClickHouseRefusedException or TimeoutException)
        {
            return Fail([e.Message]);
        }
    }

    /// <summary>The settings file, then the environment, then the command line; later ones win.</summary>
    internal static (IConfiguration Configuration, IReadOnlyList<string> Problems) ReadConfiguration(
        string? file, Dictionary<string, string?> options, string[] assignments)
    {
        string[] malformed = [.. assignments.Where(assignment => assignment.IndexOf('=', StringComparison.Ordinal) <= 0)];
        List<string> problems = [.. malformed.Select(assignment => $"--set {assignment}: expected NAME=VALUE.")];
        if (file is not null && !File.Exists(file)) problems.Add($"--config {file}: there is no such file.");

        var values = options.Where(option => option.Value is not null).ToDictionary();
        foreach (string[] assignment in assignments.Except(malformed).Select(assignment => assignment.Split('=', 2))) values[assignment[0]] = assignment[1];
        IConfigurationBuilder others = new ConfigurationBuilder().AddEnvironmentVariables(TraceStoreSettings.EnvironmentPrefix).AddInMemoryCollection(values);
        try
        {
            IConfigurationBuilder all = new ConfigurationBuilder().AddJsonFile(Path.GetFullPath(file ?? TraceStoreSettings.FileName), optional: true);
            foreach (IConfigurationSource source in others.Sources) all.Add(source);
            return (all.Build(), problems);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            problems.Add($"{file ?? TraceStoreSettings.FileName} can't be read: {e.GetBaseException().Message}");
            return (others.Build(), problems);
        }
    }

    private static int Fail(IReadOnlyList<string> problems)
    {
        Console.Error.WriteLine("TraceStore can't start:");
        foreach (string problem in problems) Console.Error.WriteLine($"  {problem}");
        return 1;
    }

    /// <summary>Ctrl-C or SIGTERM asks for an orderly stop; asked a second time, the process ends at once (and loses nothing).</summary>
    private sealed class StopSignal : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly TaskCompletionSource _received = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly PosixSignalRegistration[] _signals;

        public StopSignal() => _signals =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Receive),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Receive),
        ];

        public CancellationToken Token => _stop.Token;

        public Task Received => _received.Task;

        public void Dispose()
        {
            foreach (PosixSignalRegistration signal in _signals) signal.Dispose();
            _stop.Dispose();
        }

        private void Receive(PosixSignalContext signal)
        {
            if (!_received.TrySetResult()) return;
            signal.Cancel = true;
            _stop.Cancel();
        }
    }
}

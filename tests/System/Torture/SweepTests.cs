using System.Globalization;
using TraceStore.Tests.S3;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems.Torture;

/// <summary>
/// Every call to an archive's store goes wrong once, in each way: refused before it is carried out, or after; its answer lost; or the process
/// that called is killed, before or after. Then all goes on, and nothing is missing, doubled or damaged. Some calls by default;
/// tests/README.md has the command for all.
/// </summary>
public sealed class SweepTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int SpansAtOnce = 3, SomeCalls = 2, SnapshotsKept = 8, RestoresEvery = 10;

    /// <summary>"all", or a part of all such as "1/4".</summary>
    private static readonly string? s_sweep = Environment.GetEnvironmentVariable("SWEEP");
    private static readonly bool s_isWhole = s_sweep is not null;
    private static readonly int s_seed = int.TryParse(Environment.GetEnvironmentVariable("SWEEP_SEED"), CultureInfo.InvariantCulture, out int seed) ? seed : Environment.TickCount;

    private static readonly string[] s_quick = ["--set", "Archive:MaxDelay=100ms", "--set", "Archive:PointInTimeWindow=3s", "--set", "Archive:SnapshotEvery=0s", "--set", "Archive:Scrub=false", "--set", "Wal:MaxSegmentAge=50ms", "--set", "ClickHouse:MaxBlockAge=0s"];

    private readonly TemporaryDirectory _place = new();
    private readonly Random _random = new(s_seed);
    private readonly SortedDictionary<string, int> _struck = [];
    private S3Server _server = null!;
    private TraceStoreProcess? _caller;
    private HashSet<int> _acknowledged = [];
    private int _sent, _restores;
    private volatile bool _isStruck;

    /// <summary>What goes wrong, of a call.</summary>
    private IReadOnlyList<(string Name, Func<S3Fault> New)> Ways =>
    [
        ("refused before", () => new S3Fault.Refuse(403, "AccessDenied")),
        ("refused after", () => new S3Fault.RefuseAfter(403, "AccessDenied")),
        ("answer lost", () => new S3Fault.LoseAnswer()),
        ("killed before", () => new S3Fault.Die(KillCaller, IsDone: false)),
        ("killed after", () => new S3Fault.Die(KillCaller, IsDone: true)),
    ];

    private string Site => Path.Combine(_place.Path, "site");

    private string[] Archive => [.. _server.Arguments(_place), .. s_quick];

    [Fact]
    public async Task Any_call_of_lease_archive_snapshots_and_retention_may_go_wrong()
    {
        Say($"seed {s_seed}");
        await LiveAsync(true); // the archive begins
        int calls = await CallsOfAsync(() => LiveAsync(true));
        foreach ((int at, (string name, Func<S3Fault> fault)) in Plan(calls))
        {
            await StrikeAsync(at, name, fault, () => LiveAsync(true));
            await GoOnAsync($"call {at} of {calls}, {name}, seed {s_seed}");
        }

        await RestoreAsync("the end");
        Assert.True(calls > 20);
        if (s_sweep == "all") Assert.Contains(_struck.Keys, struck => struck.EndsWith("DeleteObject of log", StringComparison.Ordinal)); // retention trims
        Tell($"{calls} calls a life");
    }

    [Fact]
    public async Task Any_call_of_a_restore_may_go_wrong()
    {
        Say($"seed {s_seed}");
        for (int i = 0; i < 3; i++) await LiveAsync(true);
        await LiveAsync(false); // some of the log is behind the last snapshot
        int calls = await CallsOfAsync(() => RestoreOnceAsync("baseline"));
        foreach ((int at, (string name, Func<S3Fault> fault)) in Plan(calls))
        {
            string target = $"restored-{++_restores}";
            await StrikeAsync(at, name, fault, () => RestoreOnceAsync(target));
            await RestoreAsync($"call {at} of {calls}, {name}, seed {s_seed}", target);
        }

        Assert.True(calls > 5);
        Tell($"{calls} calls a restore");
    }

    public async ValueTask InitializeAsync() => _server = await S3Server.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _place.Dispose();
    }

    /// <summary>Which call goes wrong in which way: each in each, or some.</summary>
    private (int At, (string Name, Func<S3Fault> New) Way)[] Plan(int calls)
    {
        var all = from at in Enumerable.Range(1, calls) from way in Ways select (at, way);
        if (!s_isWhole) return [.. all.OrderBy(_ => _random.Next()).Take(SomeCalls)];
        int[] part = s_sweep == "all" ? [1, 1] : [.. s_sweep!.Split('/').Select(int.Parse)];
        return [.. all.Where((_, number) => number % part[1] == part[0] - 1)];
    }

    private async Task<int> CallsOfAsync(Func<Task> life)
    {
        int before = _server.Calls.Count;
        await life();
        return _server.Calls.Count - before;
    }

    private async Task StrikeAsync(int at, string name, Func<S3Fault> fault, Func<Task> life)
    {
        int before = _server.Calls.Count, struck = 0;
        _server.Faults = call =>
        {
            if (call.Number - before < at || Interlocked.Exchange(ref struck, 1) == 1) return null;
            _isStruck = true;
            string what = $"{name}: {call.Operation} of {(call.Key.Length == 0 ? "the bucket" : call.Key.Split('/')[1])}";
            lock (_struck) _struck[what] = _struck.GetValueOrDefault(what) + 1;
            return fault();
        };
        await life();
        (_server.Faults, _isStruck) = (_ => null, false);
    }

    /// <summary>A TraceStore's life: it starts, takes spans, takes a snapshot and lets an old one go, and stops. Whatever fails, what was acknowledged is counted.</summary>
    private async Task LiveAsync(bool isSnapshotTaken)
    {
        try
        {
            using TraceStoreProcess server = TraceStoreProcess.Start(Site, 0, Archive);
            _caller = server;
            await TraceStoreProcess.UntilReadyAsync(server);
            await ExportAsync(server);
            if (isSnapshotTaken)
            {
                await TraceStoreProcess.RunAsync(["snapshot", "create", "--data", Site, .. Archive]);
                await UntilQuietAsync();
                await LetGoOfOldestAsync();
                _caller = server;
            }

            await server.StopAsync();
        }
        catch (Exception e) when (_isStruck && (e is InvalidOperationException or Grpc.Core.RpcException))
        {
            // killed
        }
    }

    /// <summary>After what went wrong: it starts, has all that was acknowledged, and takes the next snapshot.</summary>
    private async Task GoOnAsync(string about)
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(Site, Archive);
        using var tempo = new HttpClient { BaseAddress = server.TempoUrl };
        await Eventually.BeTrueAsync($"{about}: the archive", async () => (await tempo.GetStringAsync("/readyz")).Contains("archiving: ok", StringComparison.Ordinal), seconds: 60);
        HashSet<int> stored = [];
        await Eventually.BeTrueAsync($"{about}: all spans", async () => _acknowledged.IsSubsetOf(stored = await StoredAsync(Site, about)), seconds: 60);
        Assert.True(stored.Count == 0 || stored.Max() <= _sent, $"{about}: spans that nobody sent");
        _acknowledged = stored; // one whose answer was lost may be there as well
        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync(["snapshot", "create", "--data", Site, .. Archive]);
        Assert.True(exitCode == 0, $"{about}: {errors}");
        Assert.Equal(0, await server.StopAsync());
        if (s_isWhole && _random.Next(RestoresEvery) == 0) await RestoreAsync(about);
    }

    private async Task RestoreOnceAsync(string target)
    {
        using TraceStoreProcess restore = TraceStoreProcess.Begin(["restore", "--into", Path.Combine(_place.Path, target), .. Archive]);
        _caller = restore;
        await restore.EndAsync();
    }

    private async Task RestoreAsync(string about, string? target = null)
    {
        string data = Path.Combine(_place.Path, target ?? $"restored-{++_restores}");
        if (Storage.Restore.RestoreJournal.IsIn(data) || !File.Exists(Path.Combine(data, "restored.json")))
        {
            (int exitCode, string said, string errors) = await TraceStoreProcess.RunAsync(["restore", "--into", data, .. Archive]);
            Assert.True(exitCode == 0, $"{about}: {errors}");
            Assert.True(said.Contains($"Restored {_acknowledged.Count} spans", StringComparison.Ordinal), $"{about}: {_acknowledged.Count} spans were there, and it says {said}");
        }

        using (TraceStoreProcess restored = await TraceStoreProcess.ServeAsync(data)) Assert.True(_acknowledged.SetEquals(await StoredAsync(data, about)), about);
        Directory.Delete(data, recursive: true);
    }

    private async Task ExportAsync(TraceStoreProcess server)
    {
        using var otlp = new OtlpClient(server.OtlpPort);
        for (int i = 0; i < SpansAtOnce; i++)
        {
            _sent++;
            await otlp.ExportAsync(Request(Resource("sweep", Span(_sent, _sent))));
            _acknowledged.Add(_sent);
        }
    }

    private async Task LetGoOfOldestAsync()
    {
        string[] manifests = [.. _server.Bucket.Keys.Where(key => key.EndsWith("/manifest.json", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        if (manifests.Length <= SnapshotsKept) return;
        using TraceStoreProcess delete = TraceStoreProcess.Begin(["snapshot", "delete", manifests[0].Split('/')[^2], "--data", Site, .. Archive]);
        _caller = delete;
        await delete.EndAsync();
    }

    /// <summary>Until nobody calls for a while: retention comes behind a snapshot.</summary>
    private async Task UntilQuietAsync()
    {
        for (int before = -1, i = 0; before != _server.Calls.Count && i < 20; i++)
        {
            before = _server.Calls.Count;
            await Task.Delay(150);
        }
    }

    /// <summary>The spans that are stored, by their numbers; each once.</summary>
    private static async Task<HashSet<int>> StoredAsync(string site, string about)
    {
        string[] numbers = (await EngineQuestion.AskAsync(site, "SELECT reinterpretAsUInt32(reverse(substring(span_id, 5, 4))) FROM tracestore.spans")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        HashSet<int> stored = [.. numbers.Select(int.Parse)];
        Assert.True(stored.Count == numbers.Length, $"{about}: {numbers.Length} spans, {stored.Count} different ones");
        return stored;
    }

    private void KillCaller() => _caller?.Kill();

    private void Tell(string what)
    {
        Assert.NotEmpty(_struck);
        Say($"{what}; {_struck.Values.Sum()} went wrong, and all went on, with {_acknowledged.Count} spans:");
        foreach ((string struck, int times) in _struck) Say($"  {times,4} × {struck}");
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        if (s_isWhole) Console.WriteLine(line);
    }
}

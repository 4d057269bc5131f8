using System.Runtime.InteropServices;

namespace TraceStore.Tests.Systems.Torture;

/// <summary>The victim: a TraceStore process that can be killed and started again, with its engine inside or behind a wire.</summary>
internal sealed partial class TortureSite : IAsyncDisposable
{
    // Timeouts are short, so that a request whose answer doesn't come is in doubt soon; and no reserve keeps the disk from being full.
    private static readonly string[] s_settings =
    [
        "--set", "ClickHouse:InsertTimeout=1s", "--set", "ClickHouse:QueryTimeout=5s", "--set", "Wal:MaxSegmentAge=100ms", "--set", "ClickHouse:MaxBlockAge=1s", "--set", "Wal:MinFreeBytes=0", "--set", "ClickHouse:MinFreeBytes=0", "--set", "Archive:SnapshotEvery=1s",
    ];

    private readonly TemporaryDirectory _data;
    private readonly TemporaryDirectory _elsewhere;
    private readonly ExternalClickHouse? _external;
    private TraceStoreProcess? _process;

    private TortureSite(TemporaryDirectory data, TemporaryDirectory elsewhere, ExternalClickHouse? external)
    {
        (_data, _elsewhere, _external) = (data, elsewhere, external);
        if (external is not null) Wire = new FaultyWire(external.Port);
    }

    public int OtlpPort { get; } = ExternalClickHouse.FreePort();

    /// <summary>Where the site's archive is, which no fault reaches.</summary>
    private string Archive => Path.Combine(_elsewhere.Path, "archive");

    /// <summary>The wire to an external ClickHouse.</summary>
    public FaultyWire? Wire { get; }

    public TraceStoreProcess Process => _process ?? throw new InvalidOperationException("It isn't running.");

    /// <summary>What the process that runs, or ran last, has said.</summary>
    public string Output => _process is null ? "It isn't running." : $"{_process.Output}\n{_process.Errors}";

    /// <summary>The disk of its own that the data is on, where it has one.</summary>
    public SmallDisk? Disk => _data as SmallDisk;

    /// <param name="data">The data directory.</param>
    /// <param name="elsewhere">Where its archive is; a data directory's next site needs the same.</param>
    /// <param name="isExternal">Whether ClickHouse is elsewhere.</param>
    public static async Task<TortureSite> StartAsync(TemporaryDirectory data, TemporaryDirectory elsewhere, bool isExternal)
    {
        var external = isExternal ? new ExternalClickHouse() : null;
        if (external is not null) await external.StartAsync();
        var site = new TortureSite(data, elsewhere, external);
        await site.StartProcessAsync();
        return site;
    }

    public async Task StartProcessAsync()
    {
        string[] external = Wire is null ? [] : ["--clickhouse", Wire.Url.ToString()];
        _process = await TraceStoreProcess.ServeAsync(_data.Path, OtlpPort, [.. s_settings, .. external, "--archive", Archive]);
    }

    /// <summary>kill -9 of TraceStore itself.</summary>
    public void KillProcess()
    {
        Process.Kill();
        Process.Dispose();
        _process = null;
    }

    /// <summary>Starts TraceStore and kills it before it is ready.</summary>
    public async Task KillWhileStartingAsync(TimeSpan after)
    {
        using var starting = TraceStoreProcess.Start(_data.Path, OtlpPort, [.. s_settings, "--archive", Archive]);
        await Task.Delay(after);
        starting.Kill();
    }

    public async Task StopProcessAsync()
    {
        Assert.Equal(0, await Process.StopAsync());
        Process.Dispose();
        _process = null;
    }

    /// <summary>The site is lost: another one is restored from its archive, and held against the ledger.</summary>
    public async Task<IReadOnlyDictionary<string, Difference>> CompareRestoredAsync(Ledger ledger)
    {
        string restored = Path.Combine(_elsewhere.Path, "restored");
        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync("restore", "--from", Archive, "--data", restored);
        Assert.True(exitCode == 0, errors);
        Assert.Equal(_external is null, output.Contains("\nSnapshot  ", StringComparison.Ordinal)); // one was taken, and what came behind it was replayed
        using TraceStoreProcess process = await TraceStoreProcess.ServeAsync(restored);
        return await ledger.CompareAsync(sql => EngineQuestion.AskAsync(restored, sql));
    }

    /// <summary>kill -9 of the engine; TraceStore starts the embedded one again, the test the external one.</summary>
    public async Task KillEngineAsync()
    {
        if (_external is null)
        {
            SignalEngine(Signal.Kill);
            return;
        }

        _external.Kill();
        await _external.StartAsync();
    }

    public void SignalProcess(Signal signal) => Send(Process.Id, signal);

    public void SignalEngine(Signal signal)
    {
        foreach (int engine in EngineProcesses()) Send(engine, signal);
    }

    public static void Send(int process, Signal signal) => _ = Kill(process, (int)signal);

    /// <summary>The engine's processes now: none for a moment when one has just died.</summary>
    public IReadOnlyList<int> EngineProcesses() => _external is null ? Process.Children() : [_external.ProcessId];

    public Task<string> AskAsync(string sql) => _external is null ? EngineQuestion.AskAsync(_data.Path, sql) : EngineQuestion.AskAsync(_external.Url, sql);

    /// <summary>Waits until everything is stored; from when on it is found, it is found by whoever asks, wherever it is on its way.</summary>
    public async Task WaitUntilStoredAsync(Ledger ledger)
    {
        using var tempo = new HttpClient { BaseAddress = Process.TempoUrl, Timeout = TimeSpan.FromSeconds(10) };
        await Eventually.BeTrueAsync("readiness", () => tempo.IsUpAsync("/readyz"), seconds: 60);
        IReadOnlyList<int> traces = ledger.Latest(requests: 5);
        await Eventually.BeTrueAsync("what was acknowledged last", async () => await WhatIsMissingAsync(tempo, traces) == "");
        Task stored = tempo.WaitForEmptyLogAsync();
        do Assert.Equal("", await WhatIsMissingAsync(tempo, traces) ?? "");
        while (!stored.IsCompleted);
        await stored;
    }

    /// <summary>What isn't found, by ID or by a search; null where the question wasn't answered.</summary>
    private static async Task<string?> WhatIsMissingAsync(HttpClient tempo, IReadOnlyList<int> traces)
    {
        List<string> missing = [];
        try
        {
            foreach (int trace in traces)
            {
                string id = OtlpSamples.Hex(OtlpSamples.TraceId(trace));
                int spans = (await tempo.ReadTraceAsync(id)).Sum(resource => resource.ScopeSpans.Sum(scope => scope.Spans.Count));
                if (spans != Ledger.SpansPerRequest) missing.Add($"{id} has {spans} spans");
                string found = await tempo.GetStringAsync($"/api/search?q={Uri.EscapeDataString($"{{span.number = {trace}}}")}");
                if (!found.Contains(id.TrimStart('0'), StringComparison.Ordinal)) missing.Add($"{id} isn't found by its number");
            }
        }
        catch (HttpRequestException)
        {
            return null; // ClickHouse is being started again
        }

        return string.Join(", ", missing);
    }

    public async ValueTask DisposeAsync()
    {
        _process?.Dispose();
        if (Wire is not null) await Wire.DisposeAsync();
        _external?.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}

/// <summary>Signals by their numbers on Linux.</summary>
internal enum Signal
{
    Kill = 9,
    Continue = 18,
    Stop = 19,
}

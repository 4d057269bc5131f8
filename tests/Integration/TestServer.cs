using Microsoft.Extensions.Configuration;
using TraceStore.Serving;
using TraceStore.Settings;

namespace TraceStore.Tests.Integration;

/// <summary>A TraceStore of a test's own, and clients for its doors.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory;
    private readonly TraceStoreServer _server;

    private TestServer(TemporaryDirectory directory, TraceStoreServer server)
    {
        (_directory, _server) = (directory, server);
        Otlp = new OtlpClient(server.OtlpGrpcPort);
        OtlpUrl = new Uri($"http://127.0.0.1:{server.OtlpGrpcPort}");
        OtlpHttp = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{server.OtlpHttpPort}") };
        Tempo = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{server.TempoPort}") };
        Jaeger = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{server.JaegerPort}") };
    }

    public OtlpClient Otlp { get; }

    public Uri OtlpUrl { get; }

    public HttpClient OtlpHttp { get; }

    public HttpClient Tempo { get; }

    public HttpClient Jaeger { get; }

    public Task<string> AskEngineAsync(string sql) => EngineQuestion.AskAsync(_directory.Path, sql);

    public string DataDirectory => _directory.Path;

    public string WalDirectory => Path.Combine(_directory.Path, "wal");

    public int EngineProcessId => _server.EngineProcessId!.Value;

    public static TraceStoreSettings Settings(string directory, params (string Key, string Value)[] more)
    {
        (TraceStoreSettings? settings, IReadOnlyList<string> problems) = TraceStoreSettings.Read(Configuration(directory, more));
        return settings ?? throw new InvalidOperationException(string.Join("\n", problems));
    }

    private static IConfiguration Configuration(string directory, (string Key, string Value)[] more) => new ConfigurationBuilder()
        .AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["DataDirectory"] = directory,
            ["Otlp:GrpcPort"] = "0",
            ["Otlp:HttpPort"] = "0",
            ["Tempo:Port"] = "0",
            ["Jaeger:Port"] = "0",
            ["Wal:MaxSegmentAge"] = "50ms",
            ["ClickHouse:MaxBlockAge"] = "100ms",
        })
        .AddInMemoryCollection(more.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value)))
        .Build();

    public static async Task<TestServer> StartAsync(Func<TraceStoreSettings, TraceStoreSettings>? change = null, params (string Key, string Value)[] settings)
    {
        return await StartAsync(new TemporaryDirectory(), change, settings);
    }

    /// <summary>Starts on what an earlier server left in a directory; the directory goes when this server goes.</summary>
    public static async Task<TestServer> StartAsync(
        TemporaryDirectory directory, Func<TraceStoreSettings, TraceStoreSettings>? change = null, params (string Key, string Value)[] settings)
    {
        TraceStoreSettings read = Settings(directory.Path, settings);
        return new TestServer(directory, await TraceStoreServer.StartAsync(change?.Invoke(read) ?? read, Configuration(directory.Path, settings), CancellationToken.None));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _directory.Dispose();
    }

    /// <summary>Stops the server and leaves its directory.</summary>
    public async Task<TemporaryDirectory> StopAsync()
    {
        Otlp.Dispose();
        OtlpHttp.Dispose();
        Tempo.Dispose();
        Jaeger.Dispose();
        await _server.DisposeAsync();
        return _directory;
    }
}

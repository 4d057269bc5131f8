using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Engine;

[assembly: AssemblyFixture(typeof(TraceStore.Tests.Integration.ServerFixture))]
[assembly: AssemblyFixture(typeof(TraceStore.Tests.Integration.RecentServerFixture))]
[assembly: AssemblyFixture(typeof(TraceStore.Tests.Integration.EngineFixture))]

namespace TraceStore.Tests.Integration;

/// <summary>A whole TraceStore in this process, with the real engine, on free ports. Shared: tests use trace IDs of their own.</summary>
public class ServerFixture : IAsyncLifetime
{
    private TestServer? _server;

    internal TestServer Server => _server!;

    /// <summary>Spans are stored at once.</summary>
    protected virtual string MaxBlockAge => "0s";

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(null, ("ClickHouse:MaxBlockAge", MaxBlockAge));

    public async ValueTask DisposeAsync()
    {
        await _server!.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>As the other, but spans stay in memory for as long as tests take: classes that derive from others' run their tests so.</summary>
public sealed class RecentServerFixture : ServerFixture
{
    protected override string MaxBlockAge => "10m";
}

/// <summary>The engine alone, with the schema in place.</summary>
public sealed class EngineFixture : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private EngineSupervisor? _engine;
    private ClickHouseDatabase? _database;

    internal EngineSupervisor Engine => _engine!;

    internal ClickHouseDatabase Database => _database!;

    internal string Directory => _directory.Path;

    public async ValueTask InitializeAsync()
    {
        _engine = await EngineSupervisor.StartAsync(TestServer.Settings(_directory.Path).Engine!, NullLogger.Instance, CancellationToken.None);
        _database = new ClickHouseDatabase(new ClickHouseOptions(), _engine.Handler);
        await new SchemaMigrator(_database, NullLogger.Instance).MigrateAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        _database!.Dispose();
        await _engine!.DisposeAsync();
        _directory.Dispose();
    }
}

using System.Net;
using Microsoft.Extensions.Configuration;
using TraceStore.Collector.Pipeline;
using TraceStore.Collector.Receivers;
using TraceStore.Query.Execution;
using TraceStore.Serving;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Engine;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Wal;

namespace TraceStore.Settings;

/// <summary>
/// Everything that can be set, checked. Settings come from tracestore.json, then environment variables (TRACESTORE_ in
/// front, __ for each colon), then the command line; later ones win, and all of them over the profile.
/// </summary>
/// <param name="Archive">Null when nothing is archived.</param>
/// <param name="Engine">Null when an external ClickHouse is used.</param>
internal sealed record TraceStoreSettings(
    string DataDirectory,
    IPAddress ListenAddress,
    IReadOnlyList<string> AllowedHosts,
    int MaxConnections,
    int OtlpGrpcPort,
    int OtlpHttpPort,
    OtlpOptions Otlp,
    IngestOptions Ingest,
    int TempoPort,
    int JaegerPort,
    QueryServiceOptions Query,
    IReadOnlyList<string> QueryOrigins,
    TimeSpan ShutdownTimeout,
    WalOptions Wal,
    ClickHouseOptions ClickHouse,
    RetentionOptions Retention,
    ArchiveSettings? Archive,
    EngineOptions? Engine)
{
    /// <summary>Where the settings come from besides the command line.</summary>
    public const string FileName = "tracestore.json";
    public const string EnvironmentPrefix = "TRACESTORE_";

    /// <summary>One query has so much of the embedded engine's memory.</summary>
    private const int QueryShare = 4;

    /// <summary>The external ClickHouse and its database; null for the embedded engine.</summary>
    public string? ExternalClickHouse => Engine is null ? $"{ClickHouse.Url} {ClickHouse.Database}" : null;

    /// <summary>The same for another data directory, wherever this one's log and engine are.</summary>
    public TraceStoreSettings In(string directory) => this with
    {
        DataDirectory = directory,
        Wal = Wal with { Directory = Path.Combine(directory, "wal") },
        Engine = Engine is null ? null : Engine with { Directory = Path.Combine(directory, "engine") },
    };

    /// <summary>Reads the settings; on problems returns none, and all the problems.</summary>
    public static (TraceStoreSettings? Settings, IReadOnlyList<string> Problems) Read(IConfiguration configuration) => Read(configuration, new SettingsReader(configuration));

    internal static (TraceStoreSettings? Settings, IReadOnlyList<string> Problems) Read(IConfiguration configuration, SettingsReader reader)
    {
        reader.Choice(SettingsProfile.Key, SettingsProfile.All);
        string data = Path.GetFullPath(reader.Text("DataDirectory", "data"));
        Uri? url = reader.HttpUrl("ClickHouse:Url");
        TimeSpan shutdown = reader.Duration("ShutdownTimeout", TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        long maxMemory = reader.Bytes("Engine:MaxMemory", 1L << 30, min: 256L << 20);
        var settings = new TraceStoreSettings(
            DataDirectory: data,
            ListenAddress: reader.Address("ListenAddress", IPAddress.Loopback),
            AllowedHosts: reader.Names("AllowedHosts"),
            MaxConnections: ReadConnections(reader, out string? tooFewFiles),
            OtlpGrpcPort: reader.Port("Otlp:GrpcPort", 4317),
            OtlpHttpPort: reader.Port("Otlp:HttpPort", 4318),
            Otlp: ReadOtlp(reader),
            Ingest: ReadIngest(reader),
            TempoPort: reader.Port("Tempo:Port", 3200),
            JaegerPort: reader.Port("Jaeger:Port", 16686),
            Query: ReadQuery(reader),
            QueryOrigins: reader.Origins("Query:AllowedOrigins"),
            ShutdownTimeout: shutdown,
            Wal: ReadWal(reader, data),
            ClickHouse: ReadClickHouse(reader, url, maxMemory),
            Retention: ReadRetention(reader),
            Archive: ArchiveSettings.Read(reader),
            Engine: ReadEngine(reader, data, shutdown, maxMemory, isNeeded: url is null, out string? missingEngine));
        reader.NoteUnknown("Logging");
        List<string> problems = [.. reader.Problems, .. SharedPorts(settings)];
        if (missingEngine is not null) problems.Add(missingEngine);
        if (tooFewFiles is not null) problems.Add(tooFewFiles);
        return problems.Count == 0 ? (settings, problems) : (null, problems);
    }

    private static IEnumerable<string> SharedPorts(TraceStoreSettings settings) =>
        from port in new[] { ("Otlp:GrpcPort", settings.OtlpGrpcPort), ("Otlp:HttpPort", settings.OtlpHttpPort), ("Tempo:Port", settings.TempoPort), ("Jaeger:Port", settings.JaegerPort) }
        group port.Item1 by port.Item2 into names
        where names.Key != 0 && names.Count() > 1
        select $"{string.Join(" and ", names)} = '{names.Key}': each needs a port of its own.";

    private static int ReadConnections(SettingsReader reader, out string? tooFewFiles)
    {
        long? files = OpenFiles.Limit;
        tooFewFiles = files < OpenFiles.Least
            ? $"This process may have {files} files and connections open at once, which isn't enough: {OpenFiles.Least} is the least, 4096 and more let more clients in. Raise it: ulimit -n 65536, LimitNOFILE= in systemd, --ulimit nofile= in Docker."
            : null;
        int most = OpenFiles.ConnectionsWithin(files);
        return reader.Count("MaxConnections", most, min: Math.Min(most, 16), max: most);
    }

    private static QueryServiceOptions ReadQuery(SettingsReader reader)
    {
        var defaults = new QueryServiceOptions();
        return new QueryServiceOptions
        {
            MaxSearches = reader.Count("Query:MaxSearches", defaults.MaxSearches, min: 1, max: 1_000),
            MaxWait = reader.Duration("Query:MaxWait", defaults.MaxWait, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10)),
            MaxAnswerBytes = reader.Bytes("Query:MaxAnswerBytes", defaults.MaxAnswerBytes, min: 1L << 20, max: 1L << 30),
            Timeout = reader.Duration("ClickHouse:QueryTimeout", defaults.Timeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
        };
    }

    private static OtlpOptions ReadOtlp(SettingsReader reader)
    {
        var defaults = new OtlpOptions();
        return new OtlpOptions
        {
            MaxRequestBytes = (int)reader.Bytes("Otlp:MaxRequestBytes", defaults.MaxRequestBytes, min: 64L << 10, max: defaults.MaxRequestBytes),
            MaxBytesInFlight = reader.Bytes("Otlp:MaxBytesInFlight", defaults.MaxBytesInFlight, min: 1L << 20, max: 1L << 40),
            ReceiveTimeout = reader.Duration("Otlp:ReceiveTimeout", defaults.ReceiveTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
            CorsOrigins = reader.Origins("Otlp:CorsOrigins"),
        };
    }

    private static IngestOptions ReadIngest(SettingsReader reader)
    {
        var defaults = new OtlpLimits();
        return new IngestOptions
        {
            MaxClientBytesPerSecond = reader.Bytes("Otlp:MaxClientBytesPerSecond", 0, min: 0, max: 1L << 40),
            Limits = new OtlpLimits
            {
                MaxSpans = reader.Count("Otlp:MaxSpans", defaults.MaxSpans, min: 1, max: OtlpLimits.MostSpans),
                MaxAttributes = reader.Count("Otlp:MaxAttributes", defaults.MaxAttributes, min: 1, max: 1_000_000),
                MaxNestingDepth = reader.Count("Otlp:MaxNestingDepth", defaults.MaxNestingDepth, min: 4, max: OtlpLimits.DeepestNesting),
                MaxValueBytes = (int)reader.Bytes("Otlp:MaxValueBytes", defaults.MaxValueBytes, min: 1L << 10, max: 64L << 20),
            },
        };
    }

    private static WalOptions ReadWal(SettingsReader reader, string data)
    {
        var defaults = new WalOptions { Directory = Path.Combine(data, "wal") };
        long maxBytes = reader.Bytes("Wal:MaxBytes", defaults.MaxBytes, min: 64L << 20);
        return new WalOptions
        {
            Directory = Path.GetFullPath(reader.Text("Wal:Directory", defaults.Directory)),
            MaxBytes = maxBytes,
            MaxOptionalBytes = maxBytes / 2,
            MinFreeBytes = reader.Bytes("Wal:MinFreeBytes", defaults.MinFreeBytes, min: 0),
            MaxSegmentAge = reader.Duration("Wal:MaxSegmentAge", defaults.MaxSegmentAge, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1)),
            MaxSegmentBytes = reader.Bytes("Wal:MaxSegmentBytes", defaults.MaxSegmentBytes, min: 1L << 20, max: 256L << 20),
            MaxSegmentSpans = reader.Count("Wal:MaxSegmentSpans", defaults.MaxSegmentSpans, min: 1_000, max: 500_000),
            MaxPendingBytes = reader.Bytes("Wal:MaxPendingBytes", defaults.MaxPendingBytes, min: 64L << 20),
        };
    }

    private static ClickHouseOptions ReadClickHouse(SettingsReader reader, Uri? url, long maxEngineMemory)
    {
        var defaults = new ClickHouseOptions();
        return new ClickHouseOptions
        {
            Url = url,
            User = reader.Text("ClickHouse:User", defaults.User),
            Password = reader.AnyText("ClickHouse:Password", defaults.Password),
            Database = reader.Identifier("ClickHouse:Database", defaults.Database),
            QueryTimeout = reader.Duration("ClickHouse:QueryTimeout", defaults.QueryTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            MinFreeBytes = reader.Bytes("ClickHouse:MinFreeBytes", defaults.MinFreeBytes, min: 0),
            MaxQueryMemoryBytes = url is null ? maxEngineMemory / QueryShare : 0,
            MaxBlockAge = reader.Duration("ClickHouse:MaxBlockAge", defaults.MaxBlockAge, TimeSpan.Zero, TimeSpan.FromMinutes(10)),
            InsertTimeout = reader.Duration("ClickHouse:InsertTimeout", defaults.InsertTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
        };
    }

    private static RetentionOptions ReadRetention(SettingsReader reader)
    {
        var defaults = new RetentionOptions();
        return new RetentionOptions
        {
            MaxAge = reader.Duration("Retention:MaxAge", defaults.MaxAge, TimeSpan.FromDays(1), TimeSpan.FromDays(3_650)),
            MaxBytes = reader.Bytes("Retention:MaxBytes", defaults.MaxBytes, min: 0),
        };
    }

    private static EngineOptions? ReadEngine(SettingsReader reader, string data, TimeSpan shutdown, long maxMemory, bool isNeeded, out string? missing)
    {
        missing = null;
        string? library = reader.OptionalText("Engine:LibraryPath");
        if (!isNeeded) return null;
        try
        {
            library ??= EngineLibrary.Find();
            if (!File.Exists(library)) missing = $"Engine:LibraryPath = '{library}': there is no such file.";
        }
        catch (FileNotFoundException e)
        {
            missing = e.Message;
        }

        return new EngineOptions
        {
            Directory = Path.Combine(data, "engine"),
            LibraryPath = library ?? "",
            HostCommand = ThisProgram.Command,
            MaxMemoryBytes = maxMemory,
            StopTimeout = shutdown / 3,
        };
    }
}

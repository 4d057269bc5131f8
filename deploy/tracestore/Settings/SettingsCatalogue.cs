using Microsoft.Extensions.Configuration;

namespace TraceStore.Settings;

/// <summary>A setting, as people are told about it.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Default">What holds without it; empty for nothing.</param>
/// <param name="Meaning">What it does.</param>
/// <param name="Option">The option of the command line that is the same; null for none.</param>
/// <param name="Value">What its value is, for help.</param>
internal sealed record SettingDescription(string Key, string Default, string Meaning, string? Option = null, string Value = "VALUE")
{
    /// <summary>The environment variable that is the same.</summary>
    public string Variable => TraceStoreSettings.EnvironmentPrefix + Key.Replace(":", "__", StringComparison.Ordinal).ToUpperInvariant();
}

/// <summary>
/// Every setting, once: the options of the command line, <c>tracestore settings</c> and the README's table all come from here, and
/// tests hold it against what is read and against what holds without it.
/// </summary>
internal static class SettingsCatalogue
{
    public static IReadOnlyList<SettingDescription> All { get; } =
    [
        new("DataDirectory", "data", "where everything is kept", "--data", "DIR"),
        new("Profile", "default", "`small` for machines of a gigabyte, with lower bounds of memory: more of a burst is told to come again; requests over 8 MiB and answers over 64 MiB are refused"),
        new("ListenAddress", "127.0.0.1", "the address to listen on; 0.0.0.0 for every network", "--listen", "IP"),
        new("AllowedHosts", "", "names, with commas between them, that requests may call this server by besides this machine's own; `*` for any. Without them, any name will do on an address that isn't this machine's alone"),
        new("MaxConnections", "", "connections at all ports together; by default as many as the limit of open files allows"),
        new("Otlp:GrpcPort", "4317", "OTLP; over gRPC and HTTP, as at the other port", "--otlp-grpc-port", "PORT"),
        new("Otlp:HttpPort", "4318", "OTLP; over HTTP and gRPC, as at the other port", "--otlp-http-port", "PORT"),
        new("Otlp:CorsOrigins", "", "web pages' origins from which browsers may send, with commas between them; `*` for all. Pages of this machine always may"),
        new("Otlp:MaxRequestBytes", "64MiB", "the largest request, before and after decompression"),
        new("Otlp:MaxSpans", "500000", "spans in a request"),
        new("Otlp:MaxAttributes", "1024", "attributes of a span, resource, scope, event or link; spans over it are rejected alone, with the reason"),
        new("Otlp:MaxNestingDepth", "64", "how deep attributes nest; spans over it are rejected alone, with the reason"),
        new("Otlp:MaxValueBytes", "4MiB", "one name or value; spans over it are rejected alone, with the reason"),
        new("Otlp:MaxBytesInFlight", "256MiB", "requests in memory at once, of one client half of it; more are told to come again"),
        new("Otlp:ReceiveTimeout", "30s", "how long a request's bytes may take to come"),
        new("Otlp:MaxClientBytesPerSecond", "", "what one client, by address, may send, good or not; more is told to come again"),
        new("Tempo:Port", "3200", "Tempo's API, `/healthz`, `/readyz`, `/metrics`", "--tempo-port", "PORT"),
        new("Jaeger:Port", "16686", "Jaeger's API, and the same three", "--jaeger-port", "PORT"),
        new("Query:MaxSearches", "", "searches at once; by default two for each processor. More wait"),
        new("Query:MaxWait", "5s", "how long a query waits for its turn; then its client is told to come again"),
        new("Query:MaxAnswerBytes", "256MiB", "what one answer may read; more is refused"),
        new("Query:AllowedOrigins", "", "web pages' origins of other sites from which browsers may ask, with commas between them; `*` for all"),
        new("ShutdownTimeout", "30s", "how long a stop may take; what isn't stored by then is stored at the next start"),
        new("Retention:MaxAge", "14d", "days of spans go, whole, when they are older (a day by day, counted from the newest that has spans)"),
        new("Retention:MaxBytes", "", "what the tables may take on disk; the oldest days go first, never the newest"),
        new("Archive:Url", "", "where everything is archived as it comes, to be restored from: a directory (on another disk, better another machine's), or s3://bucket/prefix. Without it, nothing is", "--archive", "URL"),
        new("Archive:KeyFile", "", "encrypts the archive: a file of keys, the first of which is used for what is written (`tracestore archive key` makes one). Keep a copy where the archive isn't: without it nobody can read it"),
        new("Archive:MaxDelay", "1s", "how long a sealed segment waits for others, to go with them as one object; 8 MiB wait no longer"),
        new("Archive:SnapshotEvery", "1h", "how often a snapshot of all that is stored is put there, of which the store is given what it hasn't got: a restore brings the newest and replays what came behind it. `0s`: only when asked (`tracestore snapshot create`)"),
        new("Archive:PointInTimeWindow", "7d", "any instant of so much time can be restored: the log of it is kept, and the snapshot that it begins with"),
        new("Archive:DailySnapshots", "14", "of so many days, the newest that have one, the last snapshot is kept, besides all of the last day, those that are pinned and those that the window needs"),
        new("Archive:Scrub", "true", "whether the newest snapshot and a thirtieth of the rest of the archive are read each day, to find damage before a disaster does"),
        new("Archive:DrillEvery", "0s", "how often the recovery is rehearsed by itself, in `drill` in the data directory: it takes as much disk again, and an engine's memory. `0s`: only by `tracestore drill`"),
        new("Archive:ClickHouseBackup", "", "with an external ClickHouse: where it backs itself up to, as its BACKUP says it: `Disk('backups')`, `File('/backups')` or `S3('https://…/folder', 'KEY', 'SECRET')`. Then snapshots are taken of it as well, each a backup of what is new. Without it, nothing of the archived log is ever deleted"),
        new("Archive:WhenAway", "keep", "what happens while the archive's store can't be reached: `keep` everything in the log, which refuses spans when it is full; `skip` what is more than half of `Wal:MaxBytes`, which then can't be restored"),
        new("Archive:SingleWriter", "false", "`true` for a store without conditional writes: you see to it that no two TraceStores archive to the same place"),
        new("Archive:S3:Endpoint", "", "a store other than Amazon's, such as https://minio:9000"),
        new("Archive:S3:Region", "", "its region; by default what the environment or profile says, for other stores than Amazon's us-east-1"),
        new("Archive:S3:PathStyle", "auto", "whether the bucket stands in the path instead of the host's name; auto: with an endpoint"),
        new("Archive:S3:AccessKeyFile", "", "a file of two lines, the access key's id and its secret; by default what the environment, a profile or the machine's role says"),
        new("Wal:Directory", "", "the write-ahead log; by default `wal` in the data directory"),
        new("Wal:MaxBytes", "10GiB", "a log this large refuses spans (clients retry) until ClickHouse has caught up"),
        new("Wal:MinFreeBytes", "256MiB", "below so much free space on its disk the log refuses spans, before anything fails"),
        new("Wal:MaxSegmentAge", "400ms", "when a piece of the log is sealed: then its spans are found"),
        new("Wal:MaxSegmentBytes", "64MiB", "the same, by size"),
        new("Wal:MaxSegmentSpans", "250000", "the same, by spans"),
        new("Wal:MaxPendingBytes", "256MiB", "how much may wait for the disk"),
        new("ClickHouse:Url", "", "an external ClickHouse, such as http://clickhouse:8123; without it the embedded engine is started", "--clickhouse", "URL"),
        new("ClickHouse:User", "default", "who logs in there"),
        new("ClickHouse:Password", "", "with which password"),
        new("ClickHouse:Database", "tracestore", "the database there, created if need be"),
        new("ClickHouse:MinFreeBytes", "1GiB", "below so much free space on its disk ClickHouse is given no more spans; they wait in the log"),
        new("ClickHouse:MaxBlockAge", "20s", "how long the newest spans wait in memory, where queries find them, until they are stored as one block; 100,000 wait no longer"),
        new("ClickHouse:QueryTimeout", "30s", "how long a query may take, all in all"),
        new("ClickHouse:InsertTimeout", "60s", "when to give up an insert, and try it again"),
        new("Engine:MaxMemory", "1GiB", "bounds the embedded engine's memory; one query has a quarter of it"),
        new("Engine:LibraryPath", "", "the engine's library; by default beside the binary, or where the build put it"),
    ];

    /// <summary>Whether a setting's value is told to nobody.</summary>
    public static bool IsSecret(string key) => key.EndsWith("Password", StringComparison.Ordinal) || key == "Archive:ClickHouseBackup";

    /// <summary>What is set otherwise than by default, to be kept where the data is; secrets are only named.</summary>
    public static (IReadOnlyDictionary<string, string> Settings, IReadOnlyList<string> Secrets) Tell(IConfiguration configuration)
    {
        (string Key, string Value)[] set = [.. from setting in All let value = configuration[setting.Key] where value is not null select (setting.Key, value)];
        bool HoldsSecret((string Key, string Value) setting) => IsSecret(setting.Key) || (Uri.TryCreate(setting.Value, UriKind.Absolute, out Uri? url) && url.UserInfo.Length > 0);
        return (set.Where(setting => !HoldsSecret(setting)).ToDictionary(setting => setting.Key, setting => setting.Value), [.. set.Where(HoldsSecret).Select(setting => setting.Key)]);
    }
}

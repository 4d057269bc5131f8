using System.Net;
using System.Security.Cryptography;
using System.Xml.Linq;

namespace TraceStore.Storage.Engine;

/// <summary>
/// The files that one start of the engine reads. The engine's HTTP interface asks nobody for a password, so it answers
/// only to requests that carry the start's key; to all others every path is unknown (404). And each of its answers carries a
/// proof, for whoever takes the port before the engine does could answer anything. Nothing else listens.
/// </summary>
internal sealed record EngineConfiguration(int Port, string Key, string Proof)
{
    /// <summary>The header that carries the key.</summary>
    public const string KeyHeader = "X-TraceStore-Key";

    /// <summary>The header of an answer that carries the proof.</summary>
    public const string ProofHeader = "X-TraceStore-Proof";

    /// <summary>Connections of anybody's on this machine; each has a thread.</summary>
    private const int MaxConnections = 512;

    /// <summary>How long a connection may say nothing before its first request, seconds.</summary>
    private const int ReceiveTimeoutSeconds = 10;

    /// <summary>How long one may say nothing between requests, seconds: ours are kept, so that a stranger's don't take their place.</summary>
    private const int KeepAliveSeconds = 3_600;

    private const int KeyBytes = 32;

    /// <summary>
    /// Starts the listener, then reads a pipe that never says anything: when TraceStore ends, however it ends, the pipe
    /// closes, the query is over and the engine shuts down cleanly.
    /// </summary>
    private const string Script =
        """
        SYSTEM START LISTEN HTTP;
        SELECT * FROM file('/dev/stdin', 'LineAsString') FORMAT Null;
        """;

    public static EngineConfiguration ForNewStart(int port) =>
        new(port, NewSecret(), NewSecret());

    /// <summary>Whether an answer comes from the engine that was started with this.</summary>
    public bool IsProven(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues(ProofHeader, out IEnumerable<string>? proofs)
        && CryptographicOperations.FixedTimeEquals(System.Text.Encoding.UTF8.GetBytes(string.Concat(proofs)), System.Text.Encoding.UTF8.GetBytes(Proof));

    private static string NewSecret() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(KeyBytes));

    /// <summary>Writes the files, for their owner only, and returns the engine's command line.</summary>
    public IReadOnlyList<string> Write(EngineOptions options)
    {
        string root = CreatePrivateDirectory(Path.GetFullPath(options.Directory));
        string folder = CreatePrivateDirectory(Path.Combine(root, "config"));
        string tables = CreatePrivateDirectory(options.TablesDirectory);
        string logs = CreatePrivateDirectory(Path.Combine(root, "logs"));
        string config = WritePrivateFile(Path.Combine(folder, "config.xml"), Config(options, folder, logs, tables));
        string script = WritePrivateFile(Path.Combine(folder, "start.sql"), Script);
        WritePrivateFile(Path.Combine(folder, "users.xml"), Users());
        return ["clickhouse-local", "--config-file", config, $"--path={tables}", "--queries-file", script, "--log-level=warning"];
    }

    private string Config(EngineOptions options, string folder, string logs, string tables)
    {
        const long smallCache = 64L << 20; // their defaults are 5 GB each
        return new XElement("clickhouse",
            new XElement("listen_host", IPAddress.Loopback),
            new XElement("http_port", Port),
            new XElement("max_connections", MaxConnections),
            new XElement("keep_alive_timeout", KeepAliveSeconds),
            new XElement("timezone", "UTC"),
            new XElement("users_config", Path.Combine(folder, "users.xml")),
            new XElement("logger",
                new XElement("log", Path.Combine(logs, "engine.log")),
                new XElement("errorlog", Path.Combine(logs, "engine.err.log")),
                new XElement("errorlog_level", "error"),
                new XElement("size", "20M"),
                new XElement("count", 3)),
            new XElement("max_server_memory_usage", options.MaxMemoryBytes),
            // No merge begins while others take so much: of spans that are megabytes each, one takes some hundred megabytes.
            new XElement("merges_mutations_memory_usage_soft_limit", options.MaxMemoryBytes / 8),
            new XElement("mark_cache_size", smallCache),
            new XElement("primary_index_cache_size", smallCache),
            // Statistics of columns would be made with each merge, and read with each look-up: a file of their own.
            new XElement("merge_tree",
                new XElement("auto_statistics_types", ""),
                options.IsMerging ? null : new XElement("max_bytes_to_merge_at_max_space_in_pool", 1)),
            new XElement("backups", new XElement("allowed_path", Path.Combine(tables, "backups"))),
            new XElement("http_handlers",
                new XElement("rule",
                    new XElement("headers", new XElement(KeyHeader, Key)),
                    new XElement("handler",
                        new XElement("type", "dynamic_query_handler"),
                        new XElement("query_param_name", "query"),
                        new XElement("http_response_headers", new XElement(ProofHeader, Proof))))))
            .ToString();
    }

    private static string Users() =>
        new XElement("clickhouse",
            new XElement("profiles", new XElement("default",
                // Skip indexes are read before the data, not with it: with many parts that halves a look-up (tests/Benchmarks/Schema).
                new XElement("use_skip_indexes_on_data_read", 0),
                new XElement("http_receive_timeout", ReceiveTimeoutSeconds),
                // A search takes another core for each so many bytes that are free; by default for each GiB, which is all there is.
                new XElement("max_threads_min_free_memory_per_thread", 128L << 20))),
            new XElement("quotas", new XElement("default")),
            new XElement("users",
                new XElement("default",
                    new XElement("password"),
                    new XElement("networks", new XElement("ip", IPAddress.Loopback)),
                    new XElement("profile", "default"),
                    new XElement("quota", "default"))))
            .ToString();

    private static string CreatePrivateDirectory(string path)
    {
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, owner);
        return path;
    }

    private static string WritePrivateFile(string path, string content)
    {
        File.Delete(path); // an old file would keep its mode
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(path, options);
        writer.Write(content);
        return path;
    }
}

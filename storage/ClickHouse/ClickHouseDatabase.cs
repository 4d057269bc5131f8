using ClickHouse.Driver;
using ClickHouse.Driver.ADO;
using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Storage.Spans;

namespace TraceStore.Storage.ClickHouse;

/// <summary>
/// One ClickHouse, embedded or external: statements, blocks in, blocks out. Every failure comes as a
/// <see cref="ClickHouseUnavailableException"/> or a <see cref="ClickHouseRefusedException"/>.
/// </summary>
public sealed class ClickHouseDatabase : IDisposable
{
    private const string MinFreeSetting = "min_free_disk_bytes_to_perform_insert";

    /// <summary>What a query of as many conditions as there may be comes to, and several times as much.</summary>
    private const int MaxStatementBytes = 4 << 20, MaxStatementElements = 1_000_000;

    private const int MaxChunkBytes = 1 << 20;

    /// <summary>What ClickHouse does by default, and a profile may say otherwise.</summary>
    private const string AsOnePart = "max_insert_threads = 1, min_insert_block_size_rows = 1048449, min_insert_block_size_bytes = 268402944";

    private readonly ClickHouseOptions _options;
    private readonly HttpClient _http;
    private readonly ClickHouseClient _client;

    /// <param name="options">Which ClickHouse.</param>
    /// <param name="handler">How to reach it, when <see cref="ClickHouseOptions.Url"/> doesn't say it.</param>
    public ClickHouseDatabase(ClickHouseOptions options, HttpMessageHandler? handler = null)
    {
        _options = options;
        _http = new HttpClient(handler ?? new SocketsHttpHandler(), disposeHandler: handler is null) { Timeout = Timeout.InfiniteTimeSpan };
        Uri url = options.HttpUrl;
        _client = new ClickHouseClient(new ClickHouseClientSettings
        {
            Protocol = url.Scheme,
            Host = url.Host,
            Port = (ushort)url.Port,
            Path = url.AbsolutePath.Trim('/'),
            Username = options.User,
            Password = options.Password,
            Database = options.Database,
            HttpClient = _http,
            UseSession = false,
            UseCompression = false,
            Timeout = options.InsertTimeout,
            LoggerFactory = NullLoggerFactory.Instance,
        });
    }

    public string Name => _options.Database;

    /// <summary>Runs a statement that gives nothing back.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="database">Where it runs when that isn't <see cref="Name"/>.</param>
    /// <param name="timeout">How long it may take when that isn't <see cref="ClickHouseOptions.QueryTimeout"/>.</param>
    /// <param name="keepsDiskFree">Whether it is refused when less than <see cref="ClickHouseOptions.MinFreeBytes"/> would be left.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task ExecuteAsync(string sql, string? database = null, TimeSpan? timeout = null, bool keepsDiskFree = false, CancellationToken cancellation = default)
    {
        Dictionary<string, object> settings = keepsDiskFree ? new() { [MinFreeSetting] = _options.MinFreeBytes } : [];
        var options = new QueryOptions { Database = database, CustomSettings = settings };
        return GuardAsync(timeout ?? _options.QueryTimeout, limited => _client.ExecuteNonQueryAsync(sql, null, options, limited), cancellation);
    }

    /// <summary>Inserts rows in Native format, which are one part per partition: all of them or nothing.</summary>
    /// <param name="table">The table's name.</param>
    /// <param name="rows">One block or several, of fewer rows and bytes in all than ClickHouse gathers for one part.</param>
    /// <param name="queryId">Names the attempt, so that it can be killed.</param>
    /// <param name="token">Of inserts with the same token the table takes one, where it remembers them; null for none.</param>
    /// <param name="cancellation">Gives up waiting; whether they are stored is then open.</param>
    public Task InsertAsync(string table, ReadOnlyMemory<byte> rows, string queryId, string? token, CancellationToken cancellation)
    {
        // Two defaults would betray the promise: async inserts answer before anything is stored, and a column that the
        // table doesn't have would be dropped with an OK.
        string deduplication = token is null ? "" : $", insert_deduplicate = 1, insert_deduplication_token = '{token}'";
        string sql = $"INSERT INTO {table} SETTINGS async_insert = 0, input_format_skip_unknown_fields = 0, {AsOnePart}, "
            + $"{MinFreeSetting} = {_options.MinFreeBytes}{deduplication} FORMAT Native";
        return GuardAsync(_options.InsertTimeout, SendAsync, cancellation);

        async Task<int> SendAsync(CancellationToken limited)
        {
            using HttpResponseMessage answer = await _client.PostStreamAsync(
                sql,
                (stream, token) => WriteInPiecesAsync(stream, rows, token),
                isCompressed: false,
                limited,
                new QueryOptions { QueryId = queryId }).ConfigureAwait(false);
            return 0;
        }
    }

    /// <summary>
    /// Runs a query and appends its rows to <paramref name="columns"/>, found by name, as they come. When it fails, they are
    /// cleared.
    /// </summary>
    /// <param name="query">The query.</param>
    /// <param name="columns">Where its columns go.</param>
    /// <param name="noteRead">Told how many bytes have come, each time some have; it may refuse more by throwing.</param>
    /// <param name="cancellation">Gives up, in ClickHouse too.</param>
    public async Task ReadAsync(
        SqlQuery query, IReadOnlyDictionary<string, (string Type, Column Column)> columns, Action<int>? noteRead, CancellationToken cancellation)
    {
        try
        {
            await GuardAsync(_options.QueryTimeout, ReadBlocksAsync, cancellation).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            foreach ((_, Column column) in columns.Values) column.Clear();
            if (e is InvalidDataException) throw new ClickHouseRefusedException($"ClickHouse's answer can't be read: {e.Message}", e);
            throw;
        }

        async Task<int> ReadBlocksAsync(CancellationToken limited)
        {
            using Answer answer = await AskAsync(query, "Native", _options.QueryTimeout, limited).ConfigureAwait(false);
            using var blocks = new NativeBlockStream(await answer.OpenAsync().ConfigureAwait(false), columns);
            while (await blocks.ReadAsync(limited).ConfigureAwait(false) is > 0 and int read) noteRead?.Invoke(read);
            return 0;
        }
    }

    /// <summary>ClickHouse's version.</summary>
    public async Task<string> ReadVersionAsync(CancellationToken cancellation) => (await ReadLinesAsync(new SqlQuery("SELECT version()"), cancellation).ConfigureAwait(false))[0];

    /// <summary>Runs a query and returns its rows as text, columns with tabs between.</summary>
    /// <param name="query">The query.</param>
    /// <param name="cancellation">Gives up, in ClickHouse too.</param>
    /// <param name="timeout">How long it may take when that isn't <see cref="ClickHouseOptions.QueryTimeout"/>.</param>
    public async Task<IReadOnlyList<string>> ReadLinesAsync(SqlQuery query, CancellationToken cancellation, TimeSpan? timeout = null)
    {
        TimeSpan most = timeout ?? _options.QueryTimeout;
        string text = await GuardAsync(most, ReadAsync, cancellation).ConfigureAwait(false);
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        async Task<string> ReadAsync(CancellationToken limited)
        {
            using Answer answer = await AskAsync(query, "TSVRaw", most, limited).ConfigureAwait(false);
            using var reader = new StreamReader(await answer.OpenAsync().ConfigureAwait(false));
            return await reader.ReadToEndAsync(limited).ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        _http.Dispose();
    }

    /// <summary>
    /// Sends a query. ClickHouse answers as it reads, from memory alone; what goes wrong on the way breaks the answer off, or
    /// stands behind it and is no block. When nobody waits for it any more, ClickHouse ends it.
    /// </summary>
    private async Task<Answer> AskAsync(SqlQuery query, string format, TimeSpan timeout, CancellationToken cancellation)
    {
        string statement = $"{query.Text} FORMAT {format}";
        var settings = new Dictionary<string, object>
        {
            ["readonly"] = 2, // a query: it changes nothing, but may have settings
            ["cancel_http_readonly_queries_on_client_close"] = 1,
            ["max_execution_time"] = (int)Math.Ceiling(timeout.TotalSeconds),
            ["max_memory_usage"] = _options.MaxQueryMemoryBytes,
            ["max_query_size"] = MaxStatementBytes,
            ["max_ast_elements"] = MaxStatementElements,
            ["max_expanded_ast_elements"] = MaxStatementElements,
        };
        foreach ((string name, string value) in query.Parameters) settings["param_" + name] = value;
        if (query.With is { } table)
        {
            HttpResponseMessage response = await ExternalTableRequest.SendAsync(_http, _options, statement, table, settings, cancellation).ConfigureAwait(false);
            return new Answer(response, () => response.Content.ReadAsStreamAsync(cancellation));
        }

        ClickHouseRawResult result = await _client.ExecuteRawResultAsync(statement, new QueryOptions { CustomSettings = settings }, cancellation).ConfigureAwait(false);
        return new Answer(result, () => result.ReadAsStreamAsync().WaitAsync(cancellation));
    }

    /// <summary>Each write is a chunk of HTTP's, for which ClickHouse takes as much memory as the chunk has.</summary>
    private static async Task WriteInPiecesAsync(Stream stream, ReadOnlyMemory<byte> rows, CancellationToken cancellation)
    {
        for (int start = 0; start < rows.Length; start += MaxChunkBytes)
        {
            await stream.WriteAsync(rows[start..Math.Min(start + MaxChunkBytes, rows.Length)], cancellation).ConfigureAwait(false);
        }
    }

    private static async Task<T> GuardAsync<T>(TimeSpan timeout, Func<CancellationToken, Task<T>> action, CancellationToken cancellation)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(timeout);
        try
        {
            return await action(limited.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (ClickHouseFailures.Translate(e, cancellation) is { } failure)
        {
            throw failure;
        }
    }

    /// <summary>An answer as it comes in; disposing ends it.</summary>
    private sealed record Answer(IDisposable Source, Func<Task<Stream>> OpenAsync) : IDisposable
    {
        public void Dispose() => Source.Dispose();
    }
}

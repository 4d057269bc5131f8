using TraceStore.Collector.Pipeline;
using TraceStore.Query.Execution;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Wal;

namespace TraceStore.Serving;

/// <summary>Whether TraceStore can do its work now, part by part.</summary>
/// <param name="wal">Takes spans.</param>
/// <param name="pipeline">Lets them in.</param>
/// <param name="follower">Stores them.</param>
/// <param name="reader">Answers queries.</param>
/// <param name="archive">Null where there is none. What ails it is said, and what is missing, and is no reason to take TraceStore out of service.</param>
internal sealed class Health(WriteAheadLog wal, IngestPipeline pipeline, SegmentFollower follower, TraceReader reader, ServedArchive? archive)
{
    private const string Well = "ok";

    /// <summary>Who asks whether queries are answered doesn't wait longer for the answer, whatever state ClickHouse is in.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1.5);

    private readonly Lock _lock = new();
    private Task<string?>? _asking;

    /// <summary>Lines of "part: state", and whether all parts are well: of ingest, of queries, or of both.</summary>
    public async Task<(bool IsReady, string Report)> CheckAsync(bool ingest = true, bool queries = true)
    {
        List<(string Part, string State)> parts = [];
        if (ingest)
        {
            parts.Add(("accepting spans", wal.Ailment ?? pipeline.Ailment ?? Well));
            parts.Add(("storing spans", follower.Ailment ?? Well));
        }

        if (queries) parts.Add(("answering queries", await WhatAilsQueriesAsync().ConfigureAwait(false) ?? Well));
        bool isReady = parts.All(part => part.State == Well);
        if (ingest && archive is not null) parts.Add(("archiving", archive.Archiver.Ailment ?? Well));
        if (ingest && archive?.Snapshots?.Ailment is { } ailment) parts.Add(("taking snapshots", ailment));
        if (queries && archive?.Restore?.State is { } state) parts.Add(("restoring", state));
        return (isReady, string.Concat(parts.Select(part => $"{part.Part}: {part.State}\n")));
    }

    private async Task<string?> WhatAilsQueriesAsync()
    {
        try
        {
            return await Asking().WaitAsync(s_patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return "ClickHouse doesn't answer in time";
        }
    }

    /// <summary>However many ask, ClickHouse is asked once at a time.</summary>
    private Task<string?> Asking()
    {
        lock (_lock) return _asking is { IsCompleted: false } asking ? asking : _asking = AskAsync();
    }

    private async Task<string?> AskAsync()
    {
        using var limit = new CancellationTokenSource(s_patience);
        try
        {
            await reader.CheckAsync(limit.Token).ConfigureAwait(false);
            return null;
        }
        catch (ClickHouseUnavailableException e)
        {
            return e.InWords;
        }
        catch (ClickHouseRefusedException)
        {
            return ClickHouseRefusedException.InWords;
        }
        catch (OperationCanceledException)
        {
            return "ClickHouse doesn't answer in time";
        }
    }
}

using TraceStore.Collector.Pipeline;
using TraceStore.Query.Execution;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Wal;

namespace TraceStore.Serving;

/// <summary>Whether TraceStore can do its work now, part by part.</summary>
internal sealed class Health(WriteAheadLog wal, SegmentFollower follower, TraceReader reader)
{
    private const string Well = "ok";

    /// <summary>Lines of "part: state", and whether all parts are well.</summary>
    public async Task<(bool IsReady, string Report)> CheckAsync(CancellationToken cancellation)
    {
        (string Part, string State)[] parts =
        [
            ("accepting spans", wal.Ailment ?? Well),
            ("storing spans", follower.Ailment ?? Well),
            ("answering queries", await WhatAilsQueriesAsync(cancellation).ConfigureAwait(false) ?? Well),
        ];
        return (parts.All(part => part.State == Well), string.Concat(parts.Select(part => $"{part.Part}: {part.State}\n")));
    }

    private async Task<string?> WhatAilsQueriesAsync(CancellationToken cancellation)
    {
        try
        {
            await reader.CheckAsync(cancellation).ConfigureAwait(false);
            return null;
        }
        catch (Exception e) when (e is ClickHouseUnavailableException or ClickHouseRefusedException)
        {
            return e.Message;
        }
    }
}

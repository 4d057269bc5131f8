using TraceStore.Collector.Pipeline;
using TraceStore.Storage.Engine;

namespace TraceStore.Serving;

/// <summary>What ingest asks of the ClickHouse that it stores in.</summary>
internal static class EngineWatching
{
    /// <summary>Begins to watch it, before an insert; an external one is its operator's to watch.</summary>
    public static StoreWatch WatchStore(this EngineSupervisor? engine) => engine?.Watch() is { } watch ? new StoreWatch(watch.CheckAsync, watch.ConfirmAsync) : StoreWatch.None;
}

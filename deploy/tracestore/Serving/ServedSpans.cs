using TraceStore.Collector.Pipeline;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Engine;
using TraceStore.Storage.Wal;

namespace TraceStore.Serving;

/// <summary>What an archive is of.</summary>
/// <param name="Wal">The log.</param>
/// <param name="Follower">Stores it.</param>
/// <param name="Database">Where.</param>
/// <param name="Engine">That database's process; null with an external ClickHouse.</param>
internal sealed record ServedSpans(WriteAheadLog Wal, SegmentFollower Follower, ClickHouseDatabase Database, EngineSupervisor? Engine);

using System.Globalization;
using System.Text.Json;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Restore;

/// <summary>What a rehearsed restore has found.</summary>
/// <param name="Started">When it began, by the clock of who rehearsed.</param>
/// <param name="Host">Where.</param>
/// <param name="Version">TraceStore's version.</param>
/// <param name="Failure">Why it failed; null when it passed.</param>
/// <param name="RecoveryPointSeconds">How old the newest instant was that could be restored when it began.</param>
/// <param name="RecoverySeconds">From the empty place to the first trace found.</param>
/// <param name="Snapshot">The snapshot that it began with; null for none.</param>
/// <param name="Spans">Spans that were restored.</param>
/// <param name="Compared">What the restored content was held against, in words.</param>
/// <param name="Times">What took how long.</param>
public sealed record DrillReport(
    DateTimeOffset Started, string Host, string Version, string? Failure, double? RecoveryPointSeconds, double? RecoverySeconds, string? Snapshot, long Spans, string? Compared, RestoreTimes? Times)
{
    public bool IsPassed => Failure is null;
}

/// <summary>What a restore's parts took.</summary>
/// <param name="SnapshotBytes">Bytes of the snapshot's objects.</param>
/// <param name="SnapshotSeconds">To bring them back, verified.</param>
/// <param name="LogBytes">Bytes of the log's groups.</param>
/// <param name="LogSeconds">To bring them back and store them, verified.</param>
/// <param name="OtherSeconds">All else: plans, starts of the engine.</param>
public sealed record RestoreTimes(long SnapshotBytes, double SnapshotSeconds, long LogBytes, double LogSeconds, double OtherSeconds)
{
    /// <summary>Of less than so much no rate is told: it took as long as less would have.</summary>
    private const long MinBytes = 32L << 20;

    /// <summary>Before a drill has measured anything: on two slow cores.</summary>
    private const double UsualSnapshotRate = 150e6, UsualLogRate = 10e6, UsualSeconds = 5;

    /// <summary>How long a restore will take, by what another one took; by what is usual where none did.</summary>
    public static TimeSpan Expect(RestorePlan plan, RestoreTimes? measured)
    {
        (double fixedSeconds, double snapshotRate, double logRate) = (measured?.OtherSeconds ?? UsualSeconds, UsualSnapshotRate, UsualLogRate);
        if (measured?.SnapshotBytes >= MinBytes) snapshotRate = measured.SnapshotBytes / measured.SnapshotSeconds;
        else fixedSeconds += measured?.SnapshotSeconds ?? 0;
        if (measured?.LogBytes >= MinBytes) logRate = measured.LogBytes / measured.LogSeconds;
        else fixedSeconds += measured?.LogSeconds ?? 0;
        return TimeSpan.FromSeconds(fixedSeconds + ((plan.Snapshot?.Bytes ?? 0) / snapshotRate) + (plan.LogSize.Bytes / logRate));
    }
}

/// <summary>The drills of an archive, each an object of its own.</summary>
public static class DrillHistory
{
    private const string All = "drills/";

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task AddAsync(IObjectStore store, DrillReport report, CancellationToken cancellation) =>
        await store.CreateAsync($"{All}{report.Started.UtcDateTime.ToString("yyyyMMdd'T'HHmmss.fff'Z'", CultureInfo.InvariantCulture)}.json", ObjectContent.Of(JsonSerializer.SerializeToUtf8Bytes(report, s_json)), cancellation).ConfigureAwait(false);

    /// <summary>The newest, newest first. One that can't be read is left out: it proves nothing.</summary>
    public static async Task<IReadOnlyList<DrillReport>> ReadAsync(IObjectStore store, int count, CancellationToken cancellation)
    {
        List<string> names = await store.ListAsync(All, null, cancellation).Select(found => found.Name).ToListAsync(cancellation).ConfigureAwait(false);
        List<DrillReport> reports = [];
        foreach (string name in names.AsEnumerable().Reverse().Take(count))
        {
            try
            {
                if (await store.GetAsync(name, cancellation).ConfigureAwait(false) is { } found && JsonSerializer.Deserialize<DrillReport>(found.Content.Span, s_json) is { } report) reports.Add(report);
            }
            catch (Exception e) when (e is JsonException or ObjectDamagedException)
            {
                // left out
            }
        }

        return reports;
    }
}

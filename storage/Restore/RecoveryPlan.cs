using TraceStore.Storage.Archive;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Storage.Restore;

/// <summary>How bad a finding is.</summary>
public enum FindingLevel
{
    /// <summary>To be known.</summary>
    Note,

    /// <summary>Some disasters would cost more than they need to.</summary>
    Warning,

    /// <summary>The plan doesn't hold: a disaster now would cost what nobody agreed to.</summary>
    Broken,
}

/// <summary>Something about the recovery plan that its owner must know.</summary>
/// <param name="Level">How bad it is.</param>
/// <param name="What">What it is, and what it means.</param>
/// <param name="Mend">What to do.</param>
public sealed record RecoveryFinding(FindingLevel Level, string What, string Mend);

/// <summary>What was looked at to know where a disaster would leave us: settings, this machine, and what is read back from the store.</summary>
public sealed record RecoveryFacts
{
    public required string DataDirectory { get; init; }

    /// <summary>The archive's address; null without one.</summary>
    public string? Archive { get; init; }

    /// <summary>Why it can't be read; null when it can.</summary>
    public string? Failure { get; init; }

    public bool IsEncrypted { get; init; }

    /// <summary>Whether the store's files are on the data's disk.</summary>
    public bool IsOnSameDisk { get; init; }

    /// <summary>Whether the store is on this machine.</summary>
    public bool IsOnThisHost { get; init; }

    /// <summary>The store's clock less this machine's.</summary>
    public TimeSpan ClocksApart { get; init; }

    /// <summary>Now, by the store's clock.</summary>
    public DateTimeOffset Now { get; init; }

    /// <summary>The archive's head, as it is in the store; null where there is none.</summary>
    public ArchiveHead? Head { get; init; }

    /// <summary>Everything received up to then was read back from the store; null before anything is known.</summary>
    public DateTimeOffset? CompleteThrough { get; init; }

    /// <summary>The archive that the data directory knows for its own; null for none.</summary>
    public Guid? OwnLineage { get; init; }

    /// <summary>Whether ClickHouse is elsewhere, whose parts aren't ours to take.</summary>
    public bool IsExternal { get; init; }

    /// <summary>How often a snapshot is taken; zero for when somebody asks.</summary>
    public TimeSpan SnapshotEvery { get; init; }

    /// <summary>The snapshots that are there, oldest first.</summary>
    public IReadOnlyList<SnapshotEntry> Snapshots { get; init; } = [];

    /// <summary>Whether the newest of them is a backup that ClickHouse has made, which an embedded engine can't bring back.</summary>
    public bool IsByBackup { get; init; }

    /// <summary>Why the newest of them can't be relied on; null when it can.</summary>
    public string? SnapshotFailure { get; init; }

    /// <summary>Objects that were found damaged, and are still there.</summary>
    public IReadOnlyList<string> Damaged { get; init; } = [];

    /// <summary>The last drills, newest first.</summary>
    public IReadOnlyList<DrillReport> Drills { get; init; } = [];

    /// <summary>How long a restore would take now, by what the last drill that passed has measured, or by what is usual.</summary>
    public TimeSpan? ExpectedTime { get; init; }

    /// <summary>Whether retention waits since a restore.</summary>
    public bool IsHeld { get; init; }

    /// <summary>The last drill that passed; null for none.</summary>
    public DrillReport? LastPassed => Drills.FirstOrDefault(drill => drill.IsPassed);

    /// <summary>When a snapshot was last read whole and found right; null for never.</summary>
    public DateTimeOffset? LastVerified => Snapshots.Max(entry => entry.Verified);

    /// <summary>How old the newest instant is that could be restored now.</summary>
    public TimeSpan? RecoveryPointAge => CompleteThrough is { } through && Now > through ? Now - through : CompleteThrough is null ? null : TimeSpan.Zero;
}

/// <summary>The disaster recovery plan in force, judged. Pure.</summary>
/// <param name="Facts">What was looked at.</param>
/// <param name="Findings">What is wrong with it, worst first.</param>
public sealed record RecoveryPlan(RecoveryFacts Facts, IReadOnlyList<RecoveryFinding> Findings)
{
    /// <summary>A recovery point older than this isn't due to an idle store, whose head is renewed every ten seconds.</summary>
    private static readonly TimeSpan s_maxRecoveryPointAge = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_maxClocksApart = TimeSpan.FromMinutes(1);

    /// <summary>A rehearsal older than this proves little: too much has changed since.</summary>
    private static readonly TimeSpan s_maxDrillAge = TimeSpan.FromDays(30);

    /// <summary>The worst of the findings.</summary>
    public FindingLevel Worst => Findings.Count > 0 ? Findings[0].Level : FindingLevel.Note;

    public static RecoveryPlan Of(RecoveryFacts facts) => new(facts, [.. Find(facts).OrderByDescending(finding => finding.Level)]);

    private static IEnumerable<RecoveryFinding> Find(RecoveryFacts facts)
    {
        if (facts.Archive is null)
        {
            yield return Broken("Nothing is archived: what this machine's disk loses is lost.", "tracestore --archive URL (a directory of another machine's, or s3://bucket/prefix)");
            yield break;
        }

        if (facts.Failure is { } failure)
        {
            yield return Broken($"The archive can't be read. {failure}", "Until it can, nothing more is archived, and nothing can be restored from it.");
            yield break;
        }

        if (facts.IsOnSameDisk) yield return Broken($"{facts.Archive} is on the same disk as the data: both are lost together.", "Put the archive on another machine's disk, or into a bucket: tracestore --archive URL");
        else if (facts.IsOnThisHost) yield return Warning($"{facts.Archive} is on this machine: fire, theft or a broken machine take both.", "Put the archive elsewhere: tracestore --archive URL");
        if (!facts.IsEncrypted) yield return Note("The archive isn't encrypted: who can read the store reads every span.", "tracestore archive key FILE, and begin an archive with --set Archive:KeyFile=FILE");
        if (facts.ClocksApart.Duration() > s_maxClocksApart) yield return Warning($"The store's clock and this machine's are {facts.ClocksApart.Duration().TotalSeconds:F0} s apart: instants to restore to are off by as much.", "Set the wrong clock right.");
        if (facts.Head is not { } head)
        {
            yield return Broken($"There is no archive in {facts.Archive} yet.", $"Start TraceStore with it: tracestore --archive {facts.Archive}");
            yield break;
        }

        if (facts.OwnLineage is { } own && own != head.Lineage) yield return Broken($"{facts.Archive} holds the archive of another TraceStore (lineage {head.Lineage}; this one's is {own}): nothing of this one is archived there.", "Correct Archive:Url.");
        foreach (RecoveryFinding finding in FindInLog(facts, head)) yield return finding;
    }

    private static IEnumerable<RecoveryFinding> FindInLog(RecoveryFacts facts, ArchiveHead head)
    {
        if (facts.RecoveryPointAge is not { } age) yield return Broken("Nothing is known to be completely archived yet.", "Is TraceStore running? /readyz says why it doesn't archive.");
        else if (age > s_maxRecoveryPointAge) yield return Broken($"A disaster now would cost what was received in the last {Show(age)}: nothing newer is known to be in the archive.", "Is TraceStore running? /readyz says why it doesn't archive.");
        if (head.Epochs[0].First > 1 && facts.Snapshots.Count == 0) yield return Broken("What was stored before the archive began is in nothing yet: the first snapshot will have it.", "tracestore snapshot create");
        long holes = RestorePlan.Of(head, instant: null).Holes;
        if (holes > 0) yield return Warning($"{holes} ranges of the log are lost: the archive was away for too long, or somebody deleted what it needed.", "Restore with --accept-holes gives what there is. Keep the store reachable, or set Archive:WhenAway=keep.");
        foreach (RecoveryFinding finding in FindInSnapshots(facts, head).Concat(FindInDrills(facts))) yield return finding;
    }

    private static IEnumerable<RecoveryFinding> FindInSnapshots(RecoveryFacts facts, ArchiveHead head)
    {
        TimeSpan late = facts.SnapshotEvery * 2;
        DateTimeOffset since = facts.Snapshots.Count > 0 ? facts.Snapshots[^1].Id.Taken : head.Epochs[0].Began;
        if (facts.SnapshotFailure is { } failure) yield return Broken($"The newest snapshot can't be relied on. {failure}", "tracestore snapshot create");
        else if (facts.IsExternal && facts.Snapshots.Count == 0) yield return Warning("No snapshots are taken of an external ClickHouse: a restore replays all of the log that ClickHouse hasn't got, and nothing of the log is ever deleted.", "Say where ClickHouse may back itself up to, with Archive:ClickHouseBackup.");
        else if (facts.SnapshotEvery > TimeSpan.Zero && facts.Now - since > late) yield return Warning($"{(facts.Snapshots.Count > 0 ? $"The newest snapshot is {Show(facts.Now - since)} old" : "No snapshot was ever taken")}, though one is due every {Show(facts.SnapshotEvery)}: a restore replays more than it needs to.", "tracestore snapshot create says why none is taken.");
        else if (facts.Snapshots.Count == 0) yield return Note("There are no snapshots yet: a restore replays all that was ever archived.", "tracestore snapshot create");
        if (facts.Damaged.Count > 0) yield return Broken($"Objects of the archive are damaged: {string.Join(", ", facts.Damaged.Take(3))}{(facts.Damaged.Count > 3 ? $" and {facts.Damaged.Count - 3} more" : "")}.", "tracestore snapshot create makes those anew whose part is still there; tracestore archive explain says what relies on the others.");
        if (facts.IsHeld) yield return Warning($"What was restored in {facts.DataDirectory} is kept, however old, and may fill the disk.", $"When you have seen to it: tracestore restore release --data {facts.DataDirectory}");
    }

    private static IEnumerable<RecoveryFinding> FindInDrills(RecoveryFacts facts)
    {
        string drill = $"tracestore drill --archive {facts.Archive} --data {facts.DataDirectory}";
        if (facts.IsByBackup) yield return Note("A drill can't rehearse the recovery of an external ClickHouse from its own backups.", $"Rehearse it into another ClickHouse: tracestore restore --from {facts.Archive} --data DIR --clickhouse URL");
        else if (facts.Drills.Count > 0 && facts.Drills[0] is { Failure: { } failure } failed) yield return Broken($"The last drill, of {failed.Started.UtcDateTime:u}, failed. {failure}", drill);
        else if (facts.LastPassed is not { } passed) yield return Warning("No restore from this archive was ever rehearsed.", drill);
        else if (facts.Now - passed.Started > s_maxDrillAge) yield return Warning($"The last drill that passed is {Show(facts.Now - passed.Started)} old.", drill);
    }

    /// <summary>A time as people say it.</summary>
    public static string Show(TimeSpan time) => time switch
    {
        { TotalMinutes: < 2 } => FormattableString.Invariant($"{time.TotalSeconds:F1} s"),
        { TotalHours: < 2 } => FormattableString.Invariant($"{time.TotalMinutes:F0} minutes"),
        { TotalDays: < 2 } => FormattableString.Invariant($"{time.TotalHours:F0} hours"),
        _ => FormattableString.Invariant($"{time.TotalDays:F0} days"),
    };

    private static RecoveryFinding Broken(string what, string mend) => new(FindingLevel.Broken, what, mend);

    private static RecoveryFinding Warning(string what, string mend) => new(FindingLevel.Warning, what, mend);

    private static RecoveryFinding Note(string what, string mend) => new(FindingLevel.Note, what, mend);
}

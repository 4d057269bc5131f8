using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Retention;
using TraceStore.Storage.Wal;

namespace TraceStore.Settings;

/// <summary>Where the archive is and how it is written.</summary>
/// <param name="Store">The store.</param>
/// <param name="Options">How.</param>
/// <param name="Claim">What the log keeps for it when the store is away.</param>
/// <param name="SnapshotEvery">How long between two snapshots; zero for none by themselves.</param>
/// <param name="Retention">What it keeps.</param>
/// <param name="IsScrubbed">Whether it is read once a day, before a disaster has to.</param>
/// <param name="DrillEvery">How often the recovery is rehearsed; zero for never by itself.</param>
/// <param name="ClickHouseBackup">Where an external ClickHouse backs itself up to; null for nowhere.</param>
internal sealed record ArchiveSettings(ObjectStoreOptions Store, ArchiveOptions Options, CursorClaim Claim, TimeSpan SnapshotEvery, ArchiveRetentionOptions Retention, bool IsScrubbed, TimeSpan DrillEvery, BackupDestination? ClickHouseBackup)
{
    /// <summary>Null without an archive.</summary>
    public static ArchiveSettings? Read(SettingsReader reader)
    {
        var defaults = new ArchiveOptions();
        ObjectStoreOptions? address = reader.ObjectStore("Archive:Url");
        Uri? endpoint = reader.HttpUrl("Archive:S3:Endpoint");
        string? region = reader.OptionalText("Archive:S3:Region");
        bool isPathStyle = reader.Choice("Archive:S3:PathStyle", ["auto", "true", "false"]) is var style && (style == "true" || (style == "auto" && endpoint is not null));
        S3Credentials? credentials = reader.File("Archive:S3:AccessKeyFile", ReadAccessKey);
        bool isSingleWriter = reader.Choice("Archive:SingleWriter", ["false", "true"]) == "true";
        EncryptionKeys? keys = reader.File("Archive:KeyFile", EncryptionKeys.ReadFile);
        TimeSpan maxDelay = reader.Duration("Archive:MaxDelay", defaults.MaxDelay, TimeSpan.FromMilliseconds(100), defaults.RenewEvery);
        CursorClaim claim = reader.Choice("Archive:WhenAway", ["keep", "skip"]) == "keep" ? CursorClaim.Required : CursorClaim.Optional;
        TimeSpan snapshotEvery = reader.Duration("Archive:SnapshotEvery", TimeSpan.FromHours(1), TimeSpan.Zero, TimeSpan.FromDays(7));
        bool isScrubbed = reader.Choice("Archive:Scrub", ["true", "false"]) == "true";
        TimeSpan drillEvery = reader.Duration("Archive:DrillEvery", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromDays(365));
        var kept = new ArchiveRetentionOptions();
        kept = kept with
        {
            PointInTimeWindow = reader.Duration("Archive:PointInTimeWindow", kept.PointInTimeWindow, TimeSpan.FromSeconds(1), TimeSpan.FromDays(3_650)),
            DailySnapshots = reader.Count("Archive:DailySnapshots", kept.DailySnapshots, min: 1, max: 3_650),
        };
        BackupDestination? backup = reader.BackupDestination("Archive:ClickHouseBackup");
        if (address is null) return null;
        S3Options? bucket = address.S3 is { } s3 ? s3 with { Endpoint = endpoint, Region = region, IsPathStyle = isPathStyle, Credentials = credentials, HasConditionalWrites = !isSingleWriter } : null;
        return new ArchiveSettings(address with { S3 = bucket, Keys = keys }, new ArchiveOptions { MaxDelay = maxDelay }, claim, snapshotEvery, kept, isScrubbed, drillEvery, backup);
    }

    private static S3Credentials ReadAccessKey(string path)
    {
        string[] lines = [.. File.ReadAllLines(path).Select(line => line.Trim()).Where(line => line.Length > 0)];
        return lines.Length is 2 or 3
            ? new S3Credentials(lines[0], lines[1], lines.ElementAtOrDefault(2))
            : throw new InvalidDataException($"{path} has {lines.Length} lines: expected the access key's id, then its secret (and a session token, where there is one)");
    }
}

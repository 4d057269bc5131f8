using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace TraceStore.Storage.Snapshots;

/// <summary>A snapshot's name, which says what it holds: everything up to a segment of an epoch's log, all of it received before a time.</summary>
/// <param name="Taken">When, by the writer's clock, to the millisecond, rounded up.</param>
/// <param name="Epoch">The epoch.</param>
/// <param name="Segment">The last segment whose spans are in it.</param>
public sealed record SnapshotId(DateTimeOffset Taken, uint Epoch, ulong Segment)
{
    private const string TimeFormat = "yyyyMMdd'T'HHmmss.fff'Z'";

    /// <summary>Of a moment.</summary>
    public static SnapshotId At(DateTimeOffset now, uint epoch, ulong segment)
    {
        long rest = now.UtcTicks % TimeSpan.TicksPerMillisecond;
        return new SnapshotId(new DateTimeOffset(now.UtcTicks - rest + (rest > 0 ? TimeSpan.TicksPerMillisecond : 0), TimeSpan.Zero), epoch, segment);
    }

    /// <summary>Null where it is none.</summary>
    public static SnapshotId? Parse(string text)
    {
        string[] parts = text.Split('-');
        return parts.Length == 3
            && DateTimeOffset.TryParseExact(parts[0], TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset taken)
            && uint.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint epoch)
            && ulong.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out ulong segment)
            && new SnapshotId(taken, epoch, segment) is { } id && id.ToString() == text
            ? id
            : null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Taken.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}-{Epoch}-{Segment}");

    /// <summary>As its name.</summary>
    public sealed class JsonConverter : JsonConverter<SnapshotId>
    {
        public override SnapshotId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            Parse(reader.GetString() ?? "") ?? throw new JsonException("it names no snapshot");

        public override void Write(Utf8JsonWriter writer, SnapshotId value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }
}

/// <summary>What a snapshot's objects are called.</summary>
public static class SnapshotNames
{
    /// <summary>All that is said of snapshots.</summary>
    public const string All = "snapshots/";

    /// <summary>Folders' files, by what they are.</summary>
    public const string AllPacks = "packs/";

    public static string Manifest(SnapshotId id) => $"{All}{id}/manifest.json";

    /// <summary>Says that it isn't to be deleted by itself.</summary>
    public static string Pin(SnapshotId id) => $"{All}{id}/pin";

    /// <summary>Says that every object of it was read and was right.</summary>
    public static string Verified(SnapshotId id, DateTimeOffset when) => $"{All}{id}/verified/{when.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}";

    public static string Pack(string name) => AllPacks + name;

    /// <summary>Objects of packs/ that were found damaged.</summary>
    public const string AllCondemned = "condemned/";

    /// <summary>Says that an object was found damaged, until it is made anew.</summary>
    public static string Condemned(string name) => AllCondemned + name;

    /// <summary>The object that was found damaged: a pack, or a group of the log (log-EPOCH-SEGMENT).</summary>
    public static string OfCondemned(string condemned) => condemned[AllCondemned.Length..] is var name && name.StartsWith("log-", StringComparison.Ordinal) ? name.Replace('-', '/') : Pack(name);
}

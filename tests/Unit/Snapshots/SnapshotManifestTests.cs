using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Tests.Unit.Snapshots;

public sealed class SnapshotManifestTests
{
    private static readonly MemoryStore s_store = new();

    [Fact]
    public void It_is_read_as_it_was_written()
    {
        SnapshotManifest manifest = Sample();
        SnapshotManifest read = SnapshotManifest.Decode(s_store, SnapshotNames.Manifest(manifest.Id), manifest.Encode());
        Assert.Equal(manifest.Encode(), read.Encode());
        Assert.Equal(manifest.Id, read.Id);
        Assert.Equal(3, read.Packs.Count()); // two parts are one object
        Assert.Equal(150, read.Bytes);
        Assert.Equal(12, read.Spans);
    }

    [Fact]
    public void Whatever_byte_is_flipped_or_missing_it_is_refused()
    {
        SnapshotManifest manifest = Sample();
        byte[] content = manifest.Encode();
        string name = SnapshotNames.Manifest(manifest.Id);
        for (int at = 0; at < content.Length; at++)
        {
            byte[] damaged = [.. content];
            damaged[at] ^= 1;
            Assert.StartsWith($"{name} in memory can't be read: ", Assert.Throws<ObjectDamagedException>(() => SnapshotManifest.Decode(s_store, name, damaged)).Message, StringComparison.Ordinal);
            Assert.Throws<ObjectDamagedException>(() => SnapshotManifest.Decode(s_store, name, content.AsSpan(0, at)));
        }
    }

    [Fact]
    public void Of_a_newer_version_or_under_another_name_it_is_refused()
    {
        SnapshotManifest manifest = Sample();
        Assert.Contains("format version 2, where this TraceStore knows 1: use the TraceStore that wrote it, 0.9", Assert.Throws<ObjectDamagedException>(
            () => SnapshotManifest.Decode(s_store, SnapshotNames.Manifest(manifest.Id), (manifest with { Format = 2 }).Encode())).Message, StringComparison.Ordinal);
        Assert.Contains("it is that of snapshot", Assert.Throws<ObjectDamagedException>(
            () => SnapshotManifest.Decode(s_store, SnapshotNames.Manifest(manifest.Id with { Epoch = 7 }), manifest.Encode())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("20261127T101500.001Z-1-42", true)]
    [InlineData("20261127T101500.001Z-1-042", false)]
    [InlineData("20261127T101500Z-1-42", false)]
    [InlineData("20261327T101500.001Z-1-42", false)]
    [InlineData("20261127T101500.001Z-1", false)]
    [InlineData("", false)]
    public void A_name_is_read_only_as_it_is_written(string text, bool isValid) => Assert.Equal(isValid ? text : null, SnapshotId.Parse(text)?.ToString());

    /// <summary>What was received before the moment was received before the snapshot's time, never after it.</summary>
    [Fact]
    public void Its_time_is_rounded_up()
    {
        DateTimeOffset whole = new(2026, 11, 27, 10, 15, 0, 1, TimeSpan.Zero);
        Assert.Equal("20261127T101500.001Z-1-42", SnapshotId.At(whole, 1, 42).ToString());
        Assert.Equal("20261127T101500.002Z-1-42", SnapshotId.At(whole.AddTicks(1), 1, 42).ToString());
        Assert.Equal("20261127T101500.001Z-1-42", SnapshotId.At(whole.ToOffset(TimeSpan.FromHours(2)), 1, 42).ToString());
    }

    /// <summary>Two parts with the same content don't cancel out, and the order doesn't matter.</summary>
    [Fact]
    public void A_content_sum_counts_every_part()
    {
        string one = new('f', 32), two = "0123456789abcdef0123456789abcdef";
        Assert.Equal(ContentSum.Of([one, two]), ContentSum.Of([two, one]));
        Assert.NotEqual(ContentSum.Of([]), ContentSum.Of([two, two]));
        Assert.NotEqual(ContentSum.Of([one]), ContentSum.Of([one, two, two]));
    }

    internal static Guid Lineage { get; } = Guid.Parse("7a6f8f0a-6d39-4b0e-9d6e-0d0b8a3b6f00");

    internal static SnapshotManifest Sample(DateTimeOffset? taken = null, uint epoch = 1, ulong segment = 42, ulong log = 11) => new(
        SnapshotManifest.NewestFormat, new SnapshotId(taken ?? new DateTimeOffset(2026, 11, 27, 10, 15, 0, TimeSpan.Zero), epoch, segment),
        Lineage, log, (taken ?? new DateTimeOffset(2026, 11, 27, 10, 15, 0, TimeSpan.Zero)).AddMinutes(-1), ArchiveFrontier.Before(1) with { Segment = segment, Groups = 4, Bytes = 4_000 }, segment - 2, new SnapshotVersions("0.9", "26.7.2.1", 22),
        [
            new SnapshotTable("spans", [new SnapshotPartition("20261127", 12, new string('1', 32), [Part("20261127_1_1_0", 'a'), Part("20261127_2_2_0", 'b')])]),
            new SnapshotTable("scopes", [new SnapshotPartition("20261127", 12, new string('1', 32), [Part("20261127_1_1_0", 'a')])]),
        ],
        [new SnapshotLog(log, 1, segment, 12)], new PackReference(new string('c', 64), 50), new Dictionary<string, string> { ["Tempo:Port"] = "3200" }, ["ClickHouse:Password"]);

    private static SnapshotPart Part(string name, char pack) => new(name, 6, new string('2', 32), new PackReference(new string(pack, 64), 50));
}

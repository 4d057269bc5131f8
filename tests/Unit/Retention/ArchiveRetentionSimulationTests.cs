using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Retention;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Tests.Unit.Retention;

/// <summary>
/// Archives' lives over a store in memory and a clock of their own: groups and snapshots come, sites are lost and restored to whatever instant,
/// old writers come back, snapshots are pinned and deleted, processes are killed anywhere; and what is needed no more is deleted. Before and
/// after every single deletion, and after every step, a plan must exist to be at any promised instant, and all that it reads must be there.
/// </summary>
public sealed class ArchiveRetentionSimulationTests
{
    private static readonly int s_lives = int.TryParse(Environment.GetEnvironmentVariable("RETENTION_LIVES"), out int lives) ? lives : 2_000;
    private static readonly int s_seed = int.TryParse(Environment.GetEnvironmentVariable("RETENTION_SEED"), out int seed) ? seed : 1;

    [Fact]
    public async Task At_every_promised_instant_a_plan_exists_before_and_after_every_deletion()
    {
        (long deleted, long checks) = (0, 0);
        await Parallel.ForEachAsync(Enumerable.Range(s_seed, s_lives), TestContext.Current.CancellationToken, async (seed, _) =>
        {
            using var life = new Life(seed);
            try
            {
                await life.LiveAsync();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"RETENTION_SEED={seed}: {e.Message}", e);
            }

            Interlocked.Add(ref deleted, life.Deleted);
            Interlocked.Add(ref checks, life.Checks);
        });
        TestContext.Current.TestOutputHelper!.WriteLine($"{s_lives} lives: {deleted} objects deleted, {checks} plans checked");
        Assert.True(deleted > s_lives * 10, "hardly anything was deleted");
    }

    private sealed class Killed() : IOException("killed");

    /// <summary>A group of the log: its segments, and when they were received.</summary>
    private sealed record Group(ulong First, ulong Last, DateTimeOffset Received);

    private sealed class Life : IDisposable
    {
        private static readonly ArchiveRetentionOptions s_options = new() { PointInTimeWindow = TimeSpan.FromHours(20), DailySnapshots = 3, AllSnapshots = TimeSpan.FromHours(5) };
        private static readonly ArchiveOptions s_lease = new();

        private readonly Random _random;
        private readonly MemoryStore _store = new();
        private readonly TemporaryDirectory _place = new();
        private readonly Dictionary<uint, List<Group>> _groups = [];
        private readonly List<string> _packs = [];
        private DateTimeOffset _now = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
        private ArchiveLease _writer = null!;
        private ArchiveFrontier _frontier = null!;
        private ArchiveRetention _retention = null!;
        private ArchiveRetention? _old;
        private int _callsLeft = int.MaxValue;
        private int _sites;

        public Life(int seed)
        {
            _random = new Random(seed);
            _store.Clock = () => _now;
            _store.Before = (operation, name, isBefore) =>
            {
                if (operation == "delete")
                {
                    if (isBefore) Deleted++;
                    if (!name.StartsWith("snapshots/", StringComparison.Ordinal) || isBefore) CheckAnInstant();
                }

                if (--_callsLeft < 0) throw new Killed();
            };
        }

        public long Deleted { get; private set; }

        public long Checks { get; private set; }

        public async Task LiveAsync()
        {
            await BeginSiteAsync(null);
            for (int step = 0; step < 60; step++)
            {
                _now += TimeSpan.FromMinutes(_random.Next(1, 150));
                switch (_random.Next(20))
                {
                    case < 8: await ArchiveAsync(); break;
                    case < 12: await SnapshotAsync(); break;
                    case < 15: await KilledSometimesAsync(() => _retention.RunAsync(_now, default)); break;
                    case 15: await RestoreAsync(); break;
                    case 16: await OldWriterAsync(); break;
                    case 17: await PinAsync(); break;
                    case 18: await VerifyAsync(); break;
                    default: _now += TimeSpan.FromHours(_random.Next(30)); break;
                }

                for (int i = 0; i < 3; i++) CheckAnInstant();
            }

            await EndAsync();
        }

        public void Dispose() => _place.Dispose();

        /// <summary>A new data directory, the first or one that was restored.</summary>
        private async Task BeginSiteAsync(ArchiveOrigin? from)
        {
            string data = Directory.CreateDirectory(Path.Combine(_place.Path, $"{++_sites}")).FullName;
            if (from is not null) new ArchiveIdentity(Guid.NewGuid(), Head()!.Lineage, IsBegun: true, from).Save(data);
            _writer = new ArchiveLease(_store, data, (ulong)_sites * 11, s_lease);
            ArchiveHead? found = await _writer.ReadAsync(default);
            await _writer.TakeAsync(found, found?.Frontier, firstSegment: 1, _now, default);
            _frontier = ArchiveFrontier.Before(1);
            _groups[_writer.Current.Number] = [];
            (ArchiveLease writer, Func<ArchiveFrontier> frontier) = (_writer, () => _frontier);
            _retention = new ArchiveRetention(
                _store,
                () => writer.IsHeld ? new ArchivedLog(writer.Lineage, writer.Current, frontier(), writer.Until) : null,
                trim => writer.TrimAsync(trim, frontier(), default),
                s_options,
                NullLogger<ArchiveRetention>.Instance);
        }

        private async Task ArchiveAsync()
        {
            for (int count = _random.Next(1, 6); count > 0; count--)
            {
                var group = new Group(_frontier.Segment + 1, _frontier.Segment + (ulong)_random.Next(1, 5), _now);
                _store[ArchiveNames.Group(_writer.Current.Number, group.First)] = [1];
                _groups[_writer.Current.Number].Add(group);
                _frontier = _frontier with { Segment = group.Last, CompleteThrough = _now };
                _now += TimeSpan.FromMinutes(_random.Next(5));
            }

            await _writer.RenewAsync(_frontier, default);
        }

        /// <summary>Of everything up to some segment behind the frontier; sometimes the process is killed before the manifest.</summary>
        private async Task SnapshotAsync()
        {
            uint epoch = _writer.Current.Number;
            ulong segment = _frontier.Segment - Math.Min(_frontier.Segment, (ulong)_random.Next(4));
            ulong from = _groups[epoch].LastOrDefault(group => group.First <= segment + 1)?.First ?? _frontier.Segment + 1;
            if (_groups[epoch].Count > 0 && from > segment + 1) from = _groups[epoch][^1].First;
            if (_random.Next(3) == 0) _packs.Clear();
            while (_packs.Count < 4) _packs.Add(Convert.ToHexStringLower(Guid.NewGuid().ToByteArray()));
            _packs.RemoveAt(0);
            foreach (string pack in _packs) await _store.CreateAsync(SnapshotNames.Pack(pack), ObjectContent.Of(new byte[3]), default);
            if (_random.Next(6) == 0) return; // killed

            await _writer.RenewAsync(_frontier, default);
            var manifest = new SnapshotManifest(
                1, SnapshotId.At(_now, epoch, segment), _writer.Lineage, _writer.Current.Log, _now.AddMinutes(_random.Next(10) == 0 ? 90 : -1), _frontier, from, new SnapshotVersions("1", "1", 1),
                [new SnapshotTable("spans", [new SnapshotPartition("1", 1, "", [.. _packs.Select(pack => new SnapshotPart(pack, 1, "", new PackReference(pack, 3)))])])],
                [], null, new Dictionary<string, string>(), []);
            await _store.CreateAsync(SnapshotNames.Manifest(manifest.Id), ObjectContent.Of(manifest.Encode()), default);
        }

        /// <summary>The site is lost, and restored to the newest or to an instant; its writer's lease runs out first.</summary>
        private async Task RestoreAsync()
        {
            _now += s_lease.Lease + TimeSpan.FromSeconds(1);
            DateTimeOffset? instant = _random.Next(2) == 0 ? null : AnInstant();
            if (instant is null && Head()!.Current.End is not null) return;
            RestorePlan plan;
            try
            {
                ListedArchive listed = await ListedArchive.ReadAsync(_store, default);
                SnapshotEntry[] entries = [.. await new SnapshotCatalogue(listed).ListAsync(default)];
                bool isOfSnapshot = instant is null && entries.Length > 0 && _random.Next(3) == 0;
                plan = await (isOfSnapshot ? RestorePlanner.PlanAsync(listed, entries[_random.Next(entries.Length)].Id, default) : RestorePlanner.PlanAsync(listed, instant, _ => { }, default));
            }
            catch (RestoreRefusedException) when (instant is not null)
            {
                return; // in a gap between two epochs
            }

            _old = _retention;
            _packs.Clear();
            ulong last = plan.Stretches[^1].Until is { } until ? _groups[plan.Stretches[^1].Epoch.Number].LastOrDefault(group => group.Received <= until)?.Last ?? 0 : 0;
            await BeginSiteAsync(plan.OriginAt(last));
        }

        /// <summary>A writer that was thought dead goes on deleting: it may not.</summary>
        private async Task OldWriterAsync()
        {
            if (_old is null) return;
            long before = Deleted;
            try
            {
                await _old.RunAsync(_now, default);
            }
            catch (Exception e) when (e is ArchiveNotOursException or ArchiveBrokenException)
            {
                // as it should be
            }

            Assert.Equal(before, Deleted);
        }

        private async Task PinAsync()
        {
            SnapshotEntry[] entries = [.. await new SnapshotCatalogue(_store).ListAsync(default)];
            if (entries.Length == 0) return;
            SnapshotEntry entry = entries[_random.Next(entries.Length)];
            if (!entry.IsPinned && _random.Next(2) == 0) await DeleteAsync(entry.Id);
            else if (entry.IsPinned) await new SnapshotCatalogue(_store).UnpinAsync(entry.Id, default);
            else await new SnapshotCatalogue(_store).PinAsync(entry.Id, default);
        }

        /// <summary>As the command does it: not where a promised instant needs it.</summary>
        private async Task DeleteAsync(SnapshotId id)
        {
            ArchiveInventory inventory = await ArchiveInventory.TakeAsync(_store, default);
            if (inventory.Snapshots.Count < 2 || ArchiveRetentionPlan.WhyNeeded(inventory.Head, inventory.Snapshots, id, s_options) is not null) return;
            await new SnapshotCatalogue(_store).DeleteAsync(id, default);
        }

        private async Task VerifyAsync()
        {
            SnapshotEntry[] entries = [.. await new SnapshotCatalogue(_store).ListAsync(default)];
            if (entries.Length > 0) await _store.CreateAsync(SnapshotNames.Verified(entries[_random.Next(entries.Length)].Id, _now), ObjectContent.Of(new byte[1]), default);
        }

        private async Task KilledSometimesAsync(Func<Task> action)
        {
            await _writer.RenewAsync(_frontier, default);
            _callsLeft = _random.Next(2) == 0 ? int.MaxValue : _random.Next(1, 60);
            try
            {
                await action();
            }
            catch (Killed)
            {
                _callsLeft = int.MaxValue;
                ArchiveHead head = Head()!;
                await _writer.ReadAsync(default); // the same directory's next process
                await _writer.TakeAsync(head, _frontier, 1, _now, default);
            }
            finally
            {
                _callsLeft = int.MaxValue;
            }
        }

        /// <summary>In the end nothing is left that nobody needs.</summary>
        private async Task EndAsync()
        {
            await ArchiveAsync();
            await SnapshotAsync();
            for (int i = 0; i < 20; i++)
            {
                await _writer.RenewAsync(_frontier, default);
                await _retention.RunAsync(_now, default);
            }

            ArchiveInventory inventory = await ArchiveInventory.TakeAsync(_store, default);
            Assert.Empty(inventory.Damaged);
            Assert.Empty(ArchiveRetentionPlan.Of(inventory.Head, inventory.Snapshots, _now, s_options).Lost);
            if (inventory.Snapshots.Count > 0) Assert.Equal(inventory.Named.Order(StringComparer.Ordinal), inventory.Packs.Order(StringComparer.Ordinal));
            foreach (ArchiveEpoch epoch in inventory.Head.Epochs)
            {
                string? first = await _store.ListAsync(ArchiveNames.LogOf(epoch.Number), null, default).Select(group => group.Name).FirstOrDefaultAsync();
                if (first is not null) Assert.True(ArchiveNames.FirstOf(first) >= inventory.Head.FirstGroup(epoch), $"{first} is left, and isn't needed");
            }

            CheckAnInstant();
        }

        private ArchiveHead? Head() => _store[ArchiveNames.Head] is { } content ? ArchiveHead.Decode(_store, content) : null;

        /// <summary>Any instant that is promised, or none in particular: the newest.</summary>
        private DateTimeOffset? AnInstant()
        {
            ArchiveHead head = Head()!;
            DateTimeOffset from = head.Trim?.Horizon ?? head.Epochs[0].Began;
            if (head.Frontier.CompleteThrough is not { } to || to < from) return null;
            return _random.Next(4) switch
            {
                0 => from,
                1 => to,
                _ => from + (to - from) * _random.NextDouble(),
            };
        }

        private void CheckAnInstant()
        {
            int callsLeft = _callsLeft;
            _callsLeft = int.MaxValue;
            CheckAsync(AnInstant()).GetAwaiter().GetResult();
            _callsLeft = callsLeft;
        }

        private async Task CheckAsync(DateTimeOffset? instant)
        {
            if (Head() is not { } head) return;
            RestorePlan plan;
            try
            {
                RestorePlan.Of(head, instant); // else it lies between two epochs
            }
            catch (RestoreRefusedException)
            {
                return;
            }

            try
            {
                plan = await RestorePlanner.PlanAsync(await ListedArchive.ReadAsync(_store, default), instant, warning => Assert.Contains("by a clock that was set back", warning, StringComparison.Ordinal), default);
            }
            catch (RestoreRefusedException e)
            {
                string snapshots = string.Join(", ", (await new SnapshotCatalogue(_store).ListAsync(default)).Select(entry => entry.Id));
                throw new InvalidOperationException($"{instant:O} at {_now:O}: {e.Message}\n{System.Text.Encoding.UTF8.GetString(head.Encode())}\n{snapshots}", e);
            }

            Checks++;
            if (plan.Snapshot is { } snapshot)
            {
                SnapshotManifest manifest = await new SnapshotCatalogue(_store).ReadAsync(snapshot.Id, default);
                Assert.All(manifest.Packs, pack => Assert.True(_store[SnapshotNames.Pack(pack.Name)] is not null, $"{instant:O}: snapshot {snapshot.Id} needs {pack.Name}"));
            }

            foreach (RestoreStretch stretch in plan.Stretches.Where(stretch => !stretch.IsNothing))
            {
                ulong next = stretch.FirstGroup;
                Assert.True(next <= stretch.Behind + 1 || next == stretch.Epoch.First, $"{instant:O}: between snapshot and group {next} of epoch {stretch.Epoch.Number} something is missing");
                foreach (Group group in _groups[stretch.Epoch.Number].Where(group => group.Last > stretch.Behind && (stretch.Until is { } until ? group.Received <= until : stretch.IsWhole || group.First <= stretch.Known.Segment)))
                {
                    Assert.True(group.First >= next, $"{instant:O}: the plan begins at {next}, and needs {group.First} of epoch {stretch.Epoch.Number}");
                    Assert.True(_store[ArchiveNames.Group(stretch.Epoch.Number, group.First)] is not null, $"{instant:O}: group {group.First} of epoch {stretch.Epoch.Number} is gone");
                }
            }
        }
    }
}

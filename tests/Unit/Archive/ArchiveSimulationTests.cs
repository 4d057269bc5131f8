using System.Globalization;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;

namespace TraceStore.Tests.Unit.Archive;

/// <summary>
/// Random lives of an archived log: appended to, killed, its store failing before and after calls, its cursor and its log lost, its site lost
/// and restored. In the end the archive must give every acknowledged request once, in order, but for what a lost site hadn't archived yet.
/// ARCHIVE_LIVES and ARCHIVE_SEED say how many, and which.
/// </summary>
public sealed class ArchiveSimulationTests
{
    private const int Actions = 25;

    public static TheoryData<int> Seeds
    {
        get
        {
            int lives = int.Parse(Environment.GetEnvironmentVariable("ARCHIVE_LIVES") ?? "20", CultureInfo.InvariantCulture);
            int seed = int.Parse(Environment.GetEnvironmentVariable("ARCHIVE_SEED") ?? $"{Random.Shared.Next(1_000_000)}", CultureInfo.InvariantCulture);
            return [.. Enumerable.Range(seed, lives)];
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Whatever_happens_the_archive_has_what_was_acknowledged_once(int seed)
    {
        using var life = new Life(seed);
        for (int i = 0; i < Actions; i++) await life.ActAsync();
        Assert.Equal(await life.AcknowledgedAsync(), await life.ArchivedAsync());
    }

    private sealed class Life(int seed) : IDisposable
    {
        private readonly Random _random = new(seed);
        private readonly TemporaryDirectory _place = new();
        private readonly MemoryStore _store = new();
        private readonly List<int> _acknowledged = [];
        private ArchiveSite? _site;
        private int _sites = 1, _next, _failures;
        private bool _isDead;
        private byte[]? _earlierHead;

        private string Data => Path.Combine(_place.Path, $"site-{_sites}");

        public async Task ActAsync()
        {
            _site ??= Start();
            int chance = _random.Next(100);
            if (chance < 45) await AppendAsync();
            else if (chance < 55) await WellAsync();
            else if (chance < 70) _failures = _random.Next(1, 12);
            else if (chance < 76) _earlierHead = _store[ArchiveNames.Head];
            else if (chance < 88) await KillAsync();
            else if (chance < 92) await LoseCursorAsync();
            else if (chance < 96) await LoseLogAsync();
            else await LoseSiteAsync();
        }

        public async Task<List<int>> AcknowledgedAsync()
        {
            _site ??= Start();
            await WellAsync();
            await _site.DisposeAsync();
            _site = null;
            return _acknowledged;
        }

        /// <summary>As a restore reads it.</summary>
        public async Task<List<int>> ArchivedAsync()
        {
            List<int> archived = [];
            RestorePlan plan = RestorePlan.Of(await ArchiveSite.HeadAsync(_store), null);
            foreach (RestoreStretch stretch in plan.Stretches)
            {
                string directory = Path.Combine(_place.Path, $"restored-{Guid.NewGuid():N}");
                await new ArchivedLogFiles(_store, stretch, directory, acceptsHoles: false, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance).FetchAsync(FetchedLog.Before(stretch), long.MaxValue, _ => { }, default);
                archived.AddRange(ArchiveSite.RequestsIn(directory));
            }

            return archived;
        }

        public void Dispose() => _place.Dispose();

        private ArchiveSite Start()
        {
            _isDead = false;
            _store.Before = (operation, name, isBefore) =>
            {
                if (_isDead) throw new ObjectStoreException("The process is dead.", mayPass: true);
                lock (_place)
                {
                    if (_failures == 0 || _random.Next(2) == 0) return;
                    _failures--;
                }

                throw new ObjectStoreException($"{operation} {name} fails {(isBefore ? "before" : "after")} it is done.", mayPass: true);
            };
            return new ArchiveSite(Data, _store).Start();
        }

        private async Task AppendAsync()
        {
            int count = _random.Next(1, 30);
            await _site!.AppendAsync(_next, count);
            _acknowledged.AddRange(Enumerable.Range(_next, count));
            _next += count;
        }

        private async Task WellAsync()
        {
            lock (_place) _failures = 0;
            await _site!.UntilArchivedAsync();
        }

        /// <summary>Nothing more reaches the store; and its head may be that of a moment before.</summary>
        private async Task KillAsync()
        {
            _isDead = true;
            await _site!.EndAsync();
            _site = null;
            _isDead = false;
            ArchiveHead? head = _store[ArchiveNames.Head] is { } now ? ArchiveHead.Decode(_store, now) : null;
            if (head is null || _earlierHead is null || ArchiveHead.Decode(_store, _earlierHead) is not { } earlier || earlier.Current.Number != head.Current.Number) return;
            _store[ArchiveNames.Head] = (head with { Frontier = earlier.Frontier }).Encode();
        }

        private async Task LoseCursorAsync()
        {
            await KillAsync();
            File.Delete(Path.Combine(Data, "wal", "archive.cursor"));
        }

        /// <summary>The disk of the log, when all of it was archived.</summary>
        private async Task LoseLogAsync()
        {
            await WellAsync();
            await KillAsync();
            Directory.Delete(Path.Combine(Data, "wal"), recursive: true);
        }

        /// <summary>What wasn't archived is lost with it.</summary>
        private async Task LoseSiteAsync()
        {
            await KillAsync();
            _store.Before = (_, _, _) => { };
            if (_store[ArchiveNames.Head] is null) return;
            ArchiveHead head = await ArchiveSite.HeadAsync(_store);
            RestorePlan plan = RestorePlan.Of(head, null);
            LogGroup[] last = await new LogArchiveReader(_store).ReadAsync(head.Current.Number, head.Current.First, head.Frontier.Segment, default).ToArrayAsync();
            List<int> kept = await ArchivedAsync();
            _acknowledged.Clear();
            _acknowledged.AddRange(kept);
            _sites++;
            Directory.CreateDirectory(Data);
            new ArchiveIdentity(Guid.NewGuid(), plan.Lineage, IsBegun: true, plan.OriginAt(last.Length > 0 ? last[^1].Place.Last : 0)).Save(Data);
            _store[ArchiveNames.Head] = (head with { Writer = head.Writer! with { Until = DateTimeOffset.UtcNow } }).Encode(); // its lease is over
        }
    }
}

using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>Something that TraceStore relies on, and whether a store does it.</summary>
/// <param name="What">In words: "creates an object once only".</param>
/// <param name="Failure">What it did instead; null when it does it.</param>
/// <param name="Means">What can't be used then.</param>
public sealed record ProbeFinding(string What, string? Failure, string Means)
{
    public bool IsGood => Failure is null;
}

/// <summary>
/// Tries on the real store what TraceStore relies on, for stores differ, and some accept conditions and ignore them. What it writes lies
/// under <c>probe/</c>, and is deleted in the end.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="largeBytes">An object that the store is given in pieces.</param>
/// <param name="manyObjects">More than a list shows at once: S3 lists 1,000.</param>
public sealed class ObjectStoreProbe(IObjectStore store, int largeBytes = 20 << 20, int manyObjects = 1_001)
{
    private const int Racers = 8;
    private const string NoLease = "Two TraceStores that archive to this store wouldn't notice each other. Archive:SingleWriter=true declares that there is only one.";
    private const string NoArchive = "This store can't be used.";

    private static readonly TimeSpan s_clocksApart = TimeSpan.FromMinutes(1);

    private readonly string _folder = $"probe/{Guid.NewGuid():N}/";
    private readonly List<ProbeFinding> _findings = [];

    /// <summary>What a start must know: a few calls.</summary>
    /// <exception cref="ObjectStoreException">The store can't be reached, or refuses everything.</exception>
    public async Task<IReadOnlyList<ProbeFinding>> RunShortAsync(CancellationToken cancellation)
    {
        await CreateOnceAsync(cancellation).ConfigureAwait(false);
        await SwapAsync(cancellation).ConfigureAwait(false);
        try
        {
            await CleanUpAsync(cancellation).ConfigureAwait(false);
        }
        catch (ObjectStoreException e) when (!e.MayPass)
        {
            // a writer needn't have the right to delete
        }

        return _findings;
    }

    /// <summary>All of it: some two thousand calls.</summary>
    /// <param name="progress">Is told what is tried now.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ObjectStoreException">The store can't be reached, or refuses everything.</exception>
    public async Task<IReadOnlyList<ProbeFinding>> RunAsync(Action<string> progress, CancellationToken cancellation)
    {
        (string What, Func<CancellationToken, Task> Try)[] trials =
        [
            ("creating an object twice", CreateOnceAsync),
            ("eight that create the same object", RaceToCreateAsync),
            ("replacing what has changed, and what hasn't", SwapAsync),
            ("eight that replace the same object", RaceToSwapAsync),
            ("reading a large object, whole and in part", LargeAsync),
            ("listing more than 1,000 objects", ListManyAsync),
            ("reading what was deleted", DeleteAsync),
            ("the clocks", CompareClocksAsync),
        ];
        foreach ((string what, Func<CancellationToken, Task> trial) in trials)
        {
            progress(what);
            await trial(cancellation).ConfigureAwait(false);
        }

        progress("deleting what was written");
        await CleanUpAsync(cancellation).ConfigureAwait(false);
        return _findings;
    }

    private async Task CreateOnceAsync(CancellationToken cancellation)
    {
        string name = _folder + "once";
        bool isFirst = await store.CreateAsync(name, ObjectContent.Of("first"u8.ToArray()), cancellation).ConfigureAwait(false);
        bool isSecond = await store.CreateAsync(name, ObjectContent.Of("second"u8.ToArray()), cancellation).ConfigureAwait(false);
        string? found = await TextOfAsync(name, cancellation).ConfigureAwait(false);
        Note("reads what was written", isFirst && found is "first" or "second" ? null : $"it gave '{found}' after 'first' was written", NoArchive);
        Note("creates an object once only", !isSecond && found != "second" ? null : "a second object of the same name replaced the first", NoLease);
    }

    private async Task RaceToCreateAsync(CancellationToken cancellation)
    {
        string name = _folder + "race";
        bool[] won = await Task.WhenAll(Enumerable.Range(0, Racers).Select(i => store.CreateAsync(name, ObjectContent.Of(Encoding.ASCII.GetBytes($"racer {i}")), cancellation))).ConfigureAwait(false);
        string? found = await TextOfAsync(name, cancellation).ConfigureAwait(false);
        int winners = won.Count(isWinner => isWinner);
        bool isRight = winners == 1 && found == $"racer {Array.IndexOf(won, true)}";
        Note("lets one of several create an object", isRight ? null : $"{winners} of {Racers} were told that they had, and '{found}' is there", NoLease);
    }

    private async Task SwapAsync(CancellationToken cancellation)
    {
        string name = _folder + "swap";
        ObjectVersion? first = await store.ReplaceAsync(name, "1"u8.ToArray(), null, cancellation).ConfigureAwait(false);
        ObjectVersion? second = first is null ? null : await store.ReplaceAsync(name, "2"u8.ToArray(), first, cancellation).ConfigureAwait(false);
        ObjectVersion? stale = first is null ? null : await store.ReplaceAsync(name, "3"u8.ToArray(), first, cancellation).ConfigureAwait(false);
        string? found = await TextOfAsync(name, cancellation).ConfigureAwait(false);
        Note("replaces an object that hasn't changed", second is not null ? null : $"it refused to, and '{found}' is there", NoLease);
        Note("doesn't replace one that has", stale is null && found != "3" ? null : "it did", NoLease);
    }

    private async Task RaceToSwapAsync(CancellationToken cancellation)
    {
        string name = _folder + "race-to-swap";
        ObjectVersion? before = await store.ReplaceAsync(name, "before"u8.ToArray(), null, cancellation).ConfigureAwait(false);
        ObjectVersion?[] after = await Task.WhenAll(Enumerable.Range(0, Racers).Select(i => store.ReplaceAsync(name, Encoding.ASCII.GetBytes($"racer {i}"), before, cancellation))).ConfigureAwait(false);
        int winners = after.Count(version => version is not null);
        Note("lets one of several replace an object", winners == 1 ? null : $"{winners} of {Racers} were told that they had", NoLease);
    }

    private async Task LargeAsync(CancellationToken cancellation)
    {
        string name = _folder + "large";
        byte[] large = RandomNumberGenerator.GetBytes(largeBytes);
        await store.CreateAsync(name, ObjectContent.Of(large), cancellation).ConfigureAwait(false);
        bool isWhole = await IsSameAsync(name, 0, null, large, cancellation).ConfigureAwait(false);
        Note("keeps a large object", isWhole ? null : "it gave other bytes back", NoArchive);
        bool isPart = await IsSameAsync(name, largeBytes / 2, 1_000, large.AsMemory(largeBytes / 2, 1_000), cancellation).ConfigureAwait(false);
        Note("reads a part of it", isPart ? null : "it gave other bytes", NoArchive);
        bool isSecond = await store.CreateAsync(name, ObjectContent.Of(new byte[largeBytes]), cancellation).ConfigureAwait(false);
        Note("creates a large object once only", !isSecond ? null : "a second object of the same name replaced the first", NoLease);
    }

    private async Task ListManyAsync(CancellationToken cancellation)
    {
        string folder = _folder + "many/";
        string[] names = [.. Enumerable.Range(0, manyObjects).Select(i => $"{folder}{i:D4}")];
        await Parallel.ForEachAsync(
            names, new ParallelOptions { MaxDegreeOfParallelism = Racers, CancellationToken = cancellation },
            async (name, token) => await store.CreateAsync(name, ObjectContent.Of("x"u8.ToArray()), token).ConfigureAwait(false)).ConfigureAwait(false);
        string[] found = await NamesAsync(folder, null, cancellation).ConfigureAwait(false);
        Note("lists what was just written, all of it and in order", found.SequenceEqual(names) ? null : $"it listed {found.Length} of {manyObjects}, or not in order", NoArchive);
        string[] expected = names[(manyObjects / 2)..];
        string[] behind = await NamesAsync(folder, names[(manyObjects / 2) - 1], cancellation).ConfigureAwait(false);
        Note("lists from a name on", behind.SequenceEqual(expected) ? null : $"it listed {behind.Length} of {expected.Length}", NoArchive);
    }

    private async Task DeleteAsync(CancellationToken cancellation)
    {
        string name = _folder + "once";
        await store.DeleteAsync(name, cancellation).ConfigureAwait(false);
        bool isThere = await store.FindAsync(name, cancellation).ConfigureAwait(false) is not null;
        Note("deletes", !isThere ? null : "it says so, and keeps the object. (Does the access key have the right to delete?)", "What is no longer needed stays, and costs.");
    }

    private async Task CompareClocksAsync(CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();
        await store.FindAsync(_folder + "swap", cancellation).ConfigureAwait(false);
        TimeSpan apart = (store.Now - DateTimeOffset.UtcNow).Duration() - Stopwatch.GetElapsedTime(started);
        Note("has the same time as this machine", apart < s_clocksApart ? null : $"it says {store.Now:u}, and this machine {DateTimeOffset.UtcNow:u}", "Nothing is deleted from the store while the clocks are minutes apart. Set the wrong one right.");
    }

    private async Task CleanUpAsync(CancellationToken cancellation) =>
        await Parallel.ForEachAsync(
            await NamesAsync(_folder, null, cancellation).ConfigureAwait(false), new ParallelOptions { MaxDegreeOfParallelism = Racers, CancellationToken = cancellation },
            async (name, token) => await store.DeleteAsync(name, token).ConfigureAwait(false)).ConfigureAwait(false);

    private void Note(string what, string? failure, string means) => _findings.Add(new ProbeFinding(what, failure, means));

    private async Task<string[]> NamesAsync(string prefix, string? behind, CancellationToken cancellation) =>
        await store.ListAsync(prefix, behind, cancellation).Select(found => found.Name).ToArrayAsync(cancellation).ConfigureAwait(false);

    private async Task<string?> TextOfAsync(string name, CancellationToken cancellation) =>
        await store.GetAsync(name, cancellation).ConfigureAwait(false) is { } found ? Encoding.ASCII.GetString(found.Content.Span) : null;

    private async Task<bool> IsSameAsync(string name, long offset, long? length, ReadOnlyMemory<byte> expected, CancellationToken cancellation)
    {
        if (await store.OpenAsync(name, offset, length, cancellation).ConfigureAwait(false) is not { } stream) return false;
        await using (stream.ConfigureAwait(false))
        {
            byte[] found = new byte[expected.Length];
            int read = await stream.ReadAtLeastAsync(found, found.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
            return read == expected.Length && expected.Span.SequenceEqual(found) && await stream.ReadAsync(found, cancellation).ConfigureAwait(false) == 0;
        }
    }
}

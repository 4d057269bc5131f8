using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using TraceStore.Storage.Wal;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>
/// Objects as files of a directory: another disk, or one of another machine. An object is written beside, synced, and then given its name
/// under a lock that all processes share, so it is there whole or not at all, and never replaces another.
/// <code>
/// DIRECTORY/
///   log/00000001/…     objects, by name
///   .incoming/         objects that are being written, or that a crash left
///   .lock              held (flock) while a name is given
/// </code>
/// </summary>
public sealed class DirectoryStore : IObjectStore
{
    private static readonly EnumerationOptions s_all = new() { AttributesToSkip = FileAttributes.None };

    private readonly string _incoming;
    private readonly StoreClock _clock = new();
    private readonly SharedLock _lock;

    private volatile bool _isPrepared;

    public DirectoryStore(string directory)
    {
        Address = Path.GetFullPath(directory);
        _incoming = Path.Combine(Address, ".incoming");
        _lock = new SharedLock(Path.Combine(Address, ".lock"));
    }

    public string Address { get; }

    /// <summary>The clock of the file system, which may be another machine's: as its newest file said.</summary>
    public DateTimeOffset Now => _clock.Now;

    public async Task<bool> CreateAsync(string name, ObjectContent content, CancellationToken cancellation)
    {
        string path = PathOf(name);
        return await DoAsync("create", name, async () =>
        {
            if (IsThere(path)) return false;
            string written = await WriteAsync(name, content, cancellation).ConfigureAwait(false);
            try
            {
                using IDisposable held = await _lock.TakeAsync(cancellation).ConfigureAwait(false);
                if (IsThere(path)) return false;
                Place(written, path);
                return true;
            }
            finally
            {
                File.Delete(written); // where it is still there
            }
        }).ConfigureAwait(false);
    }

    public async Task<ObjectVersion?> ReplaceAsync(string name, ReadOnlyMemory<byte> content, ObjectVersion? expected, CancellationToken cancellation)
    {
        string path = PathOf(name);
        return await DoAsync("replace", name, async () =>
        {
            string written = await WriteAsync(name, ObjectContent.Of(content), cancellation).ConfigureAwait(false);
            try
            {
                using IDisposable held = await _lock.TakeAsync(cancellation).ConfigureAwait(false);
                ObjectVersion? found = File.Exists(path) ? VersionOf(await File.ReadAllBytesAsync(path, cancellation).ConfigureAwait(false)) : null;
                if (found != expected) return (ObjectVersion?)null;
                Place(written, path);
                return VersionOf(content.Span);
            }
            finally
            {
                File.Delete(written);
            }
        }).ConfigureAwait(false);
    }

    public async Task<StoredObject?> GetAsync(string name, CancellationToken cancellation)
    {
        string path = PathOf(name);
        return await DoAsync("read", name, async () =>
        {
            if (!File.Exists(path)) return null;
            ObjectLimits.CheckWhole(this, name, new FileInfo(path).Length);
            byte[] content = await File.ReadAllBytesAsync(path, cancellation).ConfigureAwait(false);
            return new StoredObject(content, VersionOf(content));
        }).ConfigureAwait(false);
    }

    public Task<Stream?> OpenAsync(string name, long offset, long? length, CancellationToken cancellation)
    {
        string path = PathOf(name);
        return Task.FromResult(Do("read", name, () =>
        {
            if (!File.Exists(path)) return null;
            FileStream file = File.OpenRead(path);
            file.Position = offset;
            return (Stream)new BoundedStream(file, length);
        }));
    }

    public Task<ListedObject?> FindAsync(string name, CancellationToken cancellation)
    {
        var file = new FileInfo(PathOf(name));
        return Task.FromResult(Do("look at", name, () => file.Exists ? new ListedObject(name, file.Length, file.LastWriteTimeUtc) : null));
    }

    public async IAsyncEnumerable<ListedObject> ListAsync(string prefix, string? behind, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        var folders = new Stack<Queue<(string Name, FileSystemInfo Entry)>>([EntriesOf("", prefix, behind)]);
        while (folders.TryPeek(out var entries))
        {
            cancellation.ThrowIfCancellationRequested();
            if (!entries.TryDequeue(out var next)) folders.Pop();
            else if (next.Entry is not FileInfo file) folders.Push(EntriesOf(next.Name, prefix, behind));
            else if (Do("list", next.Name, () => Listed(next.Name, file)) is { } found) yield return found;
        }
    }

    public async Task DeleteAsync(string name, CancellationToken cancellation)
    {
        string path = PathOf(name);
        await DoAsync("delete", name, async () =>
        {
            if (!File.Exists(path)) return false;
            using IDisposable held = await _lock.TakeAsync(cancellation).ConfigureAwait(false);
            File.Delete(path);
            string folder = Path.GetDirectoryName(path)!;
            for (; folder != Address && !Directory.EnumerateFileSystemEntries(folder).Any(); folder = Path.GetDirectoryName(folder)!) Directory.Delete(folder);
            DirectorySync.Sync(folder);
            return true;
        }).ConfigureAwait(false);
    }

    /// <summary>What a crash left half written.</summary>
    public Task<int> TakeBackForgottenAsync(TimeSpan age, CancellationToken cancellation) => Task.FromResult(Do("clean up", "", () =>
    {
        if (!Directory.Exists(_incoming)) return 0;
        string[] forgotten = [.. Directory.EnumerateFiles(_incoming).Where(path => File.GetLastWriteTimeUtc(path) < (Now - age).UtcDateTime)];
        foreach (string path in forgotten) File.Delete(path);
        return forgotten.Length;
    }));

    public ValueTask DisposeAsync()
    {
        _lock.Dispose();
        return default;
    }

    private static ObjectVersion VersionOf(ReadOnlySpan<byte> content) => new(Convert.ToHexString(SHA256.HashData(content)));

    /// <summary>Objects' files are their owner's alone, also where the process lets others read what it creates.</summary>
    private static void FolderForOwner(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private string PathOf(string name)
    {
        ObjectName.Check(name);
        return Path.Combine(Address, name);
    }

    /// <summary>Before the first write: a store that is only read is left as it is.</summary>
    private void Prepare()
    {
        FolderForOwner(_incoming);
        if (_isPrepared) return;
        DirectorySync.Sync(Path.GetDirectoryName(Address)!);
        _isPrepared = true;
    }

    /// <summary>Whether a name is taken, durably: whoever gave it may have been killed before its folder was synced.</summary>
    private static bool IsThere(string path)
    {
        if (!File.Exists(path)) return false;
        DirectorySync.Sync(Path.GetDirectoryName(path)!);
        return true;
    }

    /// <summary>Writes beside, durably.</summary>
    private async Task<string> WriteAsync(string name, ObjectContent content, CancellationToken cancellation)
    {
        Prepare();
        string path = Path.Combine(_incoming, Guid.NewGuid().ToString("N"));
        try
        {
            var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);
            await using (file.ConfigureAwait(false))
            {
                if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file.SafeFileHandle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                Stream source = content.Open();
                await using (source.ConfigureAwait(false)) await source.CopyToAsync(file, cancellation).ConfigureAwait(false);
                if (file.Length != content.Length) throw new IOException($"it has {file.Length} bytes where {content.Length} were announced: it has changed meanwhile.");
                await file.FlushAsync(cancellation).ConfigureAwait(false);
                DirectorySync.SyncFile(file.SafeFileHandle);
            }

            _clock.Note(File.GetLastWriteTimeUtc(path));
            return path;
        }
        catch
        {
            File.Delete(path);
            throw;
        }
    }

    /// <summary>Gives what was written its name, durably, folders included.</summary>
    private void Place(string written, string path)
    {
        List<string> changed = [Path.GetDirectoryName(path)!];
        while (!Directory.Exists(changed[^1]) && changed[^1].Length > Address.Length) changed.Add(Path.GetDirectoryName(changed[^1])!);
        FolderForOwner(changed[0]);
        File.Move(written, path, overwrite: true);
        foreach (string folder in changed) DirectorySync.Sync(folder);
    }

    /// <summary>A folder's objects and folders that have such names or may hold such, in order of names: folders before and behind aren't looked into.</summary>
    /// <param name="folder">Its name, with a slash at its end.</param>
    /// <param name="prefix">What names begin with.</param>
    /// <param name="behind">What they come behind.</param>
    private Queue<(string Name, FileSystemInfo Entry)> EntriesOf(string folder, string prefix, string? behind) => Do("list", folder, () =>
    {
        var info = new DirectoryInfo(Path.Combine(Address, folder));
        if (!info.Exists) return new();
        var entries = info.EnumerateFileSystemInfos("*", s_all)
            .Select(entry => (Name: entry is DirectoryInfo ? $"{folder}{entry.Name}/" : folder + entry.Name, Entry: entry))
            .Where(entry => entry.Entry is DirectoryInfo ? MayHold(entry.Name) : entry.Name.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(entry.Name, behind) > 0 && ObjectName.IsValid(entry.Name))
            .OrderBy(entry => entry.Name, StringComparer.Ordinal);
        return new Queue<(string, FileSystemInfo)>(entries);

        bool MayHold(string name) =>
            ObjectName.IsValid(name[..^1])
            && (name.StartsWith(prefix, StringComparison.Ordinal) || prefix.StartsWith(name, StringComparison.Ordinal))
            && (string.CompareOrdinal(name, behind) > 0 || behind!.StartsWith(name, StringComparison.Ordinal));
    });

    /// <summary>Null for what has gone meanwhile.</summary>
    private static ListedObject? Listed(string name, FileInfo file) => file.Exists ? new ListedObject(name, file.Length, file.LastWriteTimeUtc) : null;

    private T Do<T>(string operation, string name, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (IsDisk(e))
        {
            throw Failure(operation, name, e);
        }
    }

    private async Task<T> DoAsync<T>(string operation, string name, Func<Task<T>> action)
    {
        try
        {
            return await action().ConfigureAwait(false);
        }
        catch (Exception e) when (IsDisk(e))
        {
            throw Failure(operation, name, e);
        }
    }

    private static bool IsDisk(Exception e) => e is (IOException or UnauthorizedAccessException) and not (ObjectStoreException or ObjectDamagedException);

    private ObjectStoreException Failure(string operation, string name, Exception cause)
    {
        string what = name.Length > 0 ? $"{name} in {Address}" : Address;
        string hint = cause is UnauthorizedAccessException ? "Give this user the right to read and write there." : "Is its disk mounted, writable and not full?";
        return new ObjectStoreException($"Can't {operation} {what}: {cause.Message} {hint}", mayPass: cause is not UnauthorizedAccessException, cause);
    }
}

using System.Buffers;
using System.Formats.Tar;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Snapshots;

/// <summary>
/// A folder of files that don't change any more, as one object: a tar archive of them, and behind them <c>SHA256SUMS</c>, as sha256sum writes
/// it. The object is named by the SHA-256 of these sums: so equal folders are one object, an object proves itself, and who has nothing but
/// the store unpacks and checks it with tar and sha256sum.
/// </summary>
public sealed class FolderPack
{
    private const string SumsName = "SHA256SUMS";
    private const int TarBlockBytes = 512;
    private const int MaxPlainName = 100;
    private const int PipeBytes = 1 << 20;

    /// <summary>What comes of a store may name as many and as much as it likes.</summary>
    private const int MaxFiles = 100_000, MaxSumsBytes = 16 << 20;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly string _folder;
    private readonly IReadOnlyList<(string Name, long Length)> _files;
    private readonly byte[] _sums;

    private FolderPack(string folder, IReadOnlyList<(string Name, long Length)> files, byte[] sums)
    {
        (_folder, _files, _sums) = (folder, files, sums);
        Name = Convert.ToHexStringLower(SHA256.HashData(sums));
        Content = new ObjectContent(files.Append((SumsName, sums.Length)).Sum(file => TarBytes(file.Item1, file.Item2)) + (2 * TarBlockBytes), Open);
    }

    /// <summary>What it is named by: 64 hexadecimal digits.</summary>
    public string Name { get; }

    /// <summary>The object.</summary>
    public ObjectContent Content { get; }

    /// <summary>Reads a folder's files once, for their sums. They are read again when the object is written.</summary>
    /// <exception cref="IOException">One can't be read, or isn't a plain file.</exception>
    public static async Task<FolderPack> OfAsync(string folder, CancellationToken cancellation)
    {
        if (Directory.EnumerateDirectories(folder).FirstOrDefault() is { } inner) throw new IOException($"BUG: {inner} is a folder, which a pack doesn't take.");
        List<(string, long)> files = [];
        var sums = new StringBuilder();
        foreach (FileInfo file in new DirectoryInfo(folder).EnumerateFiles().OrderBy(file => file.Name, StringComparer.Ordinal))
        {
            FileStream stream = file.OpenRead();
            await using (stream.ConfigureAwait(false))
            {
                sums.Append(Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellation).ConfigureAwait(false))).Append("  ").Append(file.Name).Append('\n');
                files.Add((file.Name, stream.Length));
            }
        }

        return new FolderPack(folder, files, s_utf8.GetBytes(sums.ToString()));
    }

    /// <summary>Unpacks an object into a folder that isn't there yet, and holds every byte against its name. Not durable yet. Without a folder, it only looks.</summary>
    /// <param name="pack">The object.</param>
    /// <param name="name">What it is named by.</param>
    /// <param name="folder">Where to.</param>
    /// <param name="progress">Is told the bytes of each file.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Bytes of the files.</returns>
    /// <exception cref="InvalidDataException">It isn't what its name says: what is in the folder is worth nothing.</exception>
    public static async Task<long> UnpackAsync(Stream pack, string name, string? folder, Action<long>? progress, CancellationToken cancellation)
    {
        if (folder is not null) Directory.CreateDirectory(folder);
        var found = new StringBuilder();
        byte[]? sums = null;
        (long bytes, int files) = (0, 0);
        try
        {
            var tar = new TarReader(pack, leaveOpen: true);
            await using (tar.ConfigureAwait(false))
            {
                while (await tar.GetNextEntryAsync(copyData: false, cancellation).ConfigureAwait(false) is { } entry)
                {
                    if (sums is not null) throw new InvalidDataException($"{entry.Name} comes behind {SumsName}");
                    if (entry.Name == SumsName)
                    {
                        sums = await ReadSumsAsync(entry, cancellation).ConfigureAwait(false);
                        continue;
                    }

                    if (++files > MaxFiles) throw new InvalidDataException($"it has more than {MaxFiles} files");
                    string sum = await WriteFileAsync(entry, folder, cancellation).ConfigureAwait(false);
                    found.Append(sum).Append("  ").Append(entry.Name).Append('\n');
                    bytes += entry.Length;
                    progress?.Invoke(entry.Length);
                }
            }
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException or ArgumentException)
        {
            throw new InvalidDataException($"it is no whole tar archive: {e.Message}", e);
        }

        if (sums is null) throw new InvalidDataException($"{SumsName} is missing: it was cut off");
        if (Convert.ToHexStringLower(SHA256.HashData(sums)) != name) throw new InvalidDataException($"its {SumsName} are others than its name says");
        if (!s_utf8.GetBytes(found.ToString()).AsSpan().SequenceEqual(sums)) throw new InvalidDataException($"its files have other contents than its {SumsName} say{FirstDifference(s_utf8.GetString(sums), found.ToString())}");
        return bytes;
    }

    private static string FirstDifference(string expected, string found)
    {
        string? other = expected.Split('\n').Except(found.Split('\n')).FirstOrDefault();
        return other is { Length: > 66 } ? $", {other[66..]} for one" : "";
    }

    private static async Task<byte[]> ReadSumsAsync(TarEntry entry, CancellationToken cancellation)
    {
        if (entry.Length > MaxSumsBytes) throw new InvalidDataException($"its {SumsName} have {entry.Length} bytes");
        byte[] sums = new byte[entry.Length];
        if (entry.DataStream is { } stream) await stream.ReadExactlyAsync(sums, cancellation).ConfigureAwait(false);
        return sums;
    }

    /// <summary>Returns the SHA-256 of what was written.</summary>
    private static async Task<string> WriteFileAsync(TarEntry entry, string? folder, CancellationToken cancellation)
    {
        bool isPlain = entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile && entry.Name.Length > 0 && entry.Name == Path.GetFileName(entry.Name) && entry.Name is not ("." or "..");
        if (!isPlain) throw new InvalidDataException("it holds something else than plain files");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Stream file = folder is null ? Stream.Null : new FileStream(Path.Combine(folder, entry.Name), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        await using (file.ConfigureAwait(false))
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(PipeBytes);
            try
            {
                while (entry.DataStream is { } stream && await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false) is > 0 and int read)
                {
                    hash.AppendData(buffer, 0, read);
                    await file.WriteAsync(buffer.AsMemory(0, read), cancellation).ConfigureAwait(false);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>An entry's header, before it another one for a name that is too long for it, and its content, each in whole blocks (GNU tar).</summary>
    private static long TarBytes(string name, long length)
    {
        int nameBytes = s_utf8.GetByteCount(name);
        return TarBlockBytes + (nameBytes > MaxPlainName ? TarBlockBytes + Blocks(nameBytes + 1) : 0) + Blocks(length);
    }

    private static long Blocks(long length) => (length + TarBlockBytes - 1) / TarBlockBytes * TarBlockBytes;

    private PulledStream Open()
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: PipeBytes, resumeWriterThreshold: PipeBytes / 2));
        var stop = new CancellationTokenSource();
        Task writing = Task.Run(() => WriteAsync(pipe.Writer, stop.Token));
        return new PulledStream(pipe.Reader, writing, stop, Content.Length);
    }

    private async Task WriteAsync(PipeWriter target, CancellationToken cancellation)
    {
        Exception? failure = null;
        try
        {
            var tar = new TarWriter(target.AsStream(leaveOpen: true), TarEntryFormat.Gnu, leaveOpen: true);
            await using (tar.ConfigureAwait(false))
            {
                foreach ((string name, long length) in _files)
                {
                    FileStream file = File.OpenRead(Path.Combine(_folder, name));
                    await using (file.ConfigureAwait(false))
                    {
                        if (file.Length != length) throw new IOException($"{file.Name} has changed meanwhile.");
                        await tar.WriteEntryAsync(Entry(name, file), cancellation).ConfigureAwait(false);
                    }
                }

                await tar.WriteEntryAsync(Entry(SumsName, new MemoryStream(_sums)), cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            failure = e;
        }

        await target.CompleteAsync(failure).ConfigureAwait(false);
    }

    /// <summary>The same bytes each time.</summary>
    private static GnuTarEntry Entry(string name, Stream content) => new(TarEntryType.RegularFile, name)
    {
        DataStream = content,
        Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        ModificationTime = DateTimeOffset.UnixEpoch,
    };

    /// <summary>Reads what is written meanwhile.</summary>
    private sealed class PulledStream(PipeReader source, Task writing, CancellationTokenSource stop, long length) : ReadStream
    {
        private readonly Stream _stream = source.AsStream();

        public override long Length => length;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _stream.ReadAsync(buffer, cancellationToken);

        public override async ValueTask DisposeAsync()
        {
            if (!stop.IsCancellationRequested)
            {
                await stop.CancelAsync().ConfigureAwait(false);
                await source.CompleteAsync().ConfigureAwait(false);
                await writing.ConfigureAwait(false);
                stop.Dispose();
            }

            await base.DisposeAsync().ConfigureAwait(false);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing && !stop.IsCancellationRequested)
            {
                stop.Cancel();
                source.Complete();
            }

            base.Dispose(disposing);
        }
    }
}

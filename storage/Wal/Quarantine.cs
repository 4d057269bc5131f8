using System.Globalization;

namespace TraceStore.Storage.Wal;

/// <summary>Something that was set aside for a person to look at.</summary>
/// <param name="Name">What to call it by.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Time">When it was set aside.</param>
/// <param name="Reason">Why, in words.</param>
/// <param name="CanReplay">Whether it is a segment, which can be given back; damaged bytes can't.</param>
public sealed record QuarantineEntry(string Name, long Bytes, DateTime Time, string Reason, bool CanReplay);

/// <summary>
/// What the log couldn't give to a sink: segments that were refused time and again, and bytes that can't be read. They hold
/// up nothing here, and nothing deletes them. A segment can be given back: it keeps its number, by which the sink finds out
/// whether it has it already. The layout is drawn in FORMAT.md.
/// </summary>
/// <param name="walDirectory">The log's folder.</param>
public sealed class Quarantine(string walDirectory)
{
    private const string ReasonExtension = ".reason";
    private const string SegmentExtension = ".wal";
    private const string DamageExtension = ".damaged";

    private readonly string _directory = Path.Combine(walDirectory, "quarantine");
    private readonly string _replay = Path.Combine(walDirectory, "replay");

    /// <summary>How many entries there are.</summary>
    public int Count => Files().Count();

    /// <summary>Keeps a segment that no sink will take; the log may let go of it then.</summary>
    public void SetAside(SealedSegment segment, string reason)
    {
        string path = Path.Combine(_directory, Path.GetFileName(segment.Path));
        WriteReason(path, reason);
        // Under another name first: a file of the right name is whole.
        File.Copy(segment.Path, path + ".new", overwrite: true);
        using (var file = new FileStream(path + ".new", FileMode.Open, FileAccess.Write))
        {
            file.SetLength(Math.Min(file.Length, segment.Bytes));
            file.Flush();
            DirectorySync.SyncFile(file.SafeFileHandle);
        }

        File.Move(path + ".new", path, overwrite: true);
        DirectorySync.Sync(_directory);
    }

    /// <summary>Keeps bytes of a segment that can't be read. False when they are kept already.</summary>
    public bool SetAside(SealedSegment segment, WalCorruption damage)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileNameWithoutExtension(segment.Path)}-{damage.Offset}{DamageExtension}");
        string path = Path.Combine(_directory, name);
        if (File.Exists(path)) return false;

        WriteReason(path, damage.Reason);
        byte[] bytes = new byte[damage.Length];
        using (var source = File.OpenHandle(segment.Path)) RandomAccess.Read(source, bytes, damage.Offset);
        WriteDurably(path + ".new", bytes);
        File.Move(path + ".new", path);
        DirectorySync.Sync(_directory);
        return true;
    }

    /// <summary>Notes segments that are gone, so that it is not forgotten that there were any.</summary>
    public void NoteMissing(ulong first, ulong last, string reason)
    {
        string name = first == last ? Name(first) : $"{Name(first)}-{Name(last)}";
        string path = Path.Combine(_directory, name + "-missing" + DamageExtension);
        if (File.Exists(path)) return;
        WriteReason(path, first == last ? $"The segment is missing: {reason}." : $"The segments are missing: {reason}.");
        WriteDurably(path, []);
        DirectorySync.Sync(_directory);

        static string Name(ulong number) => number.ToString("D20", CultureInfo.InvariantCulture);
    }

    /// <summary>All entries, oldest first.</summary>
    public IReadOnlyList<QuarantineEntry> Entries() =>
    [
        .. from path in Files().Order(StringComparer.Ordinal)
           let reason = path + ReasonExtension
           select new QuarantineEntry(
               Path.GetFileName(path),
               new FileInfo(path).Length,
               File.GetLastWriteTimeUtc(path),
               File.Exists(reason) ? File.ReadAllText(reason) : "",
               Path.GetExtension(path) == SegmentExtension),
    ];

    /// <summary>Makes the folders, so that they belong to whoever stores and not to whoever gives back first.</summary>
    public void Prepare()
    {
        Directory.CreateDirectory(_directory);
        Directory.CreateDirectory(_replay);
    }

    /// <summary>Gives a segment back to the sink, which takes it when it next looks.</summary>
    public void GiveBack(string name)
    {
        Directory.CreateDirectory(_replay);
        File.Move(Path.Combine(_directory, name), Path.Combine(_replay, name), overwrite: true);
        DirectorySync.Sync(_replay);
        DirectorySync.Sync(_directory);
    }

    /// <summary>Whether a segment was given back and not yet taken.</summary>
    public bool IsGivenBack(string name) => File.Exists(Path.Combine(_replay, name));

    /// <summary>A segment that was given back, if there is one.</summary>
    public SealedSegment? NextGivenBack()
    {
        if (!Directory.Exists(_replay)) return null;
        FileInfo? file = WalSegment.FilesIn(_replay).Select(path => new FileInfo(path)).FirstOrDefault(file => file.Exists);
        return file is null ? null : new SealedSegment(file.FullName, WalSegment.NumberOf(file.FullName), file.Length);
    }

    /// <summary>
    /// Copies all that is set aside, and what was given back and isn't taken yet, as it is now: by hard links where the system has them.
    /// For who sees to it that nothing is taken meanwhile.
    /// </summary>
    /// <param name="folder">Where to, on the same disk; it isn't there yet.</param>
    /// <returns>Whether there was anything.</returns>
    public bool CopyTo(string folder)
    {
        FileInfo[] files = [.. new[] { _directory, _replay }.Where(Directory.Exists).SelectMany(from => new DirectoryInfo(from).EnumerateFiles()).Where(file => file.Extension is SegmentExtension or DamageExtension or ReasonExtension)];
        if (files.Length == 0) return false;
        Directory.CreateDirectory(folder);
        foreach (FileInfo file in files)
        {
            string target = Path.Combine(folder, file.Name);
            if (file.Extension == ReasonExtension || !HardLink.TryCreate(file.FullName, target)) file.CopyTo(target, overwrite: true);
        }

        return true;
    }

    /// <summary>A segment that was given back is stored, or set aside again.</summary>
    public void Finish(SealedSegment givenBack)
    {
        string set = Path.Combine(_directory, Path.GetFileName(givenBack.Path));
        if (!File.Exists(set)) File.Delete(set + ReasonExtension);
        File.Delete(givenBack.Path); // last: when it is gone, all is done
    }

    private void WriteReason(string path, string reason)
    {
        Directory.CreateDirectory(_directory);
        WriteDurably(path + ReasonExtension, System.Text.Encoding.UTF8.GetBytes(reason));
    }

    private static void WriteDurably(string path, ReadOnlySpan<byte> bytes)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
        file.Write(bytes);
        file.Flush();
        DirectorySync.SyncFile(file.SafeFileHandle);
    }

    private IEnumerable<string> Files() => Directory.Exists(_directory)
        ? Directory.EnumerateFiles(_directory).Where(path => Path.GetExtension(path) is SegmentExtension or DamageExtension)
        : [];
}

namespace TraceStore.Storage.Wal;

/// <summary>Small files that are replaced whole, so that a crash leaves the old content or the new.</summary>
public static class DurableFile
{
    /// <summary>Writes beside, syncs, renames, and syncs the folder.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        using (var file = new FileStream(path + ".new", FileMode.Create, FileAccess.Write))
        {
            file.Write(content);
            file.Flush();
            DirectorySync.SyncFile(file.SafeFileHandle);
        }

        File.Move(path + ".new", path, overwrite: true);
        DirectorySync.Sync(Path.GetDirectoryName(path)!);
    }
}

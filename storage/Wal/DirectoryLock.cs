namespace TraceStore.Storage.Wal;

/// <summary>Keeps a second process out of a folder. The system lets go of it when the process ends, however it ends.</summary>
public sealed class DirectoryLock : IDisposable
{
    private readonly FileStream _file;

    private DirectoryLock(FileStream file) => _file = file;

    /// <summary>Creates the folder if need be, for its owner only, and locks it.</summary>
    /// <exception cref="IOException">Another process holds the lock, or the folder can't be written.</exception>
    public static DirectoryLock Acquire(string directory)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
        else Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string path = Path.Combine(directory, "lock");
        try
        {
            return new DirectoryLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new IOException($"Another TraceStore uses {directory} ({path} is locked). Stop it, or give this one a data directory of its own with --data.", e);
        }
    }

    public void Dispose() => _file.Dispose();
}

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
        string path = Path.Combine(directory, "lock");
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
            else Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return new DirectoryLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"Can't write to {directory}: {e.Message} Give this user the right to, or choose another data directory with --data.", e);
        }
        catch (IOException e) when (!File.Exists(path))
        {
            throw new IOException($"Can't create {directory}: {e.Message} Choose another data directory with --data.", e);
        }
        catch (IOException e)
        {
            throw new IOException($"Another TraceStore uses {directory} ({path} is locked). Stop it, or give this one a data directory of its own with --data.", e);
        }
    }

    public void Dispose() => _file.Dispose();
}

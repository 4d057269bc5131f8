using System.Globalization;

namespace TraceStore.Storage.Wal;

/// <summary>
/// Keeps a second process out of a folder. The system lets go of it when the process ends, however it ends. A file beside the
/// lock's says which process has it.
/// </summary>
public sealed class DirectoryLock : IDisposable
{
    private const string FileName = "lock";
    private const string HolderFileName = "lock.process";

    private readonly FileStream _file;

    private DirectoryLock(FileStream file) => _file = file;

    /// <summary>Creates the folder if need be, for its owner only, and locks it.</summary>
    /// <exception cref="IOException">Another process holds the lock, or the folder can't be written; the message says what to do.</exception>
    public static DirectoryLock Acquire(string directory)
    {
        string path = Path.Combine(directory, FileName);
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
            else Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            NoteHolder(directory);
            return new DirectoryLock(file);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"Can't write to {directory}: {e.Message} Give this user the right to, or choose another data directory with --data.", e);
        }
        catch (IOException e) when (IsHeld(directory))
        {
            throw new IOException($"Another TraceStore{Holder(directory)} uses {directory}. Stop it, or give this one a data directory of its own with --data.", e);
        }
        catch (IOException e)
        {
            throw new IOException($"Can't use {directory}: {e.Message} Is the disk mounted, writable and not full? Or choose another data directory with --data.", e);
        }
    }

    /// <summary>Whether a folder has been locked before, by whomever.</summary>
    public static bool Exists(string directory) => File.Exists(Path.Combine(directory, FileName));

    /// <summary>Whether a process holds the lock on a folder.</summary>
    public static bool IsHeld(string directory)
    {
        string path = Path.Combine(directory, FileName);
        if (!File.Exists(path)) return false;
        try
        {
            // Reading alone asks for a shared lock, which a read-only disk gives as well.
            using var probe = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    public void Dispose() => _file.Dispose();

    private static void NoteHolder(string directory)
    {
        try
        {
            File.WriteAllText(Path.Combine(directory, HolderFileName), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            // the disk is full: the message to a second process is the poorer for it
        }
    }

    private static string Holder(string directory)
    {
        try
        {
            return $" (process {File.ReadAllText(Path.Combine(directory, HolderFileName))})";
        }
        catch (IOException)
        {
            return "";
        }
    }
}

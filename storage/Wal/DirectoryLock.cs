using System.Globalization;

namespace TraceStore.Storage.Wal;

/// <summary>
/// Keeps a second process out of a folder. The system lets go of it when the process ends, however it ends. The lock's file
/// says which process holds it.
/// </summary>
public sealed class DirectoryLock : IDisposable
{
    private const string FileName = "lock";

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
            file.SetLength(0);
            file.Write(System.Text.Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
            file.Flush();
            return new DirectoryLock(file);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"Can't write to {directory}: {e.Message} Give this user the right to, or choose another data directory with --data.", e);
        }
        catch (IOException e) when (IsHeld(directory))
        {
            throw new IOException($"Another TraceStore{Holder(path)} uses {directory}. Stop it, or give this one a data directory of its own with --data.", e);
        }
        catch (IOException e)
        {
            throw new IOException($"Can't use {directory}: {e.Message} Is the disk mounted, writable and not full? Or choose another data directory with --data.", e);
        }
    }

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

    private static string Holder(string path)
    {
        try
        {
            using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            return int.TryParse(reader.ReadToEnd(), CultureInfo.InvariantCulture, out int process) ? $" (process {process})" : "";
        }
        catch (IOException)
        {
            return "";
        }
    }
}

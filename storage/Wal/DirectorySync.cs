using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace TraceStore.Storage.Wal;

/// <summary>Makes durable what the system holds in memory of a folder or file, so that it survives a power cut.</summary>
public static partial class DirectorySync
{
    private const int ReadOnly = 0;

    /// <summary>
    /// Makes a folder's names durable: a new, renamed or deleted file survives a power cut only once its folder is synced.
    /// On Windows, whose folders can't be synced and needn't be, it does nothing.
    /// </summary>
    public static void Sync(string directory) => Sync(directory, FSync);

    /// <summary>Makes everything durable that was written to the file system of a folder, by whatever process. Linux only; elsewhere it syncs the folder.</summary>
    public static void SyncFileSystem(string directory) => Sync(directory, OperatingSystem.IsLinux() ? SyncFs : FSync);

    /// <summary>
    /// Makes a file's content durable. Not by the runtime's own flush: that takes some failures for success, such as that
    /// of a file system which has just become read-only because of an error.
    /// </summary>
    /// <exception cref="IOException">It isn't durable.</exception>
    public static void SyncFile(SafeFileHandle file)
    {
        if (OperatingSystem.IsWindows())
        {
            RandomAccess.FlushToDisk(file);
            return;
        }

        bool isHeld = false;
        try
        {
            file.DangerousAddRef(ref isHeld);
            if (FSync((int)file.DangerousGetHandle()) == 0) return;
            var cause = new Win32Exception(Marshal.GetLastPInvokeError());
            throw new IOException($"Cannot sync: {cause.Message}.", cause);
        }
        finally
        {
            if (isHeld) file.DangerousRelease();
        }
    }

    private static void Sync(string directory, Func<int, int> sync)
    {
        if (OperatingSystem.IsWindows()) return;

        int descriptor = Open(directory, ReadOnly);
        if (descriptor < 0) throw Failure("open", directory);
        try
        {
            if (sync(descriptor) != 0) throw Failure("sync", directory);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static IOException Failure(string operation, string directory)
    {
        var cause = new Win32Exception(Marshal.GetLastPInvokeError());
        return new IOException($"Cannot {operation} the folder {directory}: {cause.Message}.", cause);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int SyncFs(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}

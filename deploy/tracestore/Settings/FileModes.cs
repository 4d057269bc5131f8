using System.Runtime.InteropServices;

namespace TraceStore.Settings;

/// <summary>Keeps other users of the machine out of the files: they hold what services sent.</summary>
internal static partial class FileModes
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>From now on, every file and folder that this process and its children create is for its owner alone.</summary>
    public static void CreateForOwnerOnly()
    {
        if (!OperatingSystem.IsWindows()) _ = SetMask((uint)Others);
    }

    /// <summary>Whether others can look into a folder that was there before.</summary>
    public static bool IsOpenToOthers(string directory) => !OperatingSystem.IsWindows() && Directory.Exists(directory) && (File.GetUnixFileMode(directory) & Others) != 0;

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint SetMask(uint mask);
}

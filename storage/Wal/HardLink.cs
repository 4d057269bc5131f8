using System.Runtime.InteropServices;

namespace TraceStore.Storage.Wal;

/// <summary>A second name for a file: its content stays for as long as one is left.</summary>
internal static partial class HardLink
{
    /// <summary>False where the system, or the disk, has none, or the name is taken.</summary>
    public static bool TryCreate(string file, string name) => !OperatingSystem.IsWindows() && Link(file, name) == 0;

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string file, string name);
}

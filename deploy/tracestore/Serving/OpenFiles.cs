using System.Runtime.InteropServices;

namespace TraceStore.Serving;

/// <summary>
/// How many files and connections this process may have open (RLIMIT_NOFILE), and how they are shared out. Linux and macOS;
/// elsewhere there is no such limit.
/// </summary>
internal static partial class OpenFiles
{
    /// <summary>Below, TraceStore doesn't start.</summary>
    public const int Least = 768;

    /// <summary>
    /// For the program's libraries, which stay open (some 250), the log, ClickHouse's connections, connections that are being
    /// refused, and files that are open for a moment.
    /// </summary>
    private const int Reserve = 512;

    /// <summary>More connections are of no use, and each takes memory.</summary>
    private const int MostConnections = 16_384;

    private const int NumberOfFilesOnLinux = 7;
    private const int NumberOfFilesOnMac = 8;

    /// <summary>The limit; null where there is none.</summary>
    public static long? Limit
    {
        get
        {
            if (OperatingSystem.IsWindows()) return null;
            return GetLimit(OperatingSystem.IsMacOS() ? NumberOfFilesOnMac : NumberOfFilesOnLinux, out FileLimits limits) == 0 && limits.Soft <= int.MaxValue ? (long)limits.Soft : null;
        }
    }

    /// <summary>Connections at all doors together.</summary>
    public static int ConnectionsWithin(long? limit) => (int)Math.Clamp((limit ?? long.MaxValue) - Reserve, 1, MostConnections);

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetLimit(int resource, out FileLimits limits);

    private struct FileLimits
    {
        public ulong Soft;
        public ulong Hard;
    }
}

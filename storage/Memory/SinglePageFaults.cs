using System.Runtime.InteropServices;

namespace TraceStore.Storage.Memory;

/// <summary>
/// Has Linux map files' pages one by one as they are touched, instead of sixteen at a time: of a library that is touched here and
/// there, most of what comes along is never used. Mappings that userfaultfd(2) knows are mapped so (from Linux 6.7 on); nothing waits
/// for their faults, and no page is ever protected.
/// </summary>
internal sealed partial class SinglePageFaults : IDisposable
{
    private const int UserModeOnly = 1, CloseOnExec = 0x80000, NonBlocking = 0x800; // so anybody may have one

    private const ulong Version = 0xAA; // UFFD_API
    private const ulong WriteProtectAsync = 1 << 15; // the feature by which it takes mappings of files
    private const ulong WriteProtect = 2; // the mode that it takes them in
    private const nuint Handshake = 0xC018AA3F, Register = 0xC020AA00; // UFFDIO_API, UFFDIO_REGISTER

    private readonly int _descriptor;

    private SinglePageFaults(int descriptor) => _descriptor = descriptor;

    /// <summary>Null where the system can't.</summary>
    public static SinglePageFaults? Open()
    {
        nint number = RuntimeInformation.ProcessArchitecture switch { Architecture.X64 => 323, Architecture.Arm64 => 282, _ => -1 };
        if (!OperatingSystem.IsLinux() || number < 0) return null;
        int descriptor = (int)SystemCall(number, UserModeOnly | CloseOnExec | NonBlocking);
        if (descriptor < 0) return null;
        var faults = new SinglePageFaults(descriptor);
        Span<ulong> handshake = [Version, WriteProtectAsync, 0];
        if (Control(descriptor, Handshake, ref handshake[0]) == 0) return faults;
        faults.Dispose();
        return null;
    }

    /// <summary>Where it refuses a mapping, that is mapped as ever.</summary>
    public void Watch(ulong start, ulong end)
    {
        Span<ulong> request = [start, end - start, WriteProtect, 0];
        _ = Control(_descriptor, Register, ref request[0]);
    }

    /// <summary>From then on all is mapped as ever.</summary>
    public void Dispose() => _ = Close(_descriptor);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, nint flags);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Control(int descriptor, nuint request, ref ulong argument);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}

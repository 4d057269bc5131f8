using System.Globalization;
using System.Runtime.InteropServices;
using TraceStore.Storage.Memory;

namespace TraceStore.Tests.Unit.Memory;

public partial class MappedFilesTests
{
    [Fact]
    public void Only_what_is_the_files_own_is_let_go()
    {
        (ulong, ulong)[] found = [.. MappedFiles.Unchanged(
            [
                .. Mapping(1, "r--p", "/opt/lib/libchdb.so", anonymous: 0, swap: 0),
                .. Mapping(2, "r-xp", "/opt/with space/other.dll", anonymous: 0, swap: 0),
                .. Mapping(3, "r--p", "/opt/lib/libchdb.so", anonymous: 12, swap: 0),
                .. Mapping(4, "r--p", "/opt/lib/libchdb.so", anonymous: 0, swap: 12),
                .. Mapping(5, "rw-p", "/opt/lib/libchdb.so", anonymous: 0, swap: 0),
                .. Mapping(6, "r-xs", "/memfd:doublemapper (deleted)", anonymous: 0, swap: 0),
                .. Mapping(7, "r-xp", "/opt/lib/replaced.so (deleted)", anonymous: 0, swap: 0),
                .. Mapping(8, "r-xp", "[vdso]", anonymous: 0, swap: 0),
                .. Mapping(9, "r--p", "/data/file.bin", anonymous: 0, swap: 0),
                .. Mapping(10, "r--p", "", anonymous: 0, swap: 0),
            ]).Select(mapping => (mapping.Start, mapping.End))];

        Assert.Equal([(0x7f0000001000UL, 0x7f0000002000UL), (0x7f0000002000UL, 0x7f0000003000UL)], found);
    }

    /// <summary>Where the system can: of a file that is touched here and there, less is mapped.</summary>
    [Fact]
    public void Pages_come_one_by_one()
    {
        using SinglePageFaults? faults = SinglePageFaults.Open();
        Assert.SkipWhen(faults is null, "This system has no userfaultfd that takes files' mappings.");

        int asEver = MappedKilobytes((_, _) => { }), oneByOne = MappedKilobytes(faults.Watch);

        Assert.InRange(oneByOne, 1, asEver - 1);
    }

    private static int MappedKilobytes(Action<ulong, ulong> prepare)
    {
        const int page = 4 << 10, bytes = 4 << 20, step = 64 << 10, read = 1, isPrivate = 2; // PROT_READ, MAP_PRIVATE
        using var directory = new TemporaryDirectory();
        string path = Path.Combine(directory.Path, "file");
        using (FileStream writing = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0))
        {
            for (int at = 0; at < bytes; at += page) writing.Write(new byte[page]); // what is written at once, the system keeps in larger pages
        }

        using FileStream file = File.OpenRead(path);
        nint start = Map(0, bytes, read, isPrivate, (int)file.SafeFileHandle.DangerousGetHandle(), 0);
        prepare((ulong)start, (ulong)start + bytes);
        for (int at = 0; at < bytes; at += step) Marshal.ReadByte(start, at);
        string mapping = File.ReadAllText("/proc/self/smaps").Split($"{start:x}-")[1];
        _ = Unmap(start, bytes);
        return int.Parse(mapping.Split("Rss:")[1].Split("kB")[0], CultureInfo.InvariantCulture);
    }

    private static string[] Mapping(int place, string permissions, string file, int anonymous, int swap) =>
    [
        $"7f00000{place:x2}000-7f00000{place + 1:x2}000 {permissions} 00000000 08:01 12   {file}",
        "Size:                  4 kB",
        "Private_Dirty:         0 kB",
        $"Anonymous:          {anonymous,4} kB",
        $"Swap:               {swap,4} kB",
        "VmFlags: rd ex mr mw me",
    ];

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nint length);
}

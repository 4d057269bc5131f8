using TraceStore.Storage.Engine;

namespace TraceStore.Tests.Unit.Engine;

public class LibraryPagesTests
{
    [Fact]
    public void Only_what_is_the_files_own_is_let_go()
    {
        (ulong Start, ulong End)[] found = [.. LibraryPages.Unchanged(
            [
                .. Mapping(1, "r--p", "/opt/lib/libchdb.so", anonymous: 0, swap: 0),
                .. Mapping(2, "r-xp", "/opt/lib/libchdb.so", anonymous: 0, swap: 0),
                .. Mapping(3, "r--p", "/opt/lib/libchdb.so", anonymous: 12, swap: 0),
                .. Mapping(4, "r--p", "/opt/lib/libchdb.so", anonymous: 0, swap: 12),
                .. Mapping(5, "rw-p", "/opt/lib/libchdb.so", anonymous: 0, swap: 0),
                .. Mapping(6, "r-xp", "/opt/lib/other.so", anonymous: 0, swap: 0),
                .. Mapping(7, "rw-p", "", anonymous: 0, swap: 0),
            ],
            "/opt/lib/libchdb.so")];

        Assert.Equal([(0x7f0000001000UL, 0x7f0000002000UL), (0x7f0000002000UL, 0x7f0000003000UL)], found);
    }

    private static string[] Mapping(int place, string permissions, string file, int anonymous, int swap) =>
    [
        $"7f000000{place}000-7f000000{place + 1}000 {permissions} 00000000 08:01 12   {file}",
        "Size:                  4 kB",
        "Private_Dirty:         0 kB",
        $"Anonymous:          {anonymous,4} kB",
        $"Swap:               {swap,4} kB",
        "VmFlags: rd ex mr mw me",
    ];
}

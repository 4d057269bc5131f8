using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Tests.Unit.ObjectStorage;

public sealed class MountedDiskTests
{
    private static readonly string[] s_mounts =
    [
        "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
        "40 27 8:1 / /mnt rw - xfs /dev/sda1 rw",
        "41 40 0:50 / /mnt/backup\\040place rw - nfs4 server:/export rw",
        "42 27 0:51 / /mnt2 rw - fuse.sshfs host: rw",
        "nonsense",
    ];

    [Theory]
    [InlineData("/data", "254:0", false)]
    [InlineData("/mnt", "8:1", false)]
    [InlineData("/mnt/x/y", "8:1", false)]
    [InlineData("/mnt/backup place/archive", "0:50", true)]
    [InlineData("/mnt/backup placebo", "8:1", false)]
    [InlineData("/mnt2/x", "0:51", true)]
    [InlineData("/mnt/../data", "254:0", false)]
    public void The_disk_is_that_of_the_deepest_mount(string path, string device, bool isOfNetwork)
    {
        MountedDisk disk = MountedDisk.Of(path, s_mounts)!;
        Assert.Equal((device, isOfNetwork), (disk.Device, disk.IsOfNetwork));
    }

    [Fact]
    public void This_machine_knows_its_own() => Assert.Equal(MountedDisk.Of("/")!.Device, MountedDisk.Of("/no/such/folder")!.Device);
}

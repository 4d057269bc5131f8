namespace TraceStore.Storage.ObjectStorage;

/// <summary>Which disk a path is on.</summary>
/// <param name="Device">Tells disks apart: Linux's device number, such as 254:0.</param>
/// <param name="Type">The file system's type, such as ext4 or nfs4.</param>
public sealed record MountedDisk(string Device, string Type)
{
    private static readonly string[] s_networks = ["nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "9p", "lustre", "afs", "virtiofs"];

    /// <summary>Whether it is another machine's.</summary>
    public bool IsOfNetwork => s_networks.Contains(Type) || Type.StartsWith("fuse.", StringComparison.Ordinal);

    /// <summary>The disk of a path that needn't exist yet; null where the system doesn't say.</summary>
    public static MountedDisk? Of(string path)
    {
        const string mounts = "/proc/self/mountinfo";
        return File.Exists(mounts) ? Of(path, File.ReadAllLines(mounts)) : null;
    }

    /// <summary>By the lines of mountinfo(5): number, parent, device, root, mount point, …, -, type, source, options.</summary>
    internal static MountedDisk? Of(string path, IEnumerable<string> mounts)
    {
        string whole = Path.GetFullPath(path).TrimEnd('/') + "/";
        return
            (from line in mounts
             let words = line.Split(' ')
             let separator = Array.IndexOf(words, "-")
             where separator > 4 && words.Length > separator + 1
             let point = Unescape(words[4]).TrimEnd('/') + "/"
             where whole.StartsWith(point, StringComparison.Ordinal)
             orderby point.Length
             select new MountedDisk(words[2], words[separator + 1])).LastOrDefault(); // of several on one point, the last lies on top
    }

    private static string Unescape(string text) => text.Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);
}

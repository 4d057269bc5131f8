using System.Diagnostics;

namespace TraceStore.Tests;

/// <summary>A folder on a disk of its own, in memory, that can be filled.</summary>
public sealed class SmallDisk : TemporaryDirectory
{
    public SmallDisk(int mebibytes) => Run("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m,mode=700", "tmpfs", Path);

    /// <summary>Only root may mount.</summary>
    public static bool CanMount => Environment.IsPrivilegedProcess && OperatingSystem.IsLinux();

    /// <summary>Makes a folder read-only, also for those who have files open in it for writing to new ones.</summary>
    public static void BindReadOnly(string folder)
    {
        Run("mount", "--bind", folder, folder);
        Run("mount", "-o", "remount,bind,ro", folder);
    }

    public static void Unbind(string folder) => Run("umount", "--lazy", folder);

    /// <summary>Fills the disk, to the last byte, by a file that is to be deleted.</summary>
    public string Fill()
    {
        string ballast = System.IO.Path.Combine(Path, "ballast");
        using var file = new FileStream(ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        byte[] noise = new byte[1 << 20];
        for (int size = noise.Length; size > 0;)
        {
            try
            {
                file.Write(noise, 0, size);
            }
            catch (IOException)
            {
                size /= 2;
            }
        }

        return ballast;
    }

    protected override void Dispose(bool disposing)
    {
        Run("umount", "--lazy", Path); // also while an engine that was killed is still there
        base.Dispose(disposing);
    }

    private static void Run(string command, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{command} {string.Join(' ', arguments)}: {errors}");
    }
}

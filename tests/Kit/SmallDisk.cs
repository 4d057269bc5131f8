using System.Diagnostics;

namespace TraceStore.Tests;

/// <summary>A folder on a disk of its own, in memory, that can be filled.</summary>
public sealed class SmallDisk : TemporaryDirectory
{
    public SmallDisk(int mebibytes) => Run("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m,mode=700", "tmpfs", Path);

    /// <summary>Only root may mount.</summary>
    public static bool CanMount => Environment.IsPrivilegedProcess && OperatingSystem.IsLinux();

    public void MakeReadOnly() => Run("mount", "-o", "remount,ro", Path);

    public void MakeWritable() => Run("mount", "-o", "remount,rw", Path);

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

using System.Globalization;
using System.Runtime.InteropServices;

namespace TraceStore.Storage.Memory;

/// <summary>
/// Keeps in memory only those pages of this process's libraries that are in use: most were touched when it started, and never
/// since. They are the files' own, unchanged, so the system has them at hand where one is needed again, and no reason to keep the
/// others.
/// <list type="number">
/// <item>Has pages mapped one by one, where the system can (<see cref="SinglePageFaults"/>).</item>
/// <item>Lets go of all of them, time and again: those in use come back at once. Only of mappings that were there a look before,
/// unchanged: one that is new may be about to be written to, and to be another before it is let go of.</item>
/// </list>
/// </summary>
public sealed partial class MappedFiles : IDisposable
{
    private const string MappingsFile = "/proc/self/smaps";

    /// <summary>MADV_DONTNEED of madvise(2).</summary>
    private const int DontNeed = 4;

    /// <summary>When most of the start is over.</summary>
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(5);

    /// <summary>To find them again takes some milliseconds.</summary>
    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(1);

    private readonly SinglePageFaults? _faults = SinglePageFaults.Open();
    private readonly Lock _lock = new();
    private readonly Timer _timer;
    private HashSet<Mapping> _before = [];
    private bool _isDisposed;

    /// <summary>Begins with what is mapped now.</summary>
    public MappedFiles()
    {
        Look(letGo: false);
        _timer = new Timer(_ => Look(letGo: true), null, s_first, s_period);
    }

    public void Dispose()
    {
        _timer.Dispose();
        lock (_lock)
        {
            _isDisposed = true;
            _faults?.Dispose();
        }
    }

    /// <summary>
    /// The mappings of libraries in which no page was changed, not even one that is swapped out, so that all of them can be had from
    /// the file again.
    /// </summary>
    /// <param name="mappings">Lines of /proc/…/smaps (proc_pid_smaps(5)).</param>
    internal static IEnumerable<Mapping> Unchanged(IEnumerable<string> mappings)
    {
        Mapping? mapping = null;
        foreach (string line in mappings)
        {
            string[] fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            if (fields is [_, { Length: 4 } permissions, _, _, _, ..])
            {
                string[] range = fields[0].Split('-');
                mapping = fields.Length == 6 && IsLibrary(fields[5]) && permissions[1] == '-' && permissions[3] == 'p'
                    ? new Mapping(
                        ulong.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                        ulong.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                        string.Join(' ', fields[2..]))
                    : null;
            }
            else if (fields is ["Anonymous:" or "Swap:", not "0", ..])
            {
                mapping = null;
            }
            else if (mapping is { } unchanged && fields is ["VmFlags:", ..]) // the last line of each
            {
                yield return unchanged;
            }
        }
    }

    private static bool IsLibrary(string file)
    {
        string name = Path.GetFileName(file);
        return file.StartsWith('/') && !file.EndsWith(" (deleted)", StringComparison.Ordinal) && (name.EndsWith(".dll", StringComparison.Ordinal) || name.Contains(".so", StringComparison.Ordinal));
    }

    private void Look(bool letGo)
    {
        lock (_lock)
        {
            if (_isDisposed) return;
            try
            {
                HashSet<Mapping> now = [.. Unchanged(File.ReadAllLines(MappingsFile))];
                if (letGo)
                {
                    foreach (Mapping old in now.Where(_before.Contains)) _ = Advise((nuint)old.Start, (nuint)(old.End - old.Start), DontNeed);
                }

                foreach (Mapping mapping in now) _faults?.Watch(mapping.Start, mapping.End);

                _before = now;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // where there is no such list, all stays as it is
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nuint address, nuint length, int advice);

    /// <summary>A stretch of memory and what is in it: offset, device, inode and path.</summary>
    internal readonly record struct Mapping(ulong Start, ulong End, string Content);
}

using System.Globalization;
using System.Runtime.InteropServices;

namespace TraceStore.Storage.Engine;

/// <summary>
/// Lets go of this process's pages of the library, time and again: most were touched when it started, and never since. They
/// are the file's own, unchanged, so the system has them at hand where one is needed again, and no reason to keep the others.
/// </summary>
internal sealed partial class LibraryPages : IDisposable
{
    private const string Mappings = "/proc/self/smaps";

    /// <summary>MADV_DONTNEED of madvise(2).</summary>
    private const int DontNeed = 4;

    /// <summary>When most of the start is over.</summary>
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(5);

    /// <summary>To find them again takes some milliseconds.</summary>
    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(1);

    private readonly string _library;
    private readonly Timer _timer;

    /// <param name="library">The library's path.</param>
    public LibraryPages(string library)
    {
        _library = Path.GetFullPath(library);
        _timer = new Timer(_ => LetGo(), null, s_first, s_period);
    }

    public void Dispose() => _timer.Dispose();

    /// <summary>
    /// The mappings of a file in which no page was changed, not even one that is swapped out, so that all of them can be had
    /// from the file again.
    /// </summary>
    /// <param name="mappings">Lines of /proc/…/smaps (proc_pid_smaps(5)).</param>
    /// <param name="file">The file's path.</param>
    internal static IEnumerable<(ulong Start, ulong End)> Unchanged(IEnumerable<string> mappings, string file)
    {
        (ulong Start, ulong End)? mapping = null;
        foreach (string line in mappings)
        {
            string[] fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            if (fields is [_, { Length: 4 } permissions, _, _, _, ..])
            {
                bool isReadOnly = permissions[1] == '-' && fields.Length == 6 && fields[5] == file;
                string[] range = fields[0].Split('-');
                mapping = !isReadOnly
                    ? null
                    : (ulong.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture), ulong.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
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

    private void LetGo()
    {
        try
        {
            foreach ((ulong start, ulong end) in Unchanged(File.ReadAllLines(Mappings), _library)) _ = Advise((nuint)start, (nuint)(end - start), DontNeed);
        }
        catch (IOException)
        {
            // a system without such a list keeps them
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nuint address, nuint length, int advice);
}

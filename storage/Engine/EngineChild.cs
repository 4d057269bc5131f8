using System.Runtime.InteropServices;
using System.Text;
using TraceStore.Storage.Memory;

namespace TraceStore.Storage.Engine;

/// <summary>What the engine's process runs: the library's own command line, which is clickhouse-local's.</summary>
public static unsafe partial class EngineChild
{
    /// <summary>The hidden verb under which a program hands over to <see cref="Run"/>.</summary>
    public const string Verb = "engine-child";

    /// <summary>Runs the engine until its script ends. Returns the process's exit code.</summary>
    /// <param name="arguments">The library's path, then the engine's command line.</param>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        // Ctrl-C goes to the whole terminal session and a service manager's SIGTERM to every process of the service.
        // TraceStore still needs the engine then, to store what it holds; the engine ends when TraceStore lets go of it.
        if (!OperatingSystem.IsWindows()) _ = StartSession();
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = true);

        nint library = NativeLibrary.Load(arguments[0]);
        var run = (delegate* unmanaged<int, byte**, void*>)NativeLibrary.GetExport(library, "chdb_query_cmdline");
        var errorOf = (delegate* unmanaged<void*, byte*>)NativeLibrary.GetExport(library, "chdb_result_error");

        using var pages = new MappedFiles();
        ReadOnlySpan<string> commandLine = arguments[1..];
        byte** argv = (byte**)NativeMemory.AllocZeroed((nuint)commandLine.Length + 1, (nuint)sizeof(byte*));
        for (int i = 0; i < commandLine.Length; i++) argv[i] = (byte*)Marshal.StringToCoTaskMemUTF8(commandLine[i]);

        void* result = run(commandLine.Length, argv);
        if (result is null || errorOf(result) is var error && error is null) return 0;

        Console.Error.WriteLine(Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(error)));
        return 1;
    }

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int StartSession();
}

using System.Reflection;

namespace TraceStore.Settings;

/// <summary>How to start this binary again, to host the engine.</summary>
internal static class EngineHost
{
    /// <summary>The binary beside this assembly, or the .NET host with it where there is none.</summary>
    public static IReadOnlyList<string> Command
    {
        get
        {
            string binary = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "tracestore.exe" : "tracestore");
            return File.Exists(binary) ? [binary] : [Environment.ProcessPath!, Assembly.GetExecutingAssembly().Location];
        }
    }
}

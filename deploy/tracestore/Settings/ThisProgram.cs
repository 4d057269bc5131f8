using System.Reflection;

namespace TraceStore.Settings;

/// <summary>This program, as a command: to be started again as a child, and to be shown to a person.</summary>
internal static class ThisProgram
{
    private static readonly string s_path = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "tracestore.exe" : "tracestore");

    /// <summary>The binary beside this assembly, or the .NET host with the assembly where there is none.</summary>
    public static IReadOnlyList<string> Command =>
        File.Exists(s_path) ? [s_path] : [Environment.ProcessPath!, Assembly.GetExecutingAssembly().Location];

    /// <summary>Its version.</summary>
    public static string Version { get; } = Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>What a person types from here: the bare name where the shell finds it, else the path.</summary>
    public static string Name
    {
        get
        {
            string folder = Path.GetDirectoryName(s_path)!;
            bool isOnPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Contains(folder);
            string relative = Path.GetRelativePath(Environment.CurrentDirectory, s_path);
            return isOnPath ? "tracestore" : relative.StartsWith("..", StringComparison.Ordinal) ? s_path : relative;
        }
    }
}

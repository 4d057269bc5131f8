using System.Reflection;

namespace TraceStore.Storage.Engine;

/// <summary>Finds the engine's library: beside the binary, as published, or where the build fetched it to.</summary>
public static class EngineLibrary
{
    private const string FileName = "libchdb.so";

    /// <exception cref="FileNotFoundException">It is nowhere; the message says how to get it or do without.</exception>
    public static string Find()
    {
        string beside = Path.Combine(AppContext.BaseDirectory, FileName);
        string? fetched = typeof(EngineLibrary).Assembly
            .GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(attribute => attribute.Key == "EngineLibraryPath")?.Value;
        if (File.Exists(beside)) return beside;
        if (fetched is not null && File.Exists(fetched)) return fetched;
        throw new FileNotFoundException(
            $"The embedded ClickHouse engine ({FileName}) is neither beside the binary ({beside}) nor where the build put it ({fetched ?? "built without it"}). "
            + "Build again with npm installed, or point TraceStore at an external ClickHouse with --clickhouse URL.");
    }
}

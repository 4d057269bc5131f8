using System.Reflection;

namespace TraceStore.Tests;

/// <summary>The folder of the repository, for tests that hold its documents against the code.</summary>
public static class RepositoryRoot
{
    public static string Path { get; } = typeof(RepositoryRoot).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "RepositoryRoot").Value!;
}

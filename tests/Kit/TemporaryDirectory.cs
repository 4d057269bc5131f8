namespace TraceStore.Tests;

/// <summary>A folder of a test's own, gone when the test is over.</summary>
public class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("tracestore-test-").FullName;

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // an engine that was killed may still be writing its last file
        }
    }
}

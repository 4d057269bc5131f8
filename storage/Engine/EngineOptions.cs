namespace TraceStore.Storage.Engine;

/// <summary>How the embedded ClickHouse is run.</summary>
public sealed record EngineOptions
{
    /// <summary>Holds the tables, the engine's logs and its configuration. Readable by its owner only.</summary>
    public required string Directory { get; init; }

    /// <summary>Where the tables lie.</summary>
    public string TablesDirectory => Path.Combine(Path.GetFullPath(Directory), "tables");

    /// <summary>Whether parts are merged in the background; not while they are brought back as they were.</summary>
    public bool IsMerging { get; init; } = true;

    /// <summary>The engine's library; see <see cref="EngineLibrary.Find"/>.</summary>
    public required string LibraryPath { get; init; }

    /// <summary>The program, and its first arguments, that hands over to <see cref="EngineChild.Run"/>.</summary>
    public required IReadOnlyList<string> HostCommand { get; init; }

    /// <summary>Bounds what the engine allocates; it takes about 50 MB beyond it.</summary>
    public long MaxMemoryBytes { get; init; } = 1L << 30;

    /// <summary>How long the first start may take, and how long it may wait for an old engine that still holds the directory.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long it may take to answer whether its writes have succeeded.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the engine may take to end cleanly before it is killed.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(20);
}

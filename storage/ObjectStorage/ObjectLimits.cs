namespace TraceStore.Storage.ObjectStorage;

/// <summary>What is taken of a store, which may hold anything.</summary>
internal static class ObjectLimits
{
    /// <summary>An object that is read into memory, whole. The largest are groups of one segment, of which the settings allow 256 MiB.</summary>
    public const long MaxWholeBytes = 320L << 20;

    /// <exception cref="ObjectDamagedException">An object that is to be read whole is larger than any that TraceStore reads so.</exception>
    public static void CheckWhole(IObjectStore store, string name, long length)
    {
        if (length > MaxWholeBytes) throw new ObjectDamagedException($"{name} in {store.Address} has {length} bytes, where at most {MaxWholeBytes} can be right: it isn't what TraceStore wrote.");
    }
}

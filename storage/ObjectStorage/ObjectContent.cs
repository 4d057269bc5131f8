using System.Runtime.InteropServices;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>What is to be written as an object: may be read several times, for another attempt, and gives the same each time.</summary>
/// <param name="length">Bytes.</param>
/// <param name="open">Begins to read it.</param>
public sealed class ObjectContent(long length, Func<Stream> open)
{
    public long Length { get; } = length;

    public static ObjectContent Of(ReadOnlyMemory<byte> bytes)
    {
        ArraySegment<byte> array = MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> there) ? there : bytes.ToArray();
        return new ObjectContent(bytes.Length, () => new MemoryStream(array.Array!, array.Offset, array.Count, writable: false));
    }

    /// <summary>Begins to read it from its start.</summary>
    public Stream Open() => open();
}

using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;

namespace TraceStore.Storage.Spans;

/// <summary>Compares byte strings by content, so that a dictionary of arrays can be looked up by a span without a copy.</summary>
public sealed class ByteStringComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    /// <summary>Hashes are seeded per process, so that nobody outside can make them collide.</summary>
    private static readonly long s_seed = Random.Shared.NextInt64();

    public static ByteStringComparer Instance { get; } = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<byte> alternate) => unchecked((int)XxHash3.HashToUInt64(alternate, s_seed));

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
}

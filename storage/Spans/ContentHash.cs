using System.Security.Cryptography;

namespace TraceStore.Storage.Spans;

/// <summary>
/// The address of a content: the first 16 bytes of its SHA-256. A cryptographic hash, because two contents under one
/// address would show one client's resource on another's spans, and clients are not to be trusted.
/// </summary>
public static class ContentHash
{
    public const int Size = 16;

    public static byte[] Of(ReadOnlySpan<byte> content) => SHA256.HashData(content)[..Size];
}

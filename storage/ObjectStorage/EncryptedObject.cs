using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>How an encrypted object is laid out, as FORMAT.md draws it: a header, then chunks that are each encrypted and authenticated.</summary>
internal sealed class EncryptedObject : IDisposable
{
    public const int ChunkBytes = 1 << 16;
    public const int TagBytes = 16;

    private const int Version = 1;
    private const int SaltBytes = 16;
    private const int KeyIdOffset = 8;
    private const int SaltOffset = KeyIdOffset + EncryptionKeys.IdBytes;
    private const int NameLengthOffset = SaltOffset + SaltBytes;
    private const int NameOffset = NameLengthOffset + sizeof(ushort);

    private readonly AesGcm _cipher;

    private EncryptedObject(byte[] header, byte[] key) => (Header, _cipher) = (header, new AesGcm(key, TagBytes));

    /// <summary>What stands in front of the chunks.</summary>
    public byte[] Header { get; }

    private static ReadOnlySpan<byte> Magic => "TSEC"u8;

    /// <summary>A new object: with a key of its own.</summary>
    public static EncryptedObject New(EncryptionKeys keys, string name)
    {
        byte[] header = new byte[HeaderBytes(name)];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(sizeof(int)), Version);
        Convert.FromHexString(keys.CurrentId).CopyTo(header.AsSpan(KeyIdOffset));
        RandomNumberGenerator.Fill(header.AsSpan(SaltOffset, SaltBytes));
        byte[] nameBytes = Encoding.ASCII.GetBytes(name);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(NameLengthOffset), (ushort)nameBytes.Length);
        nameBytes.CopyTo(header.AsSpan(NameOffset));
        return new EncryptedObject(header, keys.DeriveFor(keys.CurrentId, header.AsSpan(SaltOffset, SaltBytes), nameBytes));
    }

    /// <summary>An object whose header was read.</summary>
    /// <exception cref="InvalidDataException">It isn't encrypted, or by a later version.</exception>
    /// <exception cref="KeyMissingException">Its key isn't there.</exception>
    public static EncryptedObject Open(EncryptionKeys keys, byte[] header)
    {
        if (!IsEncrypted(header)) throw new InvalidDataException("it isn't encrypted. Was the store begun without a key? Encryption begins with a store: use another path or prefix");
        int version = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(sizeof(int)));
        if (version != Version) throw new InvalidDataException($"it is encrypted in version {version}, where this TraceStore knows {Version}");
        string keyId = Convert.ToHexStringLower(header.AsSpan(KeyIdOffset, EncryptionKeys.IdBytes));
        return new EncryptedObject(header, keys.DeriveFor(keyId, header.AsSpan(SaltOffset, SaltBytes), header.AsSpan(NameOffset)));
    }

    /// <summary>Whether bytes begin as an encrypted object does.</summary>
    public static bool IsEncrypted(ReadOnlySpan<byte> content) => content.Length >= NameOffset && content.StartsWith(Magic);

    /// <summary>Bytes of a header of which at least the fixed part was read.</summary>
    public static int HeaderBytes(ReadOnlySpan<byte> fixedPart) => NameOffset + BinaryPrimitives.ReadUInt16LittleEndian(fixedPart[NameLengthOffset..]);

    /// <summary>Bytes of the header of an object of this name.</summary>
    public static int HeaderBytes(string name) => NameOffset + name.Length;

    /// <summary>Bytes of the header that are the same for all names.</summary>
    public static int FixedHeaderBytes => NameOffset;

    /// <summary>Bytes of an object once it is encrypted.</summary>
    public static long EncryptedLength(string name, long length) => HeaderBytes(name) + length + (TagBytes * Chunks(length));

    /// <summary>Bytes of an object before it was encrypted; negative for what can't be one.</summary>
    public static long PlainLength(string name, long encrypted)
    {
        long chunks = encrypted - HeaderBytes(name);
        return chunks - (TagBytes * ((chunks + ChunkBytes + TagBytes - 1) / (ChunkBytes + TagBytes)));
    }

    /// <summary>How many chunks there are: an empty object has an empty one, so that its end can't be cut off.</summary>
    public static long Chunks(long length) => Math.Max(1, (length + ChunkBytes - 1) / ChunkBytes);

    /// <summary>The name in the header.</summary>
    public string Name => NameIn(Header);

    /// <summary>The name in a header.</summary>
    public static string NameIn(byte[] header) => Encoding.ASCII.GetString(header.AsSpan(NameOffset));

    /// <summary>Encrypts a chunk into as many bytes and a tag.</summary>
    public void Encrypt(long chunk, bool isLast, ReadOnlySpan<byte> plain, Span<byte> encrypted) =>
        _cipher.Encrypt(Nonce(stackalloc byte[12], chunk, isLast), plain, encrypted[..plain.Length], encrypted.Slice(plain.Length, TagBytes), Header);

    /// <exception cref="CryptographicException">It isn't what was encrypted as this chunk of this object.</exception>
    public void Decrypt(long chunk, bool isLast, ReadOnlySpan<byte> encrypted, Span<byte> plain) =>
        _cipher.Decrypt(Nonce(stackalloc byte[12], chunk, isLast), encrypted[..^TagBytes], encrypted[^TagBytes..], plain[..(encrypted.Length - TagBytes)], Header);

    public void Dispose() => _cipher.Dispose();

    /// <summary>Each chunk has its own, for each object has a key of its own; so chunks can't be swapped, nor the last be left out.</summary>
    private static ReadOnlySpan<byte> Nonce(Span<byte> nonce, long chunk, bool isLast)
    {
        BinaryPrimitives.WriteInt64LittleEndian(nonce, chunk);
        BinaryPrimitives.WriteInt32LittleEndian(nonce[sizeof(long)..], isLast ? 1 : 0);
        return nonce;
    }
}

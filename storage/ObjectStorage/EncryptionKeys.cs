using System.Security.Cryptography;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>
/// Keys of 256 bits by their ids, from a file of one key a line, 64 hexadecimal digits; lines that begin with # are comments. The first
/// encrypts, all decrypt: to rotate, a new one is put in front. A key's id is the first 8 bytes of its SHA-256, so that a wrong key is told
/// from a damaged object.
/// </summary>
public sealed class EncryptionKeys
{
    internal const int KeyBytes = 32;
    internal const int IdBytes = 8;

    private readonly Dictionary<string, byte[]> _keys;

    private EncryptionKeys(IReadOnlyList<byte[]> keys)
    {
        CurrentId = IdOf(keys[0]);
        _keys = keys.DistinctBy(IdOf).ToDictionary(IdOf);
    }

    /// <summary>The id of the key that encrypts.</summary>
    public string CurrentId { get; }

    /// <summary>The ids of all.</summary>
    public IEnumerable<string> Ids => _keys.Keys;

    /// <exception cref="InvalidDataException">The file holds no keys, or something else; the message says which line.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public static EncryptionKeys ReadFile(string path)
    {
        List<byte[]> keys = [];
        string[] lines = File.ReadAllLines(path);
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            if (line.Length != KeyBytes * 2 || !line.All(char.IsAsciiHexDigit)) throw new InvalidDataException($"{path}, line {i + 1}: expected a key of {KeyBytes * 2} hexadecimal digits. Make one with: tracestore archive key");
            keys.Add(Convert.FromHexString(line));
        }

        return keys.Count > 0 ? new EncryptionKeys(keys) : throw new InvalidDataException($"{path} has no key in it. Make one with: tracestore archive key");
    }

    /// <summary>A new key, as a line of a file.</summary>
    public static string New() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(KeyBytes));

    /// <summary>The key of one object, from which nothing else can be read.</summary>
    /// <exception cref="KeyMissingException">There is no key with this id.</exception>
    internal byte[] DeriveFor(string keyId, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> objectName)
    {
        if (!_keys.TryGetValue(keyId, out byte[]? key)) throw new KeyMissingException(keyId, Ids);
        byte[] derived = new byte[KeyBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, derived, salt, objectName);
        return derived;
    }

    private static string IdOf(byte[] key) => Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, IdBytes));
}

/// <summary>An object was encrypted with a key that isn't there.</summary>
public sealed class KeyMissingException(string needed, IEnumerable<string> have) : IOException($"it needs key {needed}; the key file has {string.Join(", ", have)}");

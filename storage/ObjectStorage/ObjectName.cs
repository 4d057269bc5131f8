using System.Buffers;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>
/// Names of objects: words of letters, digits, <c>.</c>, <c>_</c> and <c>-</c>, with <c>/</c> between them, so that they are the same as
/// paths and in URLs. No word begins with a dot, so that no name leads out of a directory or to what the directory keeps for itself.
/// </summary>
public static class ObjectName
{
    private const int MaxLength = 512;

    private static readonly SearchValues<char> s_allowed = SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-/");

    /// <summary>Whether it is one. A name that was read from a store is held against it before it is used.</summary>
    public static bool IsValid(string name) =>
        name.Length is > 0 and <= MaxLength && !name.AsSpan().ContainsAnyExcept(s_allowed) && Array.TrueForAll(name.Split('/'), word => word.Length > 0 && word[0] != '.');

    /// <exception cref="ArgumentException">It is none.</exception>
    public static void Check(string name)
    {
        if (!IsValid(name)) throw new ArgumentException($"'{name}' can't be the name of an object.", nameof(name));
    }
}

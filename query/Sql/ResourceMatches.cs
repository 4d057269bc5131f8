using TraceStore.Query.TraceQl;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Sql;

/// <summary>
/// Of which resources a filter's comparisons hold. It is asked once: a search is many statements, and to find it out anew in
/// each takes much longer than the search. Where they are many they aren't named, and each statement looks for them.
/// </summary>
/// <param name="found">For each comparison the hashes, in hex, one behind the other.</param>
internal sealed class ResourceMatches(IReadOnlyDictionary<BinaryExpression, string> found)
{
    private const int DigitsPerHash = 2 * ContentHash.Size;

    /// <summary>Resources that statements name, for one comparison and for all together: beyond, their text takes longer to read.</summary>
    private const int MaxNamed = 200, MaxNamedInAll = 10_000;

    /// <summary>The condition on a span where there is no such resource.</summary>
    public const string OfNone = "false";

    /// <summary>No comparison holds of any resource.</summary>
    public static ResourceMatches None { get; } = new(new Dictionary<BinaryExpression, string>());

    /// <summary>How many resources are named for each of so many comparisons; one more than that are many.</summary>
    public static int MostNamed(int comparisons) => Math.Clamp(MaxNamedInAll / comparisons, 1, MaxNamed);

    /// <summary>The condition that a span's resource is one of them: <see cref="OfNone"/>, or null where they are many.</summary>
    public string? ConditionOf(BinaryExpression comparison)
    {
        string hashes = found.GetValueOrDefault(comparison, "");
        if (hashes.Length == 0) return OfNone;
        if (hashes.Length / DigitsPerHash > MostNamed(found.Count)) return null;
        return $"resource_hash IN ({string.Join(", ", hashes.Chunk(DigitsPerHash).Select(hash => $"unhex('{new string(hash)}')"))})";
    }
}

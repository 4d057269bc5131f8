namespace TraceStore.Query.Sql;

/// <summary>
/// Regular expressions as users write them, in Go's dialect: that is ClickHouse's (RE2), which judges them, but for what
/// it takes besides.
/// </summary>
internal static class RegularExpression
{
    /// <summary>TraceQL's expressions match the whole value.</summary>
    public static string Whole(string pattern) => $"^(?:{pattern})$";

    /// <summary>Whether it holds <c>\C</c>, a byte in the middle of a character, which Go doesn't have.</summary>
    public static bool SplitsCharacters(string pattern)
    {
        for (int escape = pattern.IndexOf('\\', StringComparison.Ordinal); escape >= 0 && escape + 1 < pattern.Length; escape = pattern.IndexOf('\\', escape))
        {
            if (pattern[escape + 1] == 'C') return true;
            bool isLiteral = pattern[escape + 1] == 'Q';
            int end = isLiteral ? pattern.IndexOf("\\E", escape, StringComparison.Ordinal) : escape;
            if (end < 0) return false;
            escape = end + 2;
            if (escape >= pattern.Length) return false;
        }

        return false;
    }
}

using System.Text.RegularExpressions;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Sql;

/// <summary>Compares text as it is shown: what isn't UTF-8 is shown as U+FFFD, and found by that.</summary>
internal static partial class TextSql
{
    private const string Replacement = "\uFFFD";

    /// <summary>A condition that a column's text is this one, or isn't.</summary>
    /// <param name="parameters">Gets the text.</param>
    /// <param name="column">The column, or an expression.</param>
    /// <param name="symbol"><c>=</c> or <c>!=</c>.</param>
    /// <param name="text">The text.</param>
    public static string Compare(SqlParameters parameters, string column, string symbol, string text)
    {
        if (!IsMended(text)) return $"{column} {symbol} {parameters.Add(text)}";

        // For how many bytes one stands, every decoder decides otherwise: so a row of them is taken as one.
        string shown = Replacements().Replace(text, Replacement);
        return $"replaceRegexpAll(toValidUTF8({column}), '{Replacement}+', '{Replacement}') {symbol} {parameters.Add(shown)}";
    }

    /// <summary>
    /// As the other, for a column that holds the start of a very long text. (What earlier versions stored is there whole.)
    /// </summary>
    public static string CompareListed(SqlParameters parameters, string column, string symbol, string text)
    {
        string whole = Compare(parameters, column, symbol, text), start = ListedText.Of(text);
        return start == text ? whole : $"({whole} {(symbol == "=" ? "OR" : "AND")} {Compare(parameters, column, symbol, start)})";
    }

    /// <summary>Whether a text stands for bytes that aren't UTF-8.</summary>
    public static bool IsMended(string text) => text.Contains(Replacement, StringComparison.Ordinal);

    [GeneratedRegex(Replacement + "+")]
    private static partial Regex Replacements();
}

using System.Globalization;
using TraceStore.Storage.Otlp;

namespace TraceStore.Query.Sql;

/// <summary>Conditions on the attributes that no map holds (<see cref="OtherAttribute"/>), of spans and resources.</summary>
internal static class OtherAttributeSql
{
    private const string Column = "other_attributes";

    /// <summary>The first value of a key, with the letter of its type in front; empty where there is none.</summary>
    public static string First(string name) => $"if({Any(name)}, substring({Column}[indexOf({Column}, {Of(name)}) + 1], {Text(OtherAttribute.KeyBytes + 1)}), '')";

    /// <summary>That there is any value of a key.</summary>
    public static string Any(string name) => $"has({Column}, {Of(name)})";

    /// <summary>That a condition holds for any value of a key and type. ClickHouse takes a while to analyse each of these.</summary>
    public static string Any(string name, char letter, Func<string, string> condition) =>
        $"arrayExists(other -> startsWith(other, {Of(name, letter)}) AND {condition($"substring(other, {Text(OtherAttribute.KeyBytes + 2)})")}, {Column})";

    /// <summary>That a key has this text among its values. ClickHouse prunes by it, as by the other that follows.</summary>
    /// <param name="name">The key.</param>
    /// <param name="text">The text, as SQL.</param>
    public static string HasText(string name, string text) => $"has({Column}, concat({Of(name, OtherAttribute.TextLetter)}, {text}))";

    public static string Has(string name, bool truth) => $"has({Column}, {Of(name, OtherAttribute.TruthLetter, truth ? "1" : "0")})";

    /// <summary>That a key has this number among its values, whole or not.</summary>
    public static string Has(string name, double number)
    {
        List<string> values = [Of(name, OtherAttribute.NumberLetter, OtherAttribute.TextOf(number))];
        if (number == 0) values.Add(Of(name, OtherAttribute.NumberLetter, OtherAttribute.TextOf(-number)));
        if (number == Math.Floor(number) && Math.Abs(number) < long.MaxValue) values.Add(Of(name, OtherAttribute.IntegerLetter, OtherAttribute.TextOf((long)number)));
        return $"hasAny({Column}, [{string.Join(", ", values)}])";
    }

    /// <inheritdoc cref="Has(string, double)"/>
    public static string Has(string name, long number) =>
        $"hasAny({Column}, [{Of(name, OtherAttribute.IntegerLetter, OtherAttribute.TextOf(number))}, {Of(name, OtherAttribute.NumberLetter, OtherAttribute.TextOf((double)number))}])";

    private static string Of(string name, char? letter = null, string value = "")
    {
        byte[] key = OtherAttribute.KeyHash(System.Text.Encoding.UTF8.GetBytes(name));
        return $"unhex('{Convert.ToHexString([.. key, .. System.Text.Encoding.ASCII.GetBytes($"{letter}{value}")])}')";
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

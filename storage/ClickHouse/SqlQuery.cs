using System.Globalization;

namespace TraceStore.Storage.ClickHouse;

/// <summary>
/// A statement with its parameters. Values never stand in the text: it says <c>{name:Type}</c>, and ClickHouse puts the
/// value in, so nothing that a client sends can become SQL.
/// </summary>
public sealed record SqlQuery(string Text, IReadOnlyDictionary<string, string> Parameters)
{
    public SqlQuery(string text) : this(text, new Dictionary<string, string>())
    {
    }

    /// <summary>A table that goes with it.</summary>
    public ExternalTable? With { get; init; }
}

/// <summary>Collects the parameters of one statement while its text is written.</summary>
public sealed class SqlParameters
{
    private readonly Dictionary<string, string> _values = [];
    private readonly Dictionary<(string Type, string Value), string> _names = [];

    public IReadOnlyDictionary<string, string> Values => _values;

    /// <summary>Adds a value, unless it is there, and returns its placeholder.</summary>
    public string Add(string type, string value)
    {
        if (!_names.TryGetValue((type, value), out string? name))
        {
            name = "p" + _values.Count.ToString(CultureInfo.InvariantCulture);
            _names.Add((type, value), name);
            _values.Add(name, Escape(value));
        }

        return $"{{{name}:{type}}}";
    }

    public string Add(string text) => Add("String", text);

    public string Add(long value) => Add("Int64", value.ToString(CultureInfo.InvariantCulture));

    public string Add(ulong value) => Add("UInt64", value.ToString(CultureInfo.InvariantCulture));

    public string Add(double value) => Add("Float64", value.ToString("R", CultureInfo.InvariantCulture));

    /// <summary>A value as it goes out: HTTP parameters are read in ClickHouse's tab-separated escaping (HTTP interface, "Tabs in URL parameters").</summary>
    public static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\t", "\\t", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal)
            .Replace("\r", "\\r", StringComparison.Ordinal)
            .Replace("\0", "\\0", StringComparison.Ordinal);
}

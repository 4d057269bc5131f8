using System.Buffers.Text;
using System.Globalization;
using OpenTelemetry.Proto.Common.V1;
using TraceStore.Storage.ClickHouse;

namespace TraceStore.Query.Sql;

/// <summary>
/// A span's attribute of whatever type in one column of strings: a letter for the type, then the value
/// (<see cref="TraceStore.Storage.Otlp.OtherAttribute"/>); nothing where the span doesn't have it, or isn't one that is searched for.
/// </summary>
internal static class AskedAttributeSql
{
    public static string Column(int number) => string.Create(CultureInfo.InvariantCulture, $"asked_{number}");

    /// <summary>The column's expression, for a statement that has <c>matched</c>.</summary>
    public static string Write(string name, SqlParameters parameters)
    {
        string key = parameters.Add(name);
        return "multiIf(matched = 0, '', "
            + $"mapContains(common_string_attributes, {key}), concat('s', common_string_attributes[{key}]), "
            + $"mapContains(string_attributes, {key}), concat('s', string_attributes[{key}]), "
            + $"mapContains(bool_attributes, {key}), if(bool_attributes[{key}], 'b1', 'b0'), "
            + $"mapContains(int_attributes, {key}), concat('i', toString(int_attributes[{key}])), "
            + $"mapContains(double_attributes, {key}), concat('d', toString(double_attributes[{key}])), "
            + $"{OtherAttributeSql.First(name)})";
    }

    /// <summary>The value; null where there is none.</summary>
    public static AnyValue? Read(ReadOnlySpan<byte> column)
    {
        if (column.IsEmpty) return null;
        ReadOnlySpan<byte> value = column[1..];
        return (char)column[0] switch
        {
            'b' => new AnyValue { BoolValue = value[0] == '1' },
            'i' when Utf8Parser.TryParse(value, out long integer, out _) => new AnyValue { IntValue = integer },
            'd' => new AnyValue { DoubleValue = ReadDouble(System.Text.Encoding.ASCII.GetString(value)) },
            _ => new AnyValue { StringValue = System.Text.Encoding.UTF8.GetString(value) },
        };
    }

    /// <summary>As ClickHouse writes it: nan and inf are in small letters.</summary>
    private static double ReadDouble(string text) => text switch
    {
        "nan" => double.NaN,
        "inf" => double.PositiveInfinity,
        "-inf" => double.NegativeInfinity,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };
}

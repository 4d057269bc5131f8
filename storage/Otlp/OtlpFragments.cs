using System.Text;
using static TraceStore.Storage.Otlp.OtlpFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// What can't be searched in columns, as the bytes by which it stands in a span's remainder: every encoder writes these
/// messages so, their fields in the order of their numbers.
/// </summary>
public static class OtlpFragments
{
    /// <summary>An event's name.</summary>
    public static byte[] EventName(string name) => Text(Event_Name, name);

    /// <summary>A span's trace state.</summary>
    public static byte[] TraceState(string state) => Text(Span_TraceState, state);

    /// <summary>An event's attribute: a string, long, double or bool.</summary>
    public static byte[] EventAttribute(string key, object value)
    {
        var any = new WireWriter();
        switch (value)
        {
            case string text:
                any.Bytes(AnyValue_String, Encoding.UTF8.GetBytes(text));
                break;
            case bool truth:
                any.VarintAlways(AnyValue_Bool, truth ? 1u : 0);
                break;
            case long integer:
                any.VarintAlways(AnyValue_Int, (ulong)integer);
                break;
            case double number:
                any.Fixed64Always(AnyValue_Double, BitConverter.DoubleToUInt64Bits(number));
                break;
            default:
                throw new ArgumentException($"BUG: no attribute's value is a {value.GetType().Name}", nameof(value));
        }

        var attribute = new WireWriter();
        attribute.Bytes(KeyValue_Key, Encoding.UTF8.GetBytes(key));
        attribute.Bytes(KeyValue_Value, any.Written);
        var field = new WireWriter();
        field.Bytes(Event_Attributes, attribute.Written);
        return field.Written.ToArray();
    }

    private static byte[] Text(int field, string text)
    {
        var writer = new WireWriter();
        writer.Bytes(field, Encoding.UTF8.GetBytes(text));
        return writer.Written.ToArray();
    }
}

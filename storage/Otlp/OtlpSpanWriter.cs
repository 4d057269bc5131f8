using TraceStore.Storage.Spans;
using static TraceStore.Storage.Otlp.OtlpFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// The decoder's inverse: a row of a batch as an OTLP Span message (trace/v1). Fields come in the order of their numbers,
/// attributes by type, and the remainder last; a protobuf parser reads it as the span that was sent.
/// </summary>
public sealed class OtlpSpanWriter
{
    private readonly WireWriter _message = new();

    /// <summary>The Span message; valid until the next call.</summary>
    public ReadOnlySpan<byte> Write(SpanBatch batch, int row)
    {
        _message.Clear();
        _message.Bytes(Span_TraceId, batch.TraceId[row]);
        _message.Bytes(Span_SpanId, batch.SpanId(row));
        if (batch.ParentSpanId(row).ContainsAnyExcept((byte)0)) _message.Bytes(Span_ParentSpanId, batch.ParentSpanId(row));
        _message.BytesUnlessEmpty(Span_Name, batch.Name[row]);
        _message.Varint(Span_Kind, (ulong)batch.Kind[row]);
        _message.Fixed64(Span_StartTimeUnixNano, batch.StartTimeUnixNano[row]);
        _message.Fixed64(Span_EndTimeUnixNano, batch.EndTimeUnixNano(row));
        WriteAttributes(batch.Attributes, row);
        WriteStatus(batch.StatusMessage[row], (ulong)batch.StatusCode[row]);
        _message.Fixed32(Span_Flags, batch.Flags[row]);
        _message.Raw(batch.Remainder[row]);
        return _message.Written;
    }

    private void WriteAttributes(AttributeColumns attributes, int row)
    {
        (int start, int length) = attributes.CommonStrings[row].GetOffsetAndLength(attributes.CommonStrings.Keys.Count);
        for (int entry = start; entry < start + length; entry++)
        {
            WriteString(attributes.CommonStrings.Keys[entry], attributes.CommonStrings.Values[entry]);
        }

        (start, length) = attributes.Strings[row].GetOffsetAndLength(attributes.Strings.Keys.Count);
        for (int entry = start; entry < start + length; entry++)
        {
            WriteString(attributes.Strings.Keys[entry], attributes.Strings.Values[entry]);
        }

        (start, length) = attributes.Bools[row].GetOffsetAndLength(attributes.Bools.Keys.Count);
        for (int entry = start; entry < start + length; entry++)
        {
            BeginAttribute(attributes.Bools.Keys[entry], sizeof(byte) + sizeof(byte));
            _message.VarintAlways(AnyValue_Bool, attributes.Bools.Values[entry]);
        }

        (start, length) = attributes.Ints[row].GetOffsetAndLength(attributes.Ints.Keys.Count);
        for (int entry = start; entry < start + length; entry++)
        {
            ulong integer = (ulong)attributes.Ints.Values[entry];
            BeginAttribute(attributes.Ints.Keys[entry], sizeof(byte) + WireWriter.VarintSize(integer));
            _message.VarintAlways(AnyValue_Int, integer);
        }

        (start, length) = attributes.Doubles[row].GetOffsetAndLength(attributes.Doubles.Keys.Count);
        for (int entry = start; entry < start + length; entry++)
        {
            BeginAttribute(attributes.Doubles.Keys[entry], sizeof(byte) + sizeof(ulong));
            _message.Fixed64Always(AnyValue_Double, BitConverter.DoubleToUInt64Bits(attributes.Doubles.Values[entry]));
        }
    }

    private void WriteString(ReadOnlySpan<byte> key, ReadOnlySpan<byte> text)
    {
        BeginAttribute(key, WireWriter.BytesFieldSize(AnyValue_String, text.Length));
        _message.Bytes(AnyValue_String, text);
    }

    /// <summary>Writes a KeyValue up to its AnyValue, whose <paramref name="valueSize"/> bytes follow.</summary>
    private void BeginAttribute(ReadOnlySpan<byte> key, int valueSize)
    {
        int size = WireWriter.BytesFieldSize(KeyValue_Key, key.Length)
            + WireWriter.BytesFieldSize(KeyValue_Value, valueSize);
        _message.BytesHeader(Span_Attributes, size);
        _message.Bytes(KeyValue_Key, key);
        _message.BytesHeader(KeyValue_Value, valueSize);
    }

    private void WriteStatus(ReadOnlySpan<byte> message, ulong code)
    {
        int size = (message.IsEmpty ? 0 : WireWriter.BytesFieldSize(Status_Message, message.Length))
            + (code == 0 ? 0 : sizeof(byte) + WireWriter.VarintSize(code));
        if (size == 0) return;
        _message.BytesHeader(Span_Status, size);
        _message.BytesUnlessEmpty(Status_Message, message);
        _message.Varint(Status_Code, code);
    }
}

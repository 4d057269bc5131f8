using TraceStore.Storage.Spans;
using static TraceStore.Storage.Otlp.OtlpFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// The decoder's inverse: a row of a batch as an OTLP Span message (trace/v1). Fields come in the order of their numbers,
/// attributes by type, and the remainder last; a protobuf parser reads it as the span that was sent. Equal spans are equal
/// bytes: strings come by key, whichever of their two maps they lie in.
/// </summary>
public sealed class OtlpSpanWriter
{
    private readonly WireWriter _message = new();
    private readonly List<StringEntry> _strings = [];

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
        WriteStrings(attributes, row);
        (int start, int length) = attributes.Bools[row].GetOffsetAndLength(attributes.Bools.Keys.Count);
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

    private void WriteStrings(AttributeColumns attributes, int row)
    {
        _strings.Clear();
        (int start, int length) = attributes.CommonStrings[row].GetOffsetAndLength(attributes.CommonStrings.Keys.Count);
        for (int entry = start; entry < start + length; entry++) _strings.Add(new StringEntry(attributes, entry, IsCommon: true));
        (start, length) = attributes.Strings[row].GetOffsetAndLength(attributes.Strings.Keys.Count);
        for (int entry = start; entry < start + length; entry++) _strings.Add(new StringEntry(attributes, entry, IsCommon: false));
        _strings.Sort(static (left, right) => left.Key.SequenceCompareTo(right.Key));
        foreach (StringEntry entry in _strings)
        {
            BeginAttribute(entry.Key, WireWriter.BytesFieldSize(AnyValue_String, entry.Text.Length));
            _message.Bytes(AnyValue_String, entry.Text);
        }
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

    /// <summary>Where a string attribute lies.</summary>
    private readonly record struct StringEntry(AttributeColumns Attributes, int Entry, bool IsCommon)
    {
        public ReadOnlySpan<byte> Key => (IsCommon ? Attributes.CommonStrings.Keys : Attributes.Strings.Keys)[Entry];

        public ReadOnlySpan<byte> Text => IsCommon ? Attributes.CommonStrings.Values[Entry] : Attributes.Strings.Values[Entry];
    }
}

using TraceStore.Storage.Spans;
using static TraceStore.Storage.Otlp.OtlpFields;
using static TraceStore.Storage.Otlp.ScannedFields;

namespace TraceStore.Storage.Otlp;

/// <summary>Sorts the attributes of one message at a time into typed columns, or refuses those that columns can't give back.</summary>
internal sealed class AttributeDecoder
{
    private readonly KeySet _keys = new();

    /// <summary>Starts a message: its keys may be the same as those of the one before.</summary>
    public void Begin() => _keys.Clear();

    /// <summary>
    /// Adds a KeyValue to the columns. False when they couldn't give it back as it was: its key stood before, its value is
    /// no plain string, bool, int or double, or it carries something unknown.
    /// </summary>
    public bool TryAdd(WireReader keyValue, AttributeColumns columns)
    {
        ReadOnlySpan<byte> key = default;
        WireReader value = default;
        int keys = 0, values = 0, others = 0;
        while (!keyValue.AtEnd)
        {
            Require(keyValue.TryReadTag(out int field, out WireType type), keyValue);
            switch (field, type)
            {
                case (KeyValue_Key, WireType.Bytes):
                    Require(keyValue.TryReadBytes(out key), keyValue);
                    keys++;
                    break;
                case (KeyValue_Value, WireType.Bytes):
                    Require(keyValue.TryReadMessage(out value), keyValue);
                    values++;
                    break;
                default:
                    Require(keyValue.TrySkip(field, type), keyValue);
                    others++;
                    break;
            }
        }

        bool isFirst = _keys.Add(key);
        return isFirst && keys == 1 && values == 1 && others == 0 && TryAddValue(key, value, columns);
    }

    private static bool TryAddValue(ReadOnlySpan<byte> key, WireReader value, AttributeColumns columns)
    {
        if (value.AtEnd) return false; // null
        Require(value.TryReadTag(out int field, out WireType type), value);
        switch (field, type)
        {
            case (AnyValue_String, WireType.Bytes):
                Require(value.TryReadBytes(out ReadOnlySpan<byte> text), value);
                if (!value.AtEnd) return false;
                columns.Strings.Keys.Add(key);
                columns.Strings.Values.Add(text);
                return true;
            case (AnyValue_Bool, WireType.Varint):
                Require(value.TryReadVarint(out ulong truth), value);
                if (!value.AtEnd) return false;
                columns.Bools.Keys.Add(key);
                columns.Bools.Values.Add(truth == 0 ? (byte)0 : (byte)1);
                return true;
            case (AnyValue_Int, WireType.Varint):
                Require(value.TryReadVarint(out ulong integer), value);
                if (!value.AtEnd) return false;
                columns.Ints.Keys.Add(key);
                columns.Ints.Values.Add((long)integer);
                return true;
            case (AnyValue_Double, WireType.Fixed64):
                Require(value.TryReadFixed64(out ulong bits), value);
                if (!value.AtEnd) return false;
                columns.Doubles.Keys.Add(key);
                columns.Doubles.Values.Add(BitConverter.UInt64BitsToDouble(bits));
                return true;
            default:
                return false;
        }
    }
}

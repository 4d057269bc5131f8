using static TraceStore.Storage.Otlp.OtlpFields;
using static TraceStore.Storage.Otlp.ScannedFields;

namespace TraceStore.Storage.Otlp;

/// <summary>An attribute as nearly all are: a key and one string, bool, int or double, and nothing else.</summary>
internal ref struct PlainAttribute
{
    public ReadOnlySpan<byte> Key;

    /// <summary>Which field of AnyValue holds the value.</summary>
    public int Kind;

    /// <summary>The value of a string.</summary>
    public ReadOnlySpan<byte> Text;

    /// <summary>The value of anything else: a truth, an integer, or a double's bits.</summary>
    public ulong Number;

    /// <summary>Reads a KeyValue that is encoded as every encoder does it: the key, then the value. False for any other.</summary>
    public static bool TryReadUsual(WireReader keyValue, out PlainAttribute attribute)
    {
        attribute = default;
        return keyValue.TryTake(KeyValue_Key, WireType.Bytes) && keyValue.TryReadBytes(out attribute.Key)
            && keyValue.TryTake(KeyValue_Value, WireType.Bytes) && keyValue.TryReadMessage(out WireReader value)
            && keyValue.AtEnd
            && attribute.TryReadValue(value);
    }

    /// <summary>Reads a KeyValue in whatever way it is encoded. False when it isn't plain; its key is found all the same.</summary>
    /// <exception cref="InvalidDataException">The bytes are not what a scan would have passed.</exception>
    public static bool TryRead(WireReader keyValue, out PlainAttribute attribute)
    {
        return TryReadUsual(keyValue, out attribute) || TryReadUnusual(keyValue, out attribute);

        static bool TryReadUnusual(WireReader keyValue, out PlainAttribute attribute)
        {
            attribute = default;
            WireReader value = default;
            int keys = 0, values = 0, others = 0;
            while (!keyValue.AtEnd)
            {
                Require(keyValue.TryReadTag(out int field, out WireType type), keyValue.Position);
                switch (field, type)
                {
                    case (KeyValue_Key, WireType.Bytes):
                        Require(keyValue.TryReadBytes(out attribute.Key), keyValue.Position);
                        keys++;
                        break;
                    case (KeyValue_Value, WireType.Bytes):
                        Require(keyValue.TryReadMessage(out value), keyValue.Position);
                        values++;
                        break;
                    default:
                        Require(keyValue.TrySkip(field, type), keyValue.Position);
                        others++;
                        break;
                }
            }

            return keys == 1 && values == 1 && others == 0 && attribute.TryReadValue(value);
        }
    }

    /// <summary>Reads an AnyValue by itself. False when it isn't plain.</summary>
    public static bool TryReadValue(WireReader value, out PlainAttribute attribute)
    {
        attribute = default;
        return attribute.TryReadValue(value);
    }

    private bool TryReadValue(WireReader value)
    {
        if (!value.TryReadTag(out Kind, out WireType type)) return false; // null, if it isn't damaged
        bool ok = (Kind, type) switch
        {
            (AnyValue_String, WireType.Bytes) => value.TryReadBytes(out Text),
            (AnyValue_Bool or AnyValue_Int, WireType.Varint) => value.TryReadVarint(out Number),
            (AnyValue_Double, WireType.Fixed64) => value.TryReadFixed64(out Number),
            _ => false,
        };
        return ok && value.AtEnd;
    }
}

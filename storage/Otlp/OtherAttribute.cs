using System.Globalization;
using System.Text;
using TraceStore.Storage.Spans;
using static TraceStore.Storage.Otlp.OtlpFields;
using static TraceStore.Storage.Otlp.ScannedFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// What an attribute that no map holds is searched by: a key that stood before, or an array. Each value by itself is a byte
/// string: the key, a zero byte, a letter for the type, and the value as text.
/// </summary>
public static class OtherAttribute
{
    public const char TextLetter = 's', TruthLetter = 'b', IntegerLetter = 'i', NumberLetter = 'd';

    /// <summary>Of an array the first so many are searched, and none that is longer than this, key and all.</summary>
    public const int MaxElements = 256, MaxBytes = 2 * ListedText.MaxBytes;

    /// <summary>Adds the values of a KeyValue that can be searched.</summary>
    internal static void AddTo(BytesColumn values, WireReader keyValue)
    {
        ReadOnlySpan<byte> key = default;
        WireReader value = default;
        while (!keyValue.AtEnd)
        {
            Require(keyValue.TryReadTag(out int field, out WireType type), keyValue.Position);
            bool ok = (field, type) switch
            {
                (KeyValue_Key, WireType.Bytes) => keyValue.TryReadBytes(out key),
                (KeyValue_Value, WireType.Bytes) => keyValue.TryReadMessage(out value),
                _ => keyValue.TrySkip(field, type),
            };
            Require(ok, keyValue.Position);
        }

        if (PlainAttribute.TryReadValue(value, out PlainAttribute plain))
        {
            Add(values, key, in plain);
            return;
        }

        if (!TryFindNext(ref value, AnyValue_Array, out WireReader array)) return;
        for (int i = 0; i < MaxElements && TryFindNext(ref array, ArrayValue_Values, out WireReader element); i++)
        {
            if (PlainAttribute.TryReadValue(element, out plain)) Add(values, key, in plain);
        }
    }

    private static void Add(BytesColumn values, ReadOnlySpan<byte> key, in PlainAttribute plain)
    {
        ReadOnlySpan<byte> text = TextOf(in plain, out char letter);
        int length = key.Length + 2 + text.Length;
        if (length > MaxBytes) return;
        Span<byte> row = values.Extend(length);
        key.CopyTo(row);
        row[key.Length] = 0;
        row[key.Length + 1] = (byte)letter;
        text.CopyTo(row[(key.Length + 2)..]);
    }

    private static ReadOnlySpan<byte> TextOf(in PlainAttribute plain, out char letter)
    {
        switch (plain.Kind)
        {
            case AnyValue_String:
                letter = TextLetter;
                return plain.Text;
            case AnyValue_Bool:
                letter = TruthLetter;
                return plain.Number == 0 ? "0"u8 : "1"u8;
            case AnyValue_Int:
                letter = IntegerLetter;
                return Encoding.ASCII.GetBytes(((long)plain.Number).ToString(CultureInfo.InvariantCulture));
            default:
                letter = NumberLetter;
                double number = BitConverter.UInt64BitsToDouble(plain.Number);
                return double.IsInfinity(number) ? (number > 0 ? "inf"u8 : "-inf"u8) : Encoding.ASCII.GetBytes(number.ToString("R", CultureInfo.InvariantCulture));
        }
    }
}

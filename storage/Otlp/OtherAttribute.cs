using System.Globalization;
using System.IO.Hashing;
using System.Text;
using TraceStore.Storage.Spans;
using static TraceStore.Storage.Otlp.OtlpFields;
using static TraceStore.Storage.Otlp.ScannedFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// What an attribute that no map holds is searched by: a key that stood before, or an array. First comes the key's hash, and
/// then each value by itself: the key's hash once more, a letter for the type, and the value as text. The key itself would take
/// many times the room of what was sent, for it stands before an array once and here before each element.
/// </summary>
public static class OtherAttribute
{
    public const char TextLetter = 's', TruthLetter = 'b', IntegerLetter = 'i', NumberLetter = 'd';

    /// <summary>Bytes of a key's hash.</summary>
    public const int KeyBytes = sizeof(ulong);

    /// <summary>Of an array the first so many elements are searched, and no text that is longer than this.</summary>
    public const int MaxElements = 256, MaxTextBytes = 8 << 10;

    /// <summary>Of a segment so many values are searched, for the smallest take several times the room here that they took when they were sent.</summary>
    internal const int MaxPerSegment = 1 << 20;

    /// <summary>What every value of a key begins with.</summary>
    public static byte[] KeyHash(ReadOnlySpan<byte> key) => XxHash3.Hash(key);

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

        int before = values.Count;
        Span<byte> hash = stackalloc byte[KeyBytes];
        XxHash3.Hash(key, hash);
        if (PlainAttribute.TryReadValue(value, out PlainAttribute plain))
        {
            Add(values, before, hash, in plain);
        }
        else if (TryFindNext(ref value, AnyValue_Array, out WireReader array))
        {
            for (int i = 0; i < MaxElements && TryFindNext(ref array, ArrayValue_Values, out WireReader element); i++)
            {
                if (PlainAttribute.TryReadValue(element, out plain)) Add(values, before, hash, in plain);
            }
        }
    }

    /// <summary>A number as it stands among them.</summary>
    public static string TextOf(double number) =>
        double.IsInfinity(number) ? (number > 0 ? "inf" : "-inf") : number.ToString("R", CultureInfo.InvariantCulture);

    /// <inheritdoc cref="TextOf(double)"/>
    public static string TextOf(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Add(BytesColumn values, int before, ReadOnlySpan<byte> keyHash, in PlainAttribute plain)
    {
        ReadOnlySpan<byte> text = TextOf(in plain, out char letter);
        if (text.Length > MaxTextBytes || values.Count >= MaxPerSegment) return;
        if (values.Count == before) values.Add(keyHash);
        Span<byte> row = values.Extend(KeyBytes + 1 + text.Length);
        keyHash.CopyTo(row);
        row[KeyBytes] = (byte)letter;
        text.CopyTo(row[(KeyBytes + 1)..]);
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
                return Encoding.ASCII.GetBytes(TextOf((long)plain.Number));
            default:
                letter = NumberLetter;
                return Encoding.ASCII.GetBytes(TextOf(BitConverter.UInt64BitsToDouble(plain.Number)));
        }
    }
}

using TraceStore.Storage.Spans;
using static TraceStore.Storage.Otlp.OtlpFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Sorts attributes into typed columns, those of one message at a time, or refuses those that columns can't give back, and
/// notes what they are searched by. A key is hashed once: its number in each column is remembered by its number in a table of all keys.
/// </summary>
/// <param name="recurrence">Which strings are common; where null, none is.</param>
internal sealed class AttributeDecoder(AttributeColumns columns, Recurrence? recurrence = null)
{
    /// <summary>Half of what ClickHouse takes into one dictionary (low_cardinality_max_dictionary_size), for parts are merged.</summary>
    private const int MaxCommonStrings = 4_096;

    /// <summary>Longer ones are not common, however often they come: who reads one value reads its dictionary whole.</summary>
    private const int MaxCommonBytes = 256;

    private readonly ByteStringTable _keys = new();
    private KeyUse[] _uses = new KeyUse[64];
    private uint _message;

    /// <summary>Forgets all keys, when the columns are cleared.</summary>
    public void Clear()
    {
        _keys.Clear();
        _message = 0;
        recurrence?.Clear();
    }

    /// <summary>Starts a message: its keys may be the same as those of the one before.</summary>
    public void Begin() => _message++;

    /// <summary>
    /// Adds a KeyValue to the columns. False when they couldn't give it back as it was: its key stood before, its value is
    /// no plain string, bool, int or double, or it carries something unknown. Nor does a very long key stand in columns.
    /// </summary>
    public bool TryAdd(WireReader keyValue)
    {
        bool isPlain = PlainAttribute.TryRead(keyValue, out PlainAttribute attribute) && attribute.Key.Length <= ListedText.MaxBytes;
        ref KeyUse use = ref UseOf(attribute.Key);
        bool isFirst = use.LastMessage != _message;
        use.LastMessage = _message;
        if (isPlain && isFirst) Add(in attribute, ref use);
        else OtherAttribute.AddTo(columns.Others.Values, keyValue);
        return isPlain && isFirst;
    }

    private void Add(in PlainAttribute attribute, ref KeyUse use)
    {
        switch (attribute.Kind)
        {
            case AnyValue_String:
                AddString(in attribute, ref use);
                break;
            case AnyValue_Bool:
                AddKey(columns.Bools, attribute.Key, ref use.Bools);
                columns.Bools.Values.Add(attribute.Number == 0 ? (byte)0 : (byte)1);
                break;
            case AnyValue_Int:
                AddKey(columns.Ints, attribute.Key, ref use.Ints);
                columns.Ints.Values.Add((long)attribute.Number);
                break;
            default:
                AddKey(columns.Doubles, attribute.Key, ref use.Doubles);
                columns.Doubles.Values.Add(BitConverter.UInt64BitsToDouble(attribute.Number));
                break;
        }
    }

    private void AddString(in PlainAttribute attribute, ref KeyUse use)
    {
        if (TryFindCommon(attribute.Text, out uint number))
        {
            AddKey(columns.CommonStrings, attribute.Key, ref use.CommonStrings);
            columns.CommonStrings.Values.Add(number);
        }
        else
        {
            AddKey(columns.Strings, attribute.Key, ref use.Strings);
            columns.Strings.Values.Add(attribute.Text);
        }
    }

    private bool TryFindCommon(ReadOnlySpan<byte> text, out uint number)
    {
        number = 0;
        if (recurrence is null || text.Length > MaxCommonBytes) return false;
        ByteStringTable common = columns.CommonStrings.Values.Values;
        if (common.TryFind(text, out number)) return true;
        if (common.Count == MaxCommonStrings || !recurrence.Note(text)) return false;
        number = common.NumberOf(text);
        return true;
    }

    private ref KeyUse UseOf(ReadOnlySpan<byte> key)
    {
        int number = (int)_keys.NumberOf(key, out bool isNew);
        if (number == _uses.Length) Array.Resize(ref _uses, 2 * number);
        if (isNew) _uses[number] = default;
        return ref _uses[number];
    }

    private static void AddKey(MapColumn map, ReadOnlySpan<byte> key, ref uint numberPlusOne)
    {
        if (numberPlusOne == 0) numberPlusOne = map.Keys.Values.NumberOf(key) + 1;
        map.Keys.Add(numberPlusOne - 1);
    }

    /// <summary>Where a key has been met: the last message that had it, and its number plus one in each column; 0 for nowhere.</summary>
    private struct KeyUse
    {
        public uint LastMessage, CommonStrings, Strings, Bools, Ints, Doubles;
    }
}

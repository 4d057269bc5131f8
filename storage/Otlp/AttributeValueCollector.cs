using System.Buffers.Text;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using TraceStore.Storage.Spans;
using static TraceStore.Storage.Otlp.OtlpFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Finds which attributes spans have, and with which values, as far as it hasn't found them on that day before. It lists and
/// doesn't count: of a name that has very many values the first <see cref="MaxValues"/> of a day are found, and none that is
/// longer than <see cref="MaxBytes"/>, which nobody picks from a list. For one thread at a time.
/// </summary>
public sealed class AttributeValueCollector
{
    /// <summary>Of a name on a day; from then on it costs next to nothing.</summary>
    public const int MaxValues = 10_000;

    /// <summary>Names on a day: who sends more puts values into names.</summary>
    public const int MaxNames = 10_000;

    /// <summary>Bytes of a name, and of a value, UTF-8.</summary>
    public const int MaxBytes = 256;

    /// <summary>Values that are remembered, 8 bytes each. Where all names together have more, the one that has most is at its end.</summary>
    private const int MaxRemembered = 300_000;

    /// <summary>Up to so many bits common strings are told apart by; where keys and values are more, as others are.</summary>
    private const long MaxSeenBits = 1 << 26;

    /// <summary>Nobody outside can make values collide.</summary>
    private static readonly long s_seed = Random.Shared.NextInt64();

    private readonly ByteStringTable _names = new();
    private readonly List<NameState> _states = [];
    private readonly NameState _none = new() { Values = null };
    private int _remembered;

    // Of the spans at hand
    private AttributeValueBatch _found = new();
    private SpanBatch _spans = new();
    private int _row;

    /// <summary>The day whose attributes are known, days since 1970; null before the first.</summary>
    public ushort? Day { get; private set; }

    /// <summary>Begins a day; nothing of it is known but which names have so many values that no more are found.</summary>
    /// <param name="day">Days since 1970.</param>
    /// <param name="full">These names, each of a tenant and a scope.</param>
    public void Begin(ushort day, AttributeValueBatch full)
    {
        Forget();
        Day = day;
        for (int row = 0; row < full.Name.Count; row++) StateOf(full.Tenant[row], full.Scope[row], full.Name[row]).Values = null;
    }

    /// <summary>Forgets what is known: it wasn't stored, or isn't any more.</summary>
    public void Forget()
    {
        _names.Clear();
        _states.Clear();
        (Day, _remembered) = (null, 0);
    }

    /// <summary>What is new in spans of the day.</summary>
    public AttributeValueBatch Collect(SpanBatch spans)
    {
        (_spans, _found) = (spans, new AttributeValueBatch());
        AttributeColumns attributes = spans.Attributes;
        CollectCommon(attributes.CommonStrings);
        Collect(attributes.Strings, static (collector, state, strings, entry) => collector.AddText(state, strings[entry]));
        Collect(attributes.Bools, static (collector, state, bools, entry) => collector.AddTruth(state, bools[entry] != 0));
        Collect(attributes.Ints, static (collector, state, ints, entry) => collector.AddInteger(state, ints[entry]));
        Collect(attributes.Doubles, static (collector, state, doubles, entry) => collector.AddNumber(state, doubles[entry]));
        for (_row = 0; _row < spans.Count; _row++)
        {
            if (spans.StatusMessage[_row] is { Length: > 0 } message) AddText(StateOf("intrinsic"u8, "statusMessage"u8), message);
            if (spans.Remainder[_row] is { Length: > 0 } remainder) CollectRemainder(new WireReader(remainder));
        }

        return _found;
    }

    /// <summary>A common string has a number: each pair of a key's and a value's is looked at once.</summary>
    private void CollectCommon(MapColumn<DictionaryColumn> map)
    {
        int words = (map.Values.Values.Count + 63) / 64;
        bool isBounded = 64L * words * Math.Min(map.Keys.Values.Count, MaxNames) <= MaxSeenBits;
        var seen = new ulong[]?[map.Keys.Values.Count]; // by key, a bit for each value
        uint? tenant = null;
        Collect(map, (collector, state, values, entry) =>
        {
            if (tenant != collector._spans.Tenant.Rows[collector._row]) Array.Clear(seen);
            tenant = collector._spans.Tenant.Rows[collector._row];
            uint value = values.Rows[entry];
            if (isBounded)
            {
                ref ulong word = ref (seen[map.Keys.Rows[entry]] ??= new ulong[words])[value / 64];
                ulong bit = 1ul << (int)(value % 64);
                if ((word & bit) != 0) return;
                word |= bit;
            }

            collector.AddText(state, values.Values[(int)value]);
        });
    }

    private void Collect<TValues>(MapColumn<TValues> map, Action<AttributeValueCollector, NameState, TValues, int> add)
        where TValues : Column, new()
    {
        var states = new NameState?[map.Keys.Values.Count];
        uint? tenant = null;
        for (_row = 0; _row < map.Count; _row++)
        {
            if (tenant != _spans.Tenant.Rows[_row]) Array.Clear(states);
            tenant = _spans.Tenant.Rows[_row];
            (int start, int length) = map[_row].GetOffsetAndLength(map.Keys.Count);
            for (int entry = start; entry < start + length; entry++)
            {
                uint key = map.Keys.Rows[entry];
                NameState state = states[key] ??= StateOf("span"u8, map.Keys.Values[(int)key]);
                if (state.Values is not null) add(this, state, map.Values, entry);
            }
        }
    }

    /// <summary>Events, links, and the attributes that no column holds: arrays, and keys that stood before.</summary>
    private void CollectRemainder(WireReader span)
    {
        while (!span.AtEnd && span.TryReadTag(out int field, out WireType type))
        {
            if (type == WireType.Bytes && field is Span_Attributes or Span_Events or Span_Links)
            {
                if (!span.TryReadMessage(out WireReader message)) return;
                if (field == Span_Attributes) CollectAttribute("span"u8, message);
                else if (field == Span_Events) CollectMessage("event"u8, Event_Attributes, Event_Name, message);
                else CollectMessage("link"u8, Link_Attributes, nameField: 0, message);
            }
            else if (!span.TrySkip(field, type))
            {
                return;
            }
        }
    }

    private void CollectMessage(ReadOnlySpan<byte> scope, int attributesField, int nameField, WireReader message)
    {
        while (!message.AtEnd && message.TryReadTag(out int field, out WireType type))
        {
            if (type == WireType.Bytes && field == attributesField)
            {
                if (!message.TryReadMessage(out WireReader attribute)) return;
                CollectAttribute(scope, attribute);
            }
            else if (type == WireType.Bytes && field == nameField)
            {
                if (!message.TryReadBytes(out ReadOnlySpan<byte> name)) return;
                AddText(StateOf("intrinsic"u8, "event:name"u8), name);
            }
            else if (!message.TrySkip(field, type))
            {
                return;
            }
        }
    }

    private void CollectAttribute(ReadOnlySpan<byte> scope, WireReader keyValue)
    {
        bool isPlain = PlainAttribute.TryRead(keyValue, out PlainAttribute attribute);
        NameState state = StateOf(scope, attribute.Key);
        if (state.Values is null) return;
        if (isPlain) Add(state, in attribute);
        else if (!CollectArray(state, keyValue)) Add(state, ""u8, ""u8);
    }

    /// <summary>Of an array each element. False where it is none, or nothing in it can be listed.</summary>
    private bool CollectArray(NameState state, WireReader keyValue)
    {
        bool isAny = false;
        if (!ScannedFields.TryFindNext(ref keyValue, KeyValue_Value, out WireReader value) || !ScannedFields.TryFindNext(ref value, AnyValue_Array, out WireReader array)) return false;
        for (int i = 0; i < OtherAttribute.MaxElements && ScannedFields.TryFindNext(ref array, ArrayValue_Values, out WireReader element); i++)
        {
            if (!PlainAttribute.TryReadValue(element, out PlainAttribute plain)) continue;
            Add(state, in plain);
            isAny = true;
        }

        return isAny;
    }

    private void Add(NameState state, in PlainAttribute attribute)
    {
        switch (attribute.Kind)
        {
            case AnyValue_String:
                AddText(state, attribute.Text);
                break;
            case AnyValue_Bool:
                AddTruth(state, attribute.Number != 0);
                break;
            case AnyValue_Int:
                AddInteger(state, (long)attribute.Number);
                break;
            default:
                AddNumber(state, BitConverter.UInt64BitsToDouble(attribute.Number));
                break;
        }
    }

    private void AddText(NameState state, ReadOnlySpan<byte> text)
    {
        if (text.Length > MaxBytes) Add(state, ""u8, ""u8);
        else Add(state, "string"u8, text);
    }

    private void AddTruth(NameState state, bool truth) => Add(state, "bool"u8, truth ? "true"u8 : "false"u8);

    private void AddInteger(NameState state, long number)
    {
        if (!IsNew(state, "int"u8, MemoryMarshal.AsBytes(new ReadOnlySpan<long>(in number)))) return;
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, text, out int length);
        Write(state, "int"u8, text[..length]);
    }

    private void AddNumber(NameState state, double number)
    {
        if (IsNew(state, "float"u8, MemoryMarshal.AsBytes(new ReadOnlySpan<double>(in number)))) Write(state, "float"u8, Encoding.ASCII.GetBytes(OtherAttribute.TextOf(number)));
    }

    /// <summary>Adds text; no type and no value for a name alone.</summary>
    private void Add(NameState state, ReadOnlySpan<byte> type, ReadOnlySpan<byte> value)
    {
        if (IsNew(state, type, value)) Write(state, type, value);
    }

    /// <summary>Whether a value isn't known, and there is room for it.</summary>
    private static bool IsNew(NameState state, ReadOnlySpan<byte> type, ReadOnlySpan<byte> value) =>
        state.Values is { } known && known.Add(XxHash3.HashToUInt64(value, s_seed + (type.IsEmpty ? 0 : type[0])));

    private void Write(NameState state, ReadOnlySpan<byte> type, ReadOnlySpan<byte> value)
    {
        _found.Tenant.Add(_spans.Tenant[_row]);
        _found.ReceivedDay.Add(_spans.ReceivedDay[_row]);
        _found.Scope.Add(state.Scope);
        _found.Name.Add(state.Name);
        _found.Type.Add(type);
        _found.Value.Add(value);
        _remembered++;
        if (state.Values!.Count >= MaxValues) Fill(state);
        else if (_remembered > MaxRemembered) Fill(_states.MaxBy(other => other.Values?.Count ?? 0)!);
    }

    private void Fill(NameState state)
    {
        _remembered -= state.Values!.Count;
        state.Values = null;
    }

    private NameState StateOf(ReadOnlySpan<byte> scope, ReadOnlySpan<byte> name) => StateOf(_spans.Tenant[_row], scope, name);

    private NameState StateOf(ReadOnlySpan<byte> tenant, ReadOnlySpan<byte> scope, ReadOnlySpan<byte> name)
    {
        // Each part's length goes in front, so that no two lists of parts are the same bytes
        int parts = tenant.Length + scope.Length;
        if (name.Length is 0 or > MaxBytes || parts > MaxBytes) return _none;
        Span<byte> key = stackalloc byte[(2 * sizeof(int)) + parts + name.Length];
        MemoryMarshal.Write(key, tenant.Length);
        MemoryMarshal.Write(key[sizeof(int)..], scope.Length);
        tenant.CopyTo(key[(2 * sizeof(int))..]);
        scope.CopyTo(key[((2 * sizeof(int)) + tenant.Length)..]);
        name.CopyTo(key[((2 * sizeof(int)) + parts)..]);
        if (_names.Count >= MaxNames && !_names.TryFind(key, out _)) return _none;
        uint number = _names.NumberOf(key, out bool isNew);
        if (isNew) _states.Add(new NameState { Scope = scope.ToArray(), Name = name.ToArray() });
        return _states[(int)number];
    }

    private sealed class NameState
    {
        public byte[] Scope { get; init; } = [];

        public byte[] Name { get; init; } = [];

        /// <summary>Hashes of the values that are known; null where there are so many that no more are found.</summary>
        public HashSet<ulong>? Values { get; set; } = [];
    }
}

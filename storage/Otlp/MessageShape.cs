using static TraceStore.Storage.Otlp.OtlpFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Which fields of a message are messages themselves: all that a structural scan has to know of it. Fields that are not
/// named here hold no further structure, or aren't known and are carried through as they are.
/// </summary>
internal sealed class MessageShape
{
    private readonly MessageShape?[] _messageFields = new MessageShape?[8];

    private static readonly MessageShape s_anyValue = new();
    private static readonly MessageShape s_keyValue = new MessageShape().With(KeyValue_Value, s_anyValue);
    private static readonly MessageShape s_arrayValue = new MessageShape().With(ArrayValue_Values, s_anyValue);
    private static readonly MessageShape s_keyValueList = new MessageShape().With(KeyValueList_Values, s_keyValue);

    static MessageShape() =>
        s_anyValue.With(AnyValue_Array, s_arrayValue).With(AnyValue_KeyValueList, s_keyValueList);

    public static MessageShape KeyValue => s_keyValue;

    public static MessageShape Resource { get; } =
        new MessageShape().With(Resource_Attributes, s_keyValue).With(Resource_EntityRefs, new MessageShape());

    public static MessageShape Scope { get; } = new MessageShape().With(Scope_Attributes, s_keyValue);

    public static MessageShape Event { get; } = new MessageShape().With(Event_Attributes, s_keyValue);

    public static MessageShape Link { get; } = new MessageShape().With(Link_Attributes, s_keyValue);

    public static MessageShape Status { get; } = new();

    /// <summary>The shape of a message field; null for any other.</summary>
    public MessageShape? this[int field] => (uint)field < (uint)_messageFields.Length ? _messageFields[field] : null;

    private MessageShape With(int field, MessageShape shape)
    {
        _messageFields[field] = shape;
        return this;
    }
}

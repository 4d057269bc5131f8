using static TraceStore.Storage.Otlp.OtlpFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Which fields of a message are messages and which are text: all that a walk through it has to know. Fields that are not
/// named here hold no further structure, or aren't known and are carried through as they are.
/// </summary>
internal sealed class MessageShape
{
    private const int Fields = Span_Flags + 1;

    private static readonly MessageShape s_anyValue = new MessageShape().WithText(AnyValue_String);
    private static readonly MessageShape s_keyValue = new MessageShape().WithText(KeyValue_Key).With(KeyValue_Value, s_anyValue);
    private static readonly MessageShape s_arrayValue = new MessageShape().With(ArrayValue_Values, s_anyValue);
    private static readonly MessageShape s_keyValueList = new MessageShape().With(KeyValueList_Values, s_keyValue);
    private static readonly MessageShape s_entityRef = new MessageShape()
        .WithText(EntityRef_SchemaUrl, EntityRef_Type, EntityRef_IdKeys, EntityRef_DescriptionKeys);

    private readonly MessageShape?[] _messages = new MessageShape?[Fields];
    private readonly bool[] _texts = new bool[Fields];

    static MessageShape() =>
        s_anyValue.With(AnyValue_Array, s_arrayValue).With(AnyValue_KeyValueList, s_keyValueList);

    public static MessageShape KeyValue => s_keyValue;

    public static MessageShape Resource { get; } = new MessageShape().With(Resource_Attributes, s_keyValue).With(Resource_EntityRefs, s_entityRef);

    public static MessageShape Scope { get; } = new MessageShape().WithText(Scope_Name, Scope_Version).With(Scope_Attributes, s_keyValue);

    public static MessageShape Event { get; } = new MessageShape().WithText(Event_Name).With(Event_Attributes, s_keyValue);

    public static MessageShape Link { get; } = new MessageShape().WithText(Link_TraceState).With(Link_Attributes, s_keyValue);

    public static MessageShape Status { get; } = new MessageShape().WithText(Status_Message);

    public static MessageShape Span { get; } = new MessageShape()
        .WithText(Span_TraceState, Span_Name)
        .With(Span_Attributes, s_keyValue)
        .With(Span_Events, Event)
        .With(Span_Links, Link)
        .With(Span_Status, Status);

    public static MessageShape ScopeSpans { get; } = new MessageShape()
        .With(ScopeSpans_Scope, Scope)
        .With(ScopeSpans_Spans, Span)
        .WithText(ScopeSpans_SchemaUrl);

    public static MessageShape ResourceSpans { get; } = new MessageShape()
        .With(ResourceSpans_Resource, Resource)
        .With(ResourceSpans_ScopeSpans, ScopeSpans)
        .WithText(ResourceSpans_SchemaUrl);

    public static MessageShape Request { get; } = new MessageShape().With(Request_ResourceSpans, ResourceSpans);

    /// <summary>The shape of a message field; null for any other.</summary>
    public MessageShape? this[int field] => (uint)field < Fields ? _messages[field] : null;

    /// <summary>Whether a field is text.</summary>
    public bool IsText(int field) => (uint)field < Fields && _texts[field];

    private MessageShape With(int field, MessageShape shape)
    {
        _messages[field] = shape;
        return this;
    }

    private MessageShape WithText(params ReadOnlySpan<int> fields)
    {
        foreach (int field in fields) _texts[field] = true;
        return this;
    }
}

namespace TraceStore.Storage.Otlp;

/// <summary>Field numbers of the OTLP messages, as Message_Field (opentelemetry-proto, trace/v1, common/v1, resource/v1).</summary>
internal static class OtlpFields
{
    public const int Request_ResourceSpans = 1;

    public const int ResourceSpans_Resource = 1;
    public const int ResourceSpans_ScopeSpans = 2;
    public const int ResourceSpans_SchemaUrl = 3;

    public const int Resource_Attributes = 1;
    public const int Resource_DroppedAttributesCount = 2;
    public const int Resource_EntityRefs = 3;

    public const int EntityRef_SchemaUrl = 1;
    public const int EntityRef_Type = 2;
    public const int EntityRef_IdKeys = 3;
    public const int EntityRef_DescriptionKeys = 4;

    public const int ScopeSpans_Scope = 1;
    public const int ScopeSpans_Spans = 2;
    public const int ScopeSpans_SchemaUrl = 3;

    public const int Scope_Name = 1;
    public const int Scope_Version = 2;
    public const int Scope_Attributes = 3;

    public const int Span_TraceId = 1;
    public const int Span_SpanId = 2;
    public const int Span_TraceState = 3;
    public const int Span_ParentSpanId = 4;
    public const int Span_Name = 5;
    public const int Span_Kind = 6;
    public const int Span_StartTimeUnixNano = 7;
    public const int Span_EndTimeUnixNano = 8;
    public const int Span_Attributes = 9;
    public const int Span_DroppedAttributesCount = 10;
    public const int Span_Events = 11;
    public const int Span_DroppedEventsCount = 12;
    public const int Span_Links = 13;
    public const int Span_DroppedLinksCount = 14;
    public const int Span_Status = 15;
    public const int Span_Flags = 16;

    public const int Event_Name = 2;
    public const int Event_Attributes = 3;
    public const int Link_TraceState = 3;
    public const int Link_Attributes = 4;

    public const int Status_Message = 2;
    public const int Status_Code = 3;

    public const int KeyValue_Key = 1;
    public const int KeyValue_Value = 2;

    public const int AnyValue_String = 1;
    public const int AnyValue_Bool = 2;
    public const int AnyValue_Int = 3;
    public const int AnyValue_Double = 4;
    public const int AnyValue_Array = 5;
    public const int AnyValue_KeyValueList = 6;
    public const int AnyValue_Bytes = 7;

    public const int ArrayValue_Values = 1;
    public const int KeyValueList_Values = 1;
}

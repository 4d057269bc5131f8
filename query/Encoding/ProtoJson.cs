using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Google.Protobuf;
using Google.Protobuf.Collections;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;

namespace TraceStore.Query.Encoding;

/// <summary>
/// OTLP messages in protobuf's own JSON mapping (protobuf.dev, ProtoJSON): IDs in base64, enums by name, 64-bit integers as
/// strings, fields that have their default left out. As Google.Protobuf's JsonFormatter writes them, without reflection and text in
/// between: that took half of what a look-up by ID takes outside of ClickHouse. A test holds the two equal.
/// </summary>
internal static class ProtoJson
{
    /// <summary>How the writer is to be made: text in the languages of the world stands as it is.</summary>
    public static JsonWriterOptions Options { get; } = new()
    {
        Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
        SkipValidation = true,
    };

    private static readonly JsonEncodedText s_key = Name("key"), s_value = Name("value"), s_stringValue = Name("stringValue"), s_intValue = Name("intValue");

    public static void WriteSpan(Utf8JsonWriter json, Span span)
    {
        json.WriteStartObject();
        Write(json, "traceId", span.TraceId);
        Write(json, "spanId", span.SpanId);
        Write(json, "traceState", span.TraceState);
        Write(json, "parentSpanId", span.ParentSpanId);
        Write(json, "name", span.Name);
        if (span.Kind != 0) WriteEnum(json, "kind", (int)span.Kind, KindName(span.Kind));
        Write(json, "startTimeUnixNano", span.StartTimeUnixNano);
        Write(json, "endTimeUnixNano", span.EndTimeUnixNano);
        Write(json, "attributes", span.Attributes, WriteKeyValue);
        Write(json, "droppedAttributesCount", span.DroppedAttributesCount);
        Write(json, "events", span.Events, WriteEvent);
        Write(json, "droppedEventsCount", span.DroppedEventsCount);
        Write(json, "links", span.Links, WriteLink);
        Write(json, "droppedLinksCount", span.DroppedLinksCount);
        if (span.Status is { } status) WriteStatus(json, status);
        Write(json, "flags", span.Flags);
        json.WriteEndObject();
    }

    /// <summary>The fields of a ResourceSpans but for its scope_spans, within an object that is open.</summary>
    public static void WriteResourceFields(Utf8JsonWriter json, ResourceSpans spans)
    {
        if (spans.Resource is { } resource)
        {
            json.WriteStartObject("resource");
            Write(json, "attributes", resource.Attributes, WriteKeyValue);
            Write(json, "droppedAttributesCount", resource.DroppedAttributesCount);
            Write(json, "entityRefs", resource.EntityRefs, WriteEntity);
            json.WriteEndObject();
        }

        Write(json, "schemaUrl", spans.SchemaUrl);
    }

    /// <summary>The fields of a ScopeSpans but for its spans, within an object that is open.</summary>
    public static void WriteScopeFields(Utf8JsonWriter json, ScopeSpans spans)
    {
        if (spans.Scope is { } scope)
        {
            json.WriteStartObject("scope");
            Write(json, "name", scope.Name);
            Write(json, "version", scope.Version);
            Write(json, "attributes", scope.Attributes, WriteKeyValue);
            Write(json, "droppedAttributesCount", scope.DroppedAttributesCount);
            json.WriteEndObject();
        }

        Write(json, "schemaUrl", spans.SchemaUrl);
    }

    private static void WriteEvent(Utf8JsonWriter json, Span.Types.Event one)
    {
        json.WriteStartObject();
        Write(json, "timeUnixNano", one.TimeUnixNano);
        Write(json, "name", one.Name);
        Write(json, "attributes", one.Attributes, WriteKeyValue);
        Write(json, "droppedAttributesCount", one.DroppedAttributesCount);
        json.WriteEndObject();
    }

    private static void WriteLink(Utf8JsonWriter json, Span.Types.Link link)
    {
        json.WriteStartObject();
        Write(json, "traceId", link.TraceId);
        Write(json, "spanId", link.SpanId);
        Write(json, "traceState", link.TraceState);
        Write(json, "attributes", link.Attributes, WriteKeyValue);
        Write(json, "droppedAttributesCount", link.DroppedAttributesCount);
        Write(json, "flags", link.Flags);
        json.WriteEndObject();
    }

    private static void WriteStatus(Utf8JsonWriter json, Status status)
    {
        json.WriteStartObject("status");
        Write(json, "message", status.Message);
        if (status.Code != 0) WriteEnum(json, "code", (int)status.Code, CodeName(status.Code));
        json.WriteEndObject();
    }

    private static void WriteEntity(Utf8JsonWriter json, EntityRef entity)
    {
        json.WriteStartObject();
        Write(json, "schemaUrl", entity.SchemaUrl);
        Write(json, "type", entity.Type);
        Write(json, "idKeys", entity.IdKeys, static (json, key) => json.WriteStringValue(key));
        Write(json, "descriptionKeys", entity.DescriptionKeys, static (json, key) => json.WriteStringValue(key));
        json.WriteEndObject();
    }

    private static void WriteKeyValue(Utf8JsonWriter json, KeyValue attribute)
    {
        json.WriteStartObject();
        if (attribute.Key.Length > 0) json.WriteString(s_key, attribute.Key);
        if (attribute.Value is { } value)
        {
            json.WritePropertyName(s_value);
            WriteValue(json, value);
        }

        if (attribute.KeyStrindex != 0) json.WriteNumber("keyStrindex", attribute.KeyStrindex);
        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, AnyValue value)
    {
        json.WriteStartObject();
        switch (value.ValueCase)
        {
            case AnyValue.ValueOneofCase.StringValue:
                json.WriteString(s_stringValue, value.StringValue);
                break;
            case AnyValue.ValueOneofCase.BoolValue:
                json.WriteBoolean("boolValue", value.BoolValue);
                break;
            case AnyValue.ValueOneofCase.IntValue:
                json.WritePropertyName(s_intValue);
                WriteNumberText(json, value.IntValue);
                break;
            case AnyValue.ValueOneofCase.DoubleValue:
                WriteDouble(json, value.DoubleValue);
                break;
            case AnyValue.ValueOneofCase.BytesValue:
                json.WriteBase64String("bytesValue", value.BytesValue.Span);
                break;
            case AnyValue.ValueOneofCase.StringValueStrindex:
                json.WriteNumber("stringValueStrindex", value.StringValueStrindex);
                break;
            case AnyValue.ValueOneofCase.ArrayValue:
                json.WriteStartObject("arrayValue");
                Write(json, "values", value.ArrayValue.Values, WriteValue);
                json.WriteEndObject();
                break;
            case AnyValue.ValueOneofCase.KvlistValue:
                json.WriteStartObject("kvlistValue");
                Write(json, "values", value.KvlistValue.Values, WriteKeyValue);
                json.WriteEndObject();
                break;
            case AnyValue.ValueOneofCase.None:
            default:
                break;
        }

        json.WriteEndObject();
    }

    /// <summary>What isn't a number in JSON is a string.</summary>
    private static void WriteDouble(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber("doubleValue", value);
        else json.WriteString("doubleValue", double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
    }

    private static void Write<T>(Utf8JsonWriter json, string name, RepeatedField<T> items, Action<Utf8JsonWriter, T> write)
    {
        if (items.Count == 0) return;
        json.WriteStartArray(name);
        foreach (T item in items) write(json, item);
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, string name, string text)
    {
        if (text.Length > 0) json.WriteString(name, text);
    }

    private static void Write(Utf8JsonWriter json, string name, ByteString bytes)
    {
        if (bytes.Length > 0) json.WriteBase64String(name, bytes.Span);
    }

    private static void Write(Utf8JsonWriter json, string name, uint number)
    {
        if (number != 0) json.WriteNumber(name, number);
    }

    private static void Write(Utf8JsonWriter json, string name, ulong number)
    {
        if (number == 0) return;
        json.WritePropertyName(name);
        WriteNumberText(json, number);
    }

    private static void WriteNumberText<T>(Utf8JsonWriter json, T number)
        where T : IUtf8SpanFormattable
    {
        Span<byte> text = stackalloc byte[20];
        number.TryFormat(text, out int length, default, provider: null);
        json.WriteStringValue(text[..length]);
    }

    /// <summary>A number that has no name stands as it is: enums are open.</summary>
    private static void WriteEnum(Utf8JsonWriter json, string field, int number, string? name)
    {
        if (name is null) json.WriteNumber(field, number);
        else json.WriteString(field, name);
    }

    private static string? KindName(Span.Types.SpanKind kind) => kind switch
    {
        Span.Types.SpanKind.Internal => "SPAN_KIND_INTERNAL",
        Span.Types.SpanKind.Server => "SPAN_KIND_SERVER",
        Span.Types.SpanKind.Client => "SPAN_KIND_CLIENT",
        Span.Types.SpanKind.Producer => "SPAN_KIND_PRODUCER",
        Span.Types.SpanKind.Consumer => "SPAN_KIND_CONSUMER",
        _ => null,
    };

    private static string? CodeName(Status.Types.StatusCode code) => code switch
    {
        Status.Types.StatusCode.Ok => "STATUS_CODE_OK",
        Status.Types.StatusCode.Error => "STATUS_CODE_ERROR",
        _ => null,
    };

    private static JsonEncodedText Name(string name) => JsonEncodedText.Encode(name);
}

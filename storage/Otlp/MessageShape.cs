using System.Text;
using Google.Protobuf.Reflection;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// All that a walk through a message has to know of its fields, as the .proto files have it. A field that isn't known is
/// carried through as it is.
/// </summary>
internal sealed class MessageShape
{
    private static readonly Dictionary<MessageDescriptor, MessageShape> s_shapes = [];

    private readonly MessageShape?[] _messages;
    private readonly bool[] _texts;

    private MessageShape(MessageDescriptor descriptor)
    {
        s_shapes.Add(descriptor, this); // before its fields, for messages may hold their own kind
        IList<FieldDescriptor> fields = descriptor.Fields.InFieldNumberOrder();
        Fields = [.. fields.Select(field => new FieldShape(field, field.FieldType == FieldType.Message ? Of(field.MessageType) : null))];
        _messages = new MessageShape?[fields.Count == 0 ? 0 : fields[^1].FieldNumber + 1];
        _texts = new bool[_messages.Length];
        foreach (FieldShape field in Fields)
        {
            _messages[field.Number] = field.Message;
            _texts[field.Number] = field.Type == FieldType.String;
        }
    }

    public static MessageShape Request { get; } = Of(ExportTraceServiceRequest.Descriptor);

    public static MessageShape ResourceSpans { get; } = Of(OpenTelemetry.Proto.Trace.V1.ResourceSpans.Descriptor);

    public static MessageShape Resource { get; } = Of(OpenTelemetry.Proto.Resource.V1.Resource.Descriptor);

    public static MessageShape ScopeSpans { get; } = Of(OpenTelemetry.Proto.Trace.V1.ScopeSpans.Descriptor);

    public static MessageShape Scope { get; } = Of(InstrumentationScope.Descriptor);

    public static MessageShape Span { get; } = Of(OpenTelemetry.Proto.Trace.V1.Span.Descriptor);

    public static MessageShape Event { get; } = Of(OpenTelemetry.Proto.Trace.V1.Span.Types.Event.Descriptor);

    public static MessageShape Link { get; } = Of(OpenTelemetry.Proto.Trace.V1.Span.Types.Link.Descriptor);

    public static MessageShape Status { get; } = Of(OpenTelemetry.Proto.Trace.V1.Status.Descriptor);

    public static MessageShape KeyValue { get; } = Of(OpenTelemetry.Proto.Common.V1.KeyValue.Descriptor);

    /// <summary>The fields, by number.</summary>
    public IReadOnlyList<FieldShape> Fields { get; }

    /// <summary>The shape of a message field; null for any other.</summary>
    public MessageShape? this[int field] => (uint)field < (uint)_messages.Length ? _messages[field] : null;

    /// <summary>Whether there is such a field, and it is encoded so.</summary>
    public bool Knows(int field, WireType type) =>
        Fields.Any(known => known.Number == field && (known.Type is FieldType.Message or FieldType.String or FieldType.Bytes) == (type == WireType.Bytes));

    /// <summary>Whether a field is text.</summary>
    public bool IsText(int field) => (uint)field < (uint)_texts.Length && _texts[field];

    private static MessageShape Of(MessageDescriptor descriptor) => s_shapes.GetValueOrDefault(descriptor) ?? new MessageShape(descriptor);
}

/// <summary>A field of a message.</summary>
internal sealed class FieldShape(FieldDescriptor field, MessageShape? message)
{
    private readonly byte[] _name = Encoding.UTF8.GetBytes(field.JsonName);
    private readonly (byte[] Name, int Number)[] _values = field.FieldType == FieldType.Enum
        ? [.. field.EnumType.Values.Select(value => (Encoding.UTF8.GetBytes(value.Name), value.Number))]
        : [];

    public int Number { get; } = field.FieldNumber;

    /// <summary>Its name in JSON, in UTF-8.</summary>
    public ReadOnlySpan<byte> NameUtf8 => _name;

    /// <summary>Its name in JSON.</summary>
    public string Name { get; } = field.JsonName;

    public FieldType Type { get; } = field.FieldType;

    /// <summary>What a message field holds.</summary>
    public MessageShape? Message => message;

    public bool IsRepeated { get; } = field.IsRepeated;

    /// <summary>Whether it says something even at its default value: it is one of several, or one of many.</summary>
    public bool IsTelling { get; } = field.IsRepeated || field.ContainingOneof is not null;

    /// <summary>A trace's or span's ID, which JSON has in hexadecimal (OTLP 1.11, "JSON Protobuf Encoding").</summary>
    public bool IsId { get; } = field.FieldType == FieldType.Bytes && field.Name.EndsWith("_id", StringComparison.Ordinal);

    /// <summary>An ID of the span itself, not of another that it points at.</summary>
    public bool IsSpansOwnId { get; } = field.ContainingType == Span.Descriptor;

    /// <summary>The number that an enumeration has for a name; null where it has none.</summary>
    public int? FindName(ReadOnlySpan<byte> name)
    {
        foreach ((byte[] known, int number) in _values)
        {
            if (name.SequenceEqual(known)) return number;
        }

        return null;
    }
}

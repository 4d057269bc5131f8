using System.Text;
using System.Text.Unicode;
using Google.Protobuf;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Storage.Spans;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Stored messages as generated classes, for showing. Those classes refuse a message with text that isn't UTF-8; TraceStore
/// keeps such text as the bytes it came in, and here replaces what isn't valid by U+FFFD.
/// </summary>
public static class OtlpParsing
{
    /// <summary>What is larger has texts that the runtime would collect late; shown, it is garbage at once, of so many bytes each.</summary>
    private const int LargeBytes = 32 << 10, BytesPerByte = 4;

    public static Span ParseSpan(ReadOnlySpan<byte> message) => Parse(Span.Parser, message, MessageShape.Span);

    /// <summary>A ResourceSpans without its scope_spans, as resources are stored.</summary>
    public static ResourceSpans ParseResource(ReadOnlySpan<byte> message) => Parse(ResourceSpans.Parser, message, MessageShape.ResourceSpans);

    /// <summary>A ScopeSpans without its spans, as scopes are stored.</summary>
    public static ScopeSpans ParseScope(ReadOnlySpan<byte> message) => Parse(ScopeSpans.Parser, message, MessageShape.ScopeSpans);

    /// <summary>A span as every reader takes it: where all its text is UTF-8 that is the message itself.</summary>
    public static ReadOnlySpan<byte> MendSpan(ReadOnlySpan<byte> message) => Mend(message, MessageShape.Span);

    /// <summary>As <see cref="MendSpan"/>, for a resource as it is stored.</summary>
    public static ReadOnlySpan<byte> MendResource(ReadOnlySpan<byte> message) => Mend(message, MessageShape.ResourceSpans);

    /// <summary>As <see cref="MendSpan"/>, for a scope as it is stored.</summary>
    public static ReadOnlySpan<byte> MendScope(ReadOnlySpan<byte> message) => Mend(message, MessageShape.ScopeSpans);

    /// <summary>Whole traces, as TracesData or any message that is the same on the wire.</summary>
    public static T ParseTraces<T>(MessageParser<T> parser, ReadOnlySpan<byte> message)
        where T : IMessage<T> => Parse(parser, message, MessageShape.Request);

    private static T Parse<T>(MessageParser<T> parser, ReadOnlySpan<byte> message, MessageShape shape)
        where T : IMessage<T>
    {
        if (message.Length > LargeBytes) ByteBuffers.NoteLetGo(BytesPerByte * (long)message.Length);
        try
        {
            return parser.ParseFrom(message);
        }
        catch (InvalidProtocolBufferException)
        {
            return parser.ParseFrom(Sanitize(message, shape));
        }
    }

    private static ReadOnlySpan<byte> Mend(ReadOnlySpan<byte> message, MessageShape shape) =>
        IsText(new WireReader(message), shape) ? message : Sanitize(message, shape);

    private static bool IsText(WireReader message, MessageShape shape)
    {
        while (!message.AtEnd)
        {
            ScannedFields.Require(message.TryReadTag(out int field, out WireType type), message.Position);
            if (type == WireType.Bytes && shape[field] is { } innerShape)
            {
                ScannedFields.Require(message.TryReadMessage(out WireReader inner), message.Position);
                if (!IsText(inner, innerShape)) return false;
            }
            else if (type == WireType.Bytes && shape.IsText(field))
            {
                ScannedFields.Require(message.TryReadBytes(out ReadOnlySpan<byte> text), message.Position);
                if (!Utf8.IsValid(text)) return false;
            }
            else
            {
                ScannedFields.Require(message.TrySkip(field, type), message.Position);
            }
        }

        return true;
    }

    private static byte[] Sanitize(ReadOnlySpan<byte> message, MessageShape shape)
    {
        var output = new WireWriter();
        Copy(new WireReader(message), shape, output);
        return output.Written.ToArray();
    }

    private static void Copy(WireReader message, MessageShape shape, WireWriter output)
    {
        while (!message.AtEnd)
        {
            int start = message.Position;
            ScannedFields.Require(message.TryReadTag(out int field, out WireType type), message.Position);
            if (type == WireType.Bytes && shape[field] is { } innerShape)
            {
                ScannedFields.Require(message.TryReadMessage(out WireReader inner), message.Position);
                var innerOutput = new WireWriter();
                Copy(inner, innerShape, innerOutput);
                output.Bytes(field, innerOutput.Written);
            }
            else if (type == WireType.Bytes && shape.IsText(field))
            {
                ScannedFields.Require(message.TryReadBytes(out ReadOnlySpan<byte> text), message.Position);
                output.Bytes(field, Utf8.IsValid(text) ? text : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text)));
            }
            else
            {
                ScannedFields.Require(message.TrySkip(field, type), message.Position);
                output.Raw(message.Raw(start, message.Position));
            }
        }
    }
}

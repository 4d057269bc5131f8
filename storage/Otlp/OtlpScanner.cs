using System.Text;
using TraceStore.Storage.Spans;
using static TraceStore.Storage.Otlp.OtlpFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Reads an ExportTraceServiceRequest once, without building anything: what passes here can be decoded later without a
/// failure, so the answer to the client stands.
/// <list type="number">
/// <item>Walk requests, resources and scopes down to the spans, checking that the bytes are protobuf all the way down.</item>
/// <item>In each span, check the IDs (trace/v1: 16 and 8 bytes, not all zero) and the limits, and reject it alone if
/// something is wrong.</item>
/// <item>Elsewhere, check structure and limits: a resource or scope that is over one takes its spans with it.</item>
/// </list>
/// </summary>
public sealed class OtlpScanner
{
    private readonly OtlpLimits _limits;
    private readonly RejectedSpans _rejected = new();
    private MalformedRequest? _malformed;
    private RejectionReason? _overLimit; // the first limit that the span, resource or scope in hand is over
    private int _spans;
    private int _scopes;
    private string? _unknownField;

    private OtlpScanner(OtlpLimits limits) => _limits = limits;

    /// <summary>Scans a request in protobuf encoding.</summary>
    public static OtlpScan Scan(ReadOnlySpan<byte> request, OtlpLimits limits)
    {
        var scanner = new OtlpScanner(limits);
        scanner.ScanRequest(new WireReader(request));
        string? notUnderstood = scanner._scopes > 0 ? null : scanner._unknownField;
        return new OtlpScan(scanner._spans, scanner._rejected, scanner._malformed) { NotUnderstood = notUnderstood };
    }

    // 1

    private bool ScanRequest(WireReader request)
    {
        for (int resource = 0; !request.AtEnd;)
        {
            if (!request.TryReadTag(out int field, out WireType type)) return NotProtobuf(request.Position, "a tag");
            if (field == Request_ResourceSpans && type == WireType.Bytes)
            {
                if (!request.TryReadMessage(out WireReader resourceSpans)) return NotProtobuf(request.Position, "resource_spans");
                if (!ScanResourceSpans(resourceSpans, resource++)) return false;
            }
            else if (!request.TrySkip(field, type))
            {
                return NotProtobuf(request.Position, "an unknown field");
            }
            else
            {
                _unknownField ??= $"field {field} of the request isn't known";
            }
        }

        return true;
    }

    private bool ScanResourceSpans(WireReader resourceSpans, int resource)
    {
        int firstSpan = _spans;
        RejectionReason? overLimit = null;
        for (int scope = 0; !resourceSpans.AtEnd;)
        {
            if (!resourceSpans.TryReadTag(out int field, out WireType type)) return NotProtobuf(resourceSpans.Position, "a tag");
            if (type == WireType.Bytes && field is ResourceSpans_Resource or ResourceSpans_ScopeSpans)
            {
                if (!resourceSpans.TryReadMessage(out WireReader inner)) return NotProtobuf(resourceSpans.Position, "resource or scope_spans");
                bool ok = field == ResourceSpans_ScopeSpans
                    ? ScanScopeSpans(inner, resource, scope++)
                    : ScanOwner(inner, MessageShape.Resource, ref overLimit);
                if (!ok) return false;
            }
            else if (!resourceSpans.TrySkip(field, type))
            {
                return NotProtobuf(resourceSpans.Position, "a field of resource_spans");
            }
        }

        if (overLimit is { } limit) _rejected.Add(firstSpan, _spans, limit, () => new RejectedSpan($"all spans of resource_spans[{resource}]", $"of its resource, {Explain(limit)}"));
        return true;
    }

    private bool ScanScopeSpans(WireReader scopeSpans, int resource, int scope)
    {
        int firstSpan = _spans;
        _scopes++;
        RejectionReason? overLimit = null;
        for (int span = 0; !scopeSpans.AtEnd;)
        {
            if (!scopeSpans.TryReadTag(out int field, out WireType type)) return NotProtobuf(scopeSpans.Position, "a tag");
            if (type == WireType.Bytes && field is ScopeSpans_Scope or ScopeSpans_Spans)
            {
                if (!scopeSpans.TryReadMessage(out WireReader inner)) return NotProtobuf(scopeSpans.Position, "scope or span");
                bool ok = field == ScopeSpans_Spans
                    ? ScanSpan(inner, (resource, scope, span++))
                    : ScanOwner(inner, MessageShape.Scope, ref overLimit);
                if (!ok) return false;
            }
            else if (!scopeSpans.TrySkip(field, type))
            {
                return NotProtobuf(scopeSpans.Position, "a field of scope_spans");
            }
        }

        if (overLimit is { } limit) _rejected.Add(firstSpan, _spans, limit, () => new RejectedSpan($"all spans of resource_spans[{resource}].scope_spans[{scope}]", $"of its scope, {Explain(limit)}"));
        return true;
    }

    // 2

    private bool ScanSpan(WireReader span, (int Resource, int Scope, int Span) place)
    {
        ReadOnlySpan<byte> traceId = default, spanId = default, parentSpanId = default, name = default;
        int attributes = 0;
        _overLimit = null;
        while (!span.AtEnd)
        {
            if (!span.TryReadTag(out int field, out WireType type)) return NotProtobuf(span.Position, "a tag");
            bool ok = (field, type) switch
            {
                (Span_TraceId, WireType.Bytes) => span.TryReadBytes(out traceId),
                (Span_SpanId, WireType.Bytes) => span.TryReadBytes(out spanId),
                (Span_ParentSpanId, WireType.Bytes) => span.TryReadBytes(out parentSpanId),
                (Span_Name, WireType.Bytes) => span.TryReadBytes(out name) && Measure(name.Length),
                (Span_Attributes, WireType.Bytes) => Count(ref attributes) && ScanAttribute(ref span, _limits.MaxNestingDepth),
                (Span_Events, WireType.Bytes) => ScanMessage(ref span, MessageShape.Event, _limits.MaxNestingDepth),
                (Span_Links, WireType.Bytes) => ScanMessage(ref span, MessageShape.Link, _limits.MaxNestingDepth),
                (Span_Status, WireType.Bytes) => ScanMessage(ref span, MessageShape.Status, _limits.MaxNestingDepth),
                (_, WireType.Bytes) => ScanValue(ref span),
                _ => span.TrySkip(field, type),
            };
            if (!ok) return NotProtobuf(span.Position, "a field of a span");
        }

        if (WhatIsWrong(traceId, spanId, parentSpanId) is { } wrong) Reject(place, name, spanId, wrong);
        if (++_spans <= _limits.MaxSpans) return true;
        _malformed = new MalformedRequest(span.Position, $"more than {_limits.MaxSpans} spans in one request", IsOverLimit: true);
        return false;
    }

    private void Reject((int Resource, int Scope, int Span) place, ReadOnlySpan<byte> name, ReadOnlySpan<byte> spanId, (RejectionReason Reason, string Words) wrong)
    {
        RejectedSpan? described = _rejected.Named.Count < RejectedSpans.MaxNamed ? Describe(place, name, spanId, wrong.Words) : null;
        _rejected.Add(_spans, _spans + 1, wrong.Reason, () => described!);
    }

    private static RejectedSpan Describe((int Resource, int Scope, int Span) place, ReadOnlySpan<byte> name, ReadOnlySpan<byte> spanId, string reason)
    {
        string id = spanId.Length == SpanId.Size ? $", span_id {SpanId.Read(spanId)}" : "";
        return new RejectedSpan($"resource_spans[{place.Resource}].scope_spans[{place.Scope}].spans[{place.Span}] ('{Shorten(name)}'{id})", reason);
    }

    private (RejectionReason Reason, string Words)? WhatIsWrong(ReadOnlySpan<byte> traceId, ReadOnlySpan<byte> spanId, ReadOnlySpan<byte> parentSpanId)
    {
        string? id =
            traceId.EndsWith(OtlpJsonTranscoder.NotHexadecimal) ? "trace_id is not hexadecimal"
            : spanId.EndsWith(OtlpJsonTranscoder.NotHexadecimal) ? "span_id is not hexadecimal"
            : parentSpanId.EndsWith(OtlpJsonTranscoder.NotHexadecimal) ? "parent_span_id is not hexadecimal"
            : traceId.Length != TraceId.Size ? $"trace_id has {traceId.Length} bytes, must have {TraceId.Size}"
            : !traceId.ContainsAnyExcept((byte)0) ? "trace_id is all zero"
            : spanId.Length != SpanId.Size ? $"span_id has {spanId.Length} bytes, must have {SpanId.Size}"
            : !spanId.ContainsAnyExcept((byte)0) ? "span_id is all zero"
            : parentSpanId.Length is not (0 or SpanId.Size) ? $"parent_span_id has {parentSpanId.Length} bytes, must have {SpanId.Size} or none"
            : null;
        if (id is not null) return (RejectionReason.InvalidId, id);
        return _overLimit is { } limit ? (limit, Explain(limit)) : null;
    }

    private string Explain(RejectionReason limit) => limit switch
    {
        RejectionReason.AttributeCount => $"attributes or a map's entries are more than {_limits.MaxAttributes}",
        RejectionReason.NestingDepth => $"attributes nest deeper than {_limits.MaxNestingDepth} messages",
        RejectionReason.ValueLength => $"a value is longer than {_limits.MaxValueBytes} bytes",
        _ => throw new ArgumentOutOfRangeException(nameof(limit), limit, "BUG: not a limit"),
    };

    // 3

    /// <summary>Scans a resource or scope. Protobuf merges a field that comes twice, so a limit holds for all of them.</summary>
    private bool ScanOwner(WireReader message, MessageShape shape, ref RejectionReason? overLimit)
    {
        _overLimit = overLimit;
        if (_spans == 0) NoteUnknown(message, shape);
        if (!ScanFields(message, shape, _limits.MaxNestingDepth)) return NotProtobuf(message.Position, "a field of a resource or scope");
        overLimit = _overLimit;
        return true;
    }

    /// <summary>Notes the first field that a resource or scope can't have: where no spans are found, it tells that the message is another.</summary>
    private void NoteUnknown(WireReader message, MessageShape shape)
    {
        while (_unknownField is null && !message.AtEnd && message.TryReadTag(out int field, out WireType type) && message.TrySkip(field, type))
        {
            if (!shape.Knows(field, type)) _unknownField = $"field {field} of its resource isn't known";
        }
    }

    private bool ScanMessage(ref WireReader parent, MessageShape shape, int depthLeft) =>
        parent.TryReadMessage(out WireReader message) && ScanFields(message, shape, depthLeft);

    private bool ScanAttribute(ref WireReader parent, int depthLeft)
    {
        const int levels = 2; // KeyValue, AnyValue
        if (!parent.TryReadMessage(out WireReader message)) return false;
        bool isPlain = depthLeft >= levels && PlainAttribute.TryReadUsual(message, out PlainAttribute attribute)
            && Measure(attribute.Key.Length) && Measure(attribute.Text.Length);
        return isPlain || ScanFields(message, MessageShape.KeyValue, depthLeft);
    }

    private bool ScanFields(WireReader message, MessageShape shape, int depthLeft)
    {
        if (depthLeft == 0)
        {
            _overLimit ??= RejectionReason.NestingDepth;
            return true;
        }

        int attributes = 0;
        while (!message.AtEnd)
        {
            if (!message.TryReadTag(out int field, out WireType type)) return NotProtobuf(message.Position, "a tag");
            bool ok = type != WireType.Bytes ? message.TrySkip(field, type)
                : shape[field] is not { } inner ? ScanValue(ref message)
                : inner == MessageShape.KeyValue ? Count(ref attributes) && ScanAttribute(ref message, depthLeft - 1)
                : ScanMessage(ref message, inner, depthLeft - 1);
            if (!ok) return NotProtobuf(message.Position, "an attribute, event or link");
        }

        return true;
    }

    private bool ScanValue(ref WireReader message) => message.TryReadBytes(out ReadOnlySpan<byte> value) && Measure(value.Length);

    private bool Measure(int valueBytes)
    {
        if (valueBytes > _limits.MaxValueBytes) _overLimit ??= RejectionReason.ValueLength;
        return true;
    }

    private bool Count(ref int attributes)
    {
        if (++attributes > _limits.MaxAttributes) _overLimit ??= RejectionReason.AttributeCount;
        return true;
    }

    /// <summary>Remembers the innermost failure, which is the first to be reported, and returns false.</summary>
    private bool NotProtobuf(int position, string expected)
    {
        _malformed ??= new MalformedRequest(position, $"not protobuf ({expected} can't be read)");
        return false;
    }

    private static string Shorten(ReadOnlySpan<byte> name)
    {
        const int most = 80;
        return name.Length <= most ? Encoding.UTF8.GetString(name) : Encoding.UTF8.GetString(name[..most]) + "…";
    }
}

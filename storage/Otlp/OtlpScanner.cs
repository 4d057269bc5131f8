using System.Text;
using TraceStore.Storage.Spans;
using static TraceStore.Storage.Otlp.OtlpFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Reads an ExportTraceServiceRequest once, without building anything: what passes here can be decoded later without a
/// failure, so the answer to the client stands.
/// <list type="number">
/// <item>Walk requests, resources and scopes down to the spans, checking that the bytes are protobuf all the way down.</item>
/// <item>In each span, check the IDs (trace/v1: 16 and 8 bytes, not all zero) and reject it alone if they're wrong.</item>
/// <item>Elsewhere, check structure and depth only.</item>
/// </list>
/// </summary>
public sealed class OtlpScanner
{
    /// <summary>
    /// Messages within a span's field nest at most this deep, an array in an attribute being two, a map three. It bounds the
    /// stack of every reader behind the scanner, and keeps below the 100 at which generated parsers give up.
    /// </summary>
    public const int MaxNestingDepth = 64;

    /// <summary>One request holds at most this many spans, so that it fits into one segment and so into one block.</summary>
    public const int MaxSpans = 500_000;

    private readonly RejectedSpans _rejected = new();
    private MalformedRequest? _malformed;
    private bool _tooDeep;
    private int _spans;

    private OtlpScanner()
    {
    }

    /// <summary>Scans a request in protobuf encoding.</summary>
    public static OtlpScan Scan(ReadOnlySpan<byte> request)
    {
        var scanner = new OtlpScanner();
        var reader = new WireReader(request);
        scanner.ScanRequest(ref reader);
        return new OtlpScan(scanner._spans, scanner._rejected, scanner._malformed);
    }

    // 1

    private bool ScanRequest(ref WireReader request)
    {
        for (int resource = 0; !request.AtEnd;)
        {
            if (!request.TryReadTag(out int field, out WireType type)) return NotProtobuf(request, "a tag");
            if (field == Request_ResourceSpans && type == WireType.Bytes)
            {
                if (!request.TryReadMessage(out WireReader resourceSpans)) return NotProtobuf(request, "resource_spans");
                if (!ScanResourceSpans(ref resourceSpans, resource++)) return false;
            }
            else if (!request.TrySkip(field, type))
            {
                return NotProtobuf(request, "an unknown field");
            }
        }

        return true;
    }

    private bool ScanResourceSpans(ref WireReader resourceSpans, int resource)
    {
        for (int scope = 0; !resourceSpans.AtEnd;)
        {
            if (!resourceSpans.TryReadTag(out int field, out WireType type)) return NotProtobuf(resourceSpans, "a tag");
            if (type == WireType.Bytes && field is ResourceSpans_Resource or ResourceSpans_ScopeSpans)
            {
                int offset = resourceSpans.Position;
                if (!resourceSpans.TryReadMessage(out WireReader inner)) return NotProtobuf(resourceSpans, "resource or scope_spans");
                bool ok = field == ResourceSpans_ScopeSpans
                    ? ScanScopeSpans(ref inner, resource, scope++)
                    : ScanShallow(ref inner, MessageShape.Resource, offset);
                if (!ok) return false;
            }
            else if (!resourceSpans.TrySkip(field, type))
            {
                return NotProtobuf(resourceSpans, "a field of resource_spans");
            }
        }

        return true;
    }

    private bool ScanScopeSpans(ref WireReader scopeSpans, int resource, int scope)
    {
        for (int span = 0; !scopeSpans.AtEnd;)
        {
            if (!scopeSpans.TryReadTag(out int field, out WireType type)) return NotProtobuf(scopeSpans, "a tag");
            if (type == WireType.Bytes && field is ScopeSpans_Scope or ScopeSpans_Spans)
            {
                int offset = scopeSpans.Position;
                if (!scopeSpans.TryReadMessage(out WireReader inner)) return NotProtobuf(scopeSpans, "scope or span");
                bool ok = field == ScopeSpans_Spans
                    ? ScanSpan(ref inner, (resource, scope, span++))
                    : ScanShallow(ref inner, MessageShape.Scope, offset);
                if (!ok) return false;
            }
            else if (!scopeSpans.TrySkip(field, type))
            {
                return NotProtobuf(scopeSpans, "a field of scope_spans");
            }
        }

        return true;
    }

    // 2

    private bool ScanSpan(ref WireReader span, (int Resource, int Scope, int Span) place)
    {
        ReadOnlySpan<byte> traceId = default, spanId = default, parentSpanId = default, name = default;
        _tooDeep = false;
        while (!span.AtEnd)
        {
            if (!span.TryReadTag(out int field, out WireType type)) return NotProtobuf(span, "a tag");
            bool ok = (field, type) switch
            {
                (Span_TraceId, WireType.Bytes) => span.TryReadBytes(out traceId),
                (Span_SpanId, WireType.Bytes) => span.TryReadBytes(out spanId),
                (Span_ParentSpanId, WireType.Bytes) => span.TryReadBytes(out parentSpanId),
                (Span_Name, WireType.Bytes) => span.TryReadBytes(out name),
                (Span_Attributes, WireType.Bytes) => ScanMessage(ref span, MessageShape.KeyValue, MaxNestingDepth),
                (Span_Events, WireType.Bytes) => ScanMessage(ref span, MessageShape.Event, MaxNestingDepth),
                (Span_Links, WireType.Bytes) => ScanMessage(ref span, MessageShape.Link, MaxNestingDepth),
                (Span_Status, WireType.Bytes) => ScanMessage(ref span, MessageShape.Status, MaxNestingDepth),
                _ => span.TrySkip(field, type),
            };
            if (!ok) return NotProtobuf(span, "a field of a span");
        }

        if (WhatIsWrong(traceId, spanId, parentSpanId) is { } reason)
        {
            _rejected.Add(_spans, _rejected.Count < RejectedSpans.MaxNamed ? Describe(place, name, spanId, reason) : null);
        }

        if (++_spans <= MaxSpans) return true;
        _malformed = new MalformedRequest(span.Position, $"more than {MaxSpans} spans in one request");
        return false;
    }

    private static RejectedSpan Describe((int Resource, int Scope, int Span) place, ReadOnlySpan<byte> name, ReadOnlySpan<byte> spanId, string reason)
    {
        string id = spanId.Length == SpanId.Size ? $", span_id {SpanId.Read(spanId)}" : "";
        return new RejectedSpan($"resource_spans[{place.Resource}].scope_spans[{place.Scope}].spans[{place.Span}] ('{Shorten(name)}'{id})", reason);
    }

    private string? WhatIsWrong(ReadOnlySpan<byte> traceId, ReadOnlySpan<byte> spanId, ReadOnlySpan<byte> parentSpanId)
    {
        if (traceId.Length != TraceId.Size) return $"trace_id has {traceId.Length} bytes, must have {TraceId.Size}";
        if (!traceId.ContainsAnyExcept((byte)0)) return "trace_id is all zero";
        if (spanId.Length != SpanId.Size) return $"span_id has {spanId.Length} bytes, must have {SpanId.Size}";
        if (!spanId.ContainsAnyExcept((byte)0)) return "span_id is all zero";
        if (parentSpanId.Length is not (0 or SpanId.Size))
        {
            return $"parent_span_id has {parentSpanId.Length} bytes, must have {SpanId.Size} or none";
        }

        return _tooDeep ? $"its attributes nest deeper than {MaxNestingDepth} messages" : null;
    }

    // 3

    /// <summary>Scans a resource or scope: there is no span yet that could be rejected for one that nests too deep.</summary>
    private bool ScanShallow(ref WireReader message, MessageShape shape, int offset)
    {
        _tooDeep = false;
        if (!ScanFields(ref message, shape, MaxNestingDepth)) return NotProtobuf(message, "a field of a resource or scope");
        if (!_tooDeep) return true;

        _malformed ??= new MalformedRequest(offset, $"attributes of a resource or scope nest deeper than {MaxNestingDepth} messages");
        return false;
    }

    private bool ScanMessage(ref WireReader parent, MessageShape shape, int depthLeft) =>
        parent.TryReadMessage(out WireReader message) && ScanFields(ref message, shape, depthLeft);

    private bool ScanFields(ref WireReader message, MessageShape shape, int depthLeft)
    {
        if (depthLeft == 0)
        {
            _tooDeep = true;
            return true;
        }

        while (!message.AtEnd)
        {
            if (!message.TryReadTag(out int field, out WireType type)) return NotProtobuf(message, "a tag");
            bool ok = type == WireType.Bytes && shape[field] is { } inner
                ? ScanMessage(ref message, inner, depthLeft - 1)
                : message.TrySkip(field, type);
            if (!ok) return NotProtobuf(message, "an attribute, event or link");
        }

        return true;
    }

    /// <summary>Remembers the innermost failure, which is the first to be reported, and returns false.</summary>
    private bool NotProtobuf(in WireReader reader, string expected)
    {
        _malformed ??= new MalformedRequest(reader.Position, $"not protobuf ({expected} can't be read)");
        return false;
    }

    private static string Shorten(ReadOnlySpan<byte> name)
    {
        const int most = 80;
        return name.Length <= most ? Encoding.UTF8.GetString(name) : Encoding.UTF8.GetString(name[..most]) + "…";
    }
}

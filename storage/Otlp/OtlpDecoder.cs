using TraceStore.Storage.Spans;
using static TraceStore.Storage.Otlp.OtlpFields;
using static TraceStore.Storage.Otlp.ScannedFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Goes from the bytes of export requests to the columns of one segment. Takes requests that the scanner passed and that
/// hold no rejected span; of any other it makes an <see cref="InvalidDataException"/>.
/// <list type="number">
/// <item>Split a ResourceSpans into its envelope (all but the scopes) and its scopes; likewise a ScopeSpans.</item>
/// <item>Keep each envelope once (<see cref="EnvelopeDecoder"/>).</item>
/// <item>Sort each span's fields into columns; what no column can give back goes to the remainder.</item>
/// </list>
/// </summary>
public sealed class OtlpDecoder
{
    /// <summary>A field's tag and length.</summary>
    private const int MaxHeaderBytes = 10;

    private readonly DecodedSegment _output;
    private readonly EnvelopeDecoder _envelopes;
    private readonly AttributeDecoder _attributes;
    private readonly ByteList _remainder = new();
    private readonly HashSet<(uint Tenant, uint Service, uint Name, int Kind)> _operations = [];

    private ushort _receivedDay;
    private ulong _wal;
    private ulong _segment;
    private uint _bucketSeconds;
    private byte[] _tenant = [];
    private uint _tenantNumber;

    /// <summary>Decodes into <paramref name="output"/>, segment after segment.</summary>
    public OtlpDecoder(DecodedSegment output)
    {
        _output = output;
        _envelopes = new EnvelopeDecoder(output);
        _attributes = new AttributeDecoder(output.Spans.Attributes, new Recurrence());
    }

    /// <summary>Decodes a request on its own.</summary>
    /// <exception cref="InvalidDataException">The bytes are no request that the scanner would have passed.</exception>
    public static DecodedSegment DecodeAlone(ReadOnlySpan<byte> request, ulong wal = 0, ulong segment = 0, DateOnly? receivedDay = null)
    {
        var output = new DecodedSegment();
        var decoder = new OtlpDecoder(output);
        decoder.Begin(wal, segment, receivedDay ?? DateOnly.FromDateTime(DateTime.UnixEpoch));
        decoder.Decode(request, tenant: []);
        return output;
    }

    /// <summary>Starts a segment: what was decoded before is forgotten.</summary>
    /// <param name="wal">The identity of the log.</param>
    /// <param name="segment">The segment's number in it.</param>
    /// <param name="receivedDay">When its first record was received, UTC.</param>
    /// <param name="bucketSeconds">How long the buckets are into which its spans go; the longest where it is not known how densely they come.</param>
    public void Begin(ulong wal, ulong segment, DateOnly receivedDay, uint? bucketSeconds = null)
    {
        (_wal, _segment) = (wal, segment);
        _bucketSeconds = bucketSeconds ?? TimeBuckets.LongestSeconds;
        _receivedDay = (ushort)Math.Clamp(receivedDay.DayNumber - new DateOnly(1970, 1, 1).DayNumber, ushort.MinValue, ushort.MaxValue); // a Date ends in 2149: a clock beyond is wrong, and its day the last
        _output.Clear();
        _envelopes.Begin(_receivedDay);
        _attributes.Clear();
        _operations.Clear();
    }

    /// <summary>Appends the spans of a request.</summary>
    /// <exception cref="InvalidDataException">The bytes are no request that the scanner would have passed.</exception>
    public void Decode(ReadOnlySpan<byte> request, ReadOnlySpan<byte> tenant)
    {
        if (!tenant.SequenceEqual(_tenant)) _tenant = tenant.ToArray();
        _tenantNumber = _output.Spans.Tenant.Values.NumberOf(tenant);
        _envelopes.UseTenant(tenant);
        SpanBatch rows = _output.Spans;
        int before = rows.Count;
        var reader = new WireReader(request);
        while (TryFindNext(ref reader, Request_ResourceSpans, out WireReader resourceSpans)) DecodeResourceSpans(resourceSpans);

        int added = rows.Count - before;
        rows.Tenant.Add(_tenantNumber, added);
        rows.ReceivedDay.Add(_receivedDay, added);
        rows.Wal.Add(_wal, added);
        rows.Segment.Add(_segment, added);
    }

    // 1, 2

    private void DecodeResourceSpans(WireReader resourceSpans)
    {
        KnownResource resource = _envelopes.KeepResource(resourceSpans);
        while (TryFindNext(ref resourceSpans, ResourceSpans_ScopeSpans, out WireReader scopeSpans))
        {
            uint origin = _output.Spans.Origin.Values.NumberOf([.. resource.Hash, .. _envelopes.KeepScope(scopeSpans)]);
            while (TryFindNext(ref scopeSpans, ScopeSpans_Spans, out WireReader span)) DecodeSpan(span, resource, origin);
        }
    }

    // 3

    private void DecodeSpan(WireReader span, KnownResource resource, uint origin)
    {
        SpanBatch rows = _output.Spans;
        ReadOnlySpan<byte> traceId = default, spanId = default, parentSpanId = default, name = default, statusMessage = default;
        ulong kind = 0, startTime = 0, endTime = 0, statusCode = 0;
        uint flags = 0;
        bool statusIsInRemainder = false;
        _remainder.Clear();
        _attributes.Begin();
        while (!span.AtEnd)
        {
            int start = span.Position;
            Require(span.TryReadTag(out int field, out WireType type), span.Position);
            bool isInColumns = true;
            bool ok = (field, type) switch
            {
                (Span_TraceId, WireType.Bytes) => span.TryReadBytes(out traceId),
                (Span_SpanId, WireType.Bytes) => span.TryReadBytes(out spanId),
                (Span_ParentSpanId, WireType.Bytes) => span.TryReadBytes(out parentSpanId),
                (Span_Name, WireType.Bytes) => span.TryReadBytes(out name),
                (Span_Kind, WireType.Varint) => span.TryReadVarint(out kind),
                (Span_StartTimeUnixNano, WireType.Fixed64) => span.TryReadFixed64(out startTime),
                (Span_EndTimeUnixNano, WireType.Fixed64) => span.TryReadFixed64(out endTime),
                (Span_Attributes, WireType.Bytes) => span.TryReadMessage(out WireReader attribute)
                    && Sorted(isInColumns = _attributes.TryAdd(attribute)),
                (Span_Status, WireType.Bytes) => span.TryReadMessage(out WireReader status)
                    && Sorted(isInColumns = TryReadStatus(status, ref statusMessage, ref statusCode) && !statusIsInRemainder)
                    && Sorted(statusIsInRemainder = !isInColumns), // a later one must come behind it, for the last one wins
                (Span_Flags, WireType.Fixed32) => span.TryReadFixed32(out flags),
                _ => span.TrySkip(field, type) && Sorted(isInColumns = false),
            };
            Require(ok, span.Position);
            if (!isInColumns) _remainder.Add(span.Raw(start, span.Position));
        }

        if (name.Length > ListedText.MaxBytes) KeepWhole(ref name);
        if (parentSpanId.Length == SpanId.Size && !parentSpanId.ContainsAnyExcept((byte)0)) KeepZeroParent(parentSpanId);
        uint nameNumber = rows.Name.Values.NumberOf(name);
        rows.TraceId.Add(traceId);
        AddSpanIds(spanId, parentSpanId);
        rows.Flags.Add(flags);
        rows.Service.Add(resource.ServiceNumber);
        rows.Name.Add(nameNumber);
        rows.Kind.Add((int)kind);
        rows.TimeBucket.Add(TimeBuckets.StartOf(startTime, _bucketSeconds));
        rows.StartTimeUnixNano.Add(startTime);
        rows.Duration.Add(unchecked(endTime - startTime));
        rows.Attributes.EndRow();
        rows.StatusCode.Add((int)statusCode);
        rows.StatusMessage.Add(statusMessage);
        rows.Origin.Add(origin);
        rows.Remainder.Add(_remainder.All);
        if (_operations.Add((_tenantNumber, resource.ServiceNumber, nameNumber, (int)kind))) AddOperation(resource, name, (int)kind);
    }

    /// <summary>Reads a Status. False when columns couldn't give it back: it is empty, or carries something unknown.</summary>
    private static bool TryReadStatus(WireReader status, ref ReadOnlySpan<byte> message, ref ulong code)
    {
        bool known = !status.AtEnd;
        while (!status.AtEnd)
        {
            Require(status.TryReadTag(out int field, out WireType type), status.Position);
            switch (field, type)
            {
                case (Status_Message, WireType.Bytes):
                    Require(status.TryReadBytes(out message), status.Position);
                    break;
                case (Status_Code, WireType.Varint):
                    Require(status.TryReadVarint(out code), status.Position);
                    break;
                default:
                    Require(status.TrySkip(field, type), status.Position);
                    known = false;
                    break;
            }
        }

        return known && (code != 0 || !message.IsEmpty);
    }

    private void AddSpanIds(ReadOnlySpan<byte> spanId, ReadOnlySpan<byte> parentSpanId)
    {
        Span<byte> row = _output.Spans.SpanIds.Extend(1);
        spanId.CopyTo(row);
        if (parentSpanId.IsEmpty) row[SpanId.Size..].Clear();
        else parentSpanId.CopyTo(row[SpanId.Size..]);
    }

    /// <summary>Eight zero bytes as parent say the same as none, but they are not the same bytes.</summary>
    private void KeepZeroParent(ReadOnlySpan<byte> parentSpanId)
    {
        _remainder.Add((Span_ParentSpanId << 3) | (int)WireType.Bytes);
        _remainder.Add(SpanId.Size);
        _remainder.Add(parentSpanId);
    }

    /// <summary>Of a very long name the column holds the start; whoever reads the span finds the whole behind it, which counts.</summary>
    private void KeepWhole(ref ReadOnlySpan<byte> name)
    {
        var whole = new WireWriter(name.Length + MaxHeaderBytes);
        whole.Bytes(Span_Name, name);
        _remainder.Add(whole.Written);
        name = ListedText.Of(name);
    }

    private void AddOperation(KnownResource resource, ReadOnlySpan<byte> name, int kind)
    {
        OperationBatch rows = _output.Operations;
        rows.Tenant.Add(_tenant);
        rows.ReceivedDay.Add(_receivedDay);
        rows.Service.Add(resource.Service);
        rows.Name.Add(name);
        rows.Kind.Add(kind);
    }

    /// <summary>True: what a switch arm found out about the field has been noted.</summary>
    private static bool Sorted(bool _) => true;
}

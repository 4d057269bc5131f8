using TraceStore.Storage.Spans;
using static TraceStore.Storage.Otlp.OtlpFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Goes from the bytes of export requests to the columns of one segment. Takes requests that the scanner passed and that
/// hold no rejected span; of any other it makes an <see cref="InvalidDataException"/>.
/// <list type="number">
/// <item>Split a ResourceSpans into its envelope (all but the scopes) and its scopes; likewise a ScopeSpans.</item>
/// <item>Address each envelope by content and keep it once.</item>
/// <item>Sort each span's fields into columns; what no column can give back goes to the remainder.</item>
/// </list>
/// </summary>
public sealed class OtlpDecoder
{
    private static readonly byte[] s_unknownService = "unknown_service"u8.ToArray();

    private readonly DecodedSegment _output;
    private readonly AttributeDecoder _attributes = new();
    private readonly ByteList _remainder = new();

    private readonly ByteList _resourceEnvelope = new();
    private readonly ByteList _scopeEnvelope = new();
    private readonly Dictionary<byte[], KnownResource> _resources = new(ByteStringComparer.Instance);
    private readonly Dictionary<byte[], byte[]> _scopeHashes = new(ByteStringComparer.Instance);
    private readonly HashSet<(uint Tenant, uint Service, uint Name, int Kind)> _operations = [];

    private readonly ushort _receivedDay;
    private readonly ulong _wal;
    private readonly ulong _segment;
    private byte[] _tenant = [];
    private uint _tenantNumber;

    /// <summary>Decodes into <paramref name="output"/>, which is cleared first.</summary>
    public OtlpDecoder(DecodedSegment output, ulong wal, ulong segment, DateOnly receivedDay)
    {
        output.Clear();
        _output = output;
        _wal = wal;
        _segment = segment;
        _receivedDay = (ushort)(receivedDay.DayNumber - new DateOnly(1970, 1, 1).DayNumber);
    }

    /// <summary>Appends the spans of a request.</summary>
    /// <exception cref="InvalidDataException">The bytes are no request that the scanner would have passed.</exception>
    public void Decode(ReadOnlySpan<byte> request, ReadOnlySpan<byte> tenant)
    {
        UseTenant(tenant);
        var reader = new WireReader(request);
        while (!reader.AtEnd)
        {
            Require(reader.TryReadTag(out int field, out WireType type), reader);
            if (field == Request_ResourceSpans && type == WireType.Bytes)
            {
                Require(reader.TryReadMessage(out WireReader resourceSpans), reader);
                DecodeResourceSpans(resourceSpans);
            }
            else
            {
                Require(reader.TrySkip(field, type), reader);
            }
        }
    }

    // 1

    private void DecodeResourceSpans(WireReader resourceSpans)
    {
        ReadEnvelope(resourceSpans, ResourceSpans_ScopeSpans, _resourceEnvelope);
        KnownResource resource = KeepResource();
        while (TryFindNext(ref resourceSpans, ResourceSpans_ScopeSpans, out WireReader scopeSpans))
        {
            ReadEnvelope(scopeSpans, ScopeSpans_Spans, _scopeEnvelope);
            byte[] scopeHash = KeepScope();
            while (TryFindNext(ref scopeSpans, ScopeSpans_Spans, out WireReader span))
            {
                DecodeSpan(span, resource, scopeHash);
            }
        }
    }

    /// <summary>Collects a message's fields but for the repeated one that holds what the envelope encloses.</summary>
    private static void ReadEnvelope(WireReader message, int enclosed, ByteList envelope)
    {
        envelope.Clear();
        while (!message.AtEnd)
        {
            int start = message.Position;
            Require(message.TryReadTag(out int field, out WireType type) && message.TrySkip(field, type), message);
            if (field != enclosed || type != WireType.Bytes) envelope.Add(message.Raw(start, message.Position));
        }
    }

    private static bool TryFindNext(scoped ref WireReader message, int wanted, out WireReader found)
    {
        while (!message.AtEnd)
        {
            Require(message.TryReadTag(out int field, out WireType type), message);
            if (field == wanted && type == WireType.Bytes)
            {
                Require(message.TryReadMessage(out found), message);
                return true;
            }

            Require(message.TrySkip(field, type), message);
        }

        found = default;
        return false;
    }

    // 2

    private void UseTenant(ReadOnlySpan<byte> tenant)
    {
        if (!tenant.SequenceEqual(_tenant))
        {
            _tenant = tenant.ToArray();
            _resources.Clear();
            _scopeHashes.Clear();
        }

        _tenantNumber = _output.Spans.Tenant.NumberOf(tenant);
    }

    private KnownResource KeepResource()
    {
        var known = _resources.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (known.TryGetValue(_resourceEnvelope.All, out KnownResource? resource)) return resource;

        ResourceBatch rows = _output.Resources;
        byte[] hash = ContentHash.Of(_resourceEnvelope.All);
        _attributes.Begin();
        byte[]? service = null;
        var envelope = new WireReader(_resourceEnvelope.All);
        while (TryFindNext(ref envelope, ResourceSpans_Resource, out WireReader message))
        {
            while (TryFindNext(ref message, Resource_Attributes, out WireReader attribute))
            {
                int last = rows.Attributes.Strings.Keys.Count;
                _attributes.TryAdd(attribute, rows.Attributes);
                if (rows.Attributes.Strings.Keys.Count > last && rows.Attributes.Strings.Keys[last].SequenceEqual("service.name"u8))
                {
                    service = rows.Attributes.Strings.Values[last].ToArray();
                }
            }
        }

        if (service is null or []) service = s_unknownService;
        rows.Tenant.Add(_tenant);
        rows.ReceivedDay.Add(_receivedDay);
        rows.Hash.Add(hash);
        rows.Service.Add(service);
        rows.Attributes.EndRow();
        rows.Otlp.Add(_resourceEnvelope.All);

        resource = new KnownResource(hash, service, _output.Spans.Service.NumberOf(service));
        known[_resourceEnvelope.All] = resource;
        return resource;
    }

    private byte[] KeepScope()
    {
        var known = _scopeHashes.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (known.TryGetValue(_scopeEnvelope.All, out byte[]? hash)) return hash;

        ScopeBatch rows = _output.Scopes;
        hash = ContentHash.Of(_scopeEnvelope.All);
        ReadOnlySpan<byte> name = default, version = default;
        _attributes.Begin();
        var envelope = new WireReader(_scopeEnvelope.All);
        while (TryFindNext(ref envelope, ScopeSpans_Scope, out WireReader scope))
        {
            while (!scope.AtEnd)
            {
                Require(scope.TryReadTag(out int field, out WireType type), scope);
                switch (field, type)
                {
                    case (Scope_Name, WireType.Bytes):
                        scope.TryReadBytes(out name);
                        break;
                    case (Scope_Version, WireType.Bytes):
                        scope.TryReadBytes(out version);
                        break;
                    case (Scope_Attributes, WireType.Bytes):
                        Require(scope.TryReadMessage(out WireReader attribute), scope);
                        _attributes.TryAdd(attribute, rows.Attributes);
                        break;
                    default:
                        Require(scope.TrySkip(field, type), scope);
                        break;
                }
            }
        }

        rows.Tenant.Add(_tenant);
        rows.ReceivedDay.Add(_receivedDay);
        rows.Hash.Add(hash);
        rows.Name.Add(name);
        rows.Version.Add(version);
        rows.Attributes.EndRow();
        rows.Otlp.Add(_scopeEnvelope.All);
        known[_scopeEnvelope.All] = hash;
        return hash;
    }

    // 3

    private void DecodeSpan(WireReader span, KnownResource resource, ReadOnlySpan<byte> scopeHash)
    {
        SpanBatch rows = _output.Spans;
        ReadOnlySpan<byte> traceId = default, spanId = default, parentSpanId = default, traceState = default, name = default, statusMessage = default;
        ulong kind = 0, startTime = 0, endTime = 0, droppedAttributes = 0, droppedEvents = 0, droppedLinks = 0, statusCode = 0;
        uint flags = 0;
        _remainder.Clear();
        _attributes.Begin();
        while (!span.AtEnd)
        {
            int start = span.Position;
            Require(span.TryReadTag(out int field, out WireType type), span);
            bool isInColumns = true;
            bool ok = (field, type) switch
            {
                (Span_TraceId, WireType.Bytes) => span.TryReadBytes(out traceId),
                (Span_SpanId, WireType.Bytes) => span.TryReadBytes(out spanId),
                (Span_TraceState, WireType.Bytes) => span.TryReadBytes(out traceState),
                (Span_ParentSpanId, WireType.Bytes) => span.TryReadBytes(out parentSpanId),
                (Span_Name, WireType.Bytes) => span.TryReadBytes(out name),
                (Span_Kind, WireType.Varint) => span.TryReadVarint(out kind),
                (Span_StartTimeUnixNano, WireType.Fixed64) => span.TryReadFixed64(out startTime),
                (Span_EndTimeUnixNano, WireType.Fixed64) => span.TryReadFixed64(out endTime),
                (Span_Attributes, WireType.Bytes) => span.TryReadMessage(out WireReader attribute)
                    && Sorted(isInColumns = _attributes.TryAdd(attribute, rows.Attributes)),
                (Span_DroppedAttributesCount, WireType.Varint) => span.TryReadVarint(out droppedAttributes),
                (Span_DroppedEventsCount, WireType.Varint) => span.TryReadVarint(out droppedEvents),
                (Span_DroppedLinksCount, WireType.Varint) => span.TryReadVarint(out droppedLinks),
                (Span_Status, WireType.Bytes) => span.TryReadMessage(out WireReader status)
                    && Sorted(isInColumns = TryReadStatus(status, ref statusMessage, ref statusCode)),
                (Span_Flags, WireType.Fixed32) => span.TryReadFixed32(out flags),
                _ => span.TrySkip(field, type) && Sorted(isInColumns = false),
            };
            Require(ok, span);
            if (!isInColumns) _remainder.Add(span.Raw(start, span.Position));
        }

        if (parentSpanId.Length == SpanId.Size && !parentSpanId.ContainsAnyExcept((byte)0)) KeepZeroParent(parentSpanId);
        uint nameNumber = rows.Name.NumberOf(name);
        rows.Tenant.Add(_tenantNumber);
        rows.ReceivedDay.Add(_receivedDay);
        rows.Wal.Add(_wal);
        rows.Segment.Add(_segment);
        rows.TraceId.Add(traceId);
        rows.SpanId.Add(spanId);
        rows.ParentSpanId.Add(parentSpanId);
        rows.TraceState.Add(traceState);
        rows.Flags.Add(flags);
        rows.Service.Add(resource.ServiceNumber);
        rows.Name.Add(nameNumber);
        rows.Kind.Add((int)kind);
        rows.StartTimeUnixNano.Add(startTime);
        rows.EndTimeUnixNano.Add(endTime);
        rows.Attributes.EndRow();
        rows.DroppedAttributesCount.Add((uint)droppedAttributes);
        rows.DroppedEventsCount.Add((uint)droppedEvents);
        rows.DroppedLinksCount.Add((uint)droppedLinks);
        rows.StatusCode.Add((int)statusCode);
        rows.StatusMessage.Add(statusMessage);
        rows.ResourceHash.Add(resource.Hash);
        rows.ScopeHash.Add(scopeHash);
        rows.Remainder.Add(_remainder.All);
        if (_operations.Add((_tenantNumber, resource.ServiceNumber, nameNumber, (int)kind))) AddOperation(resource, name, (int)kind);
    }

    /// <summary>Reads a Status. False when columns couldn't give it back: it is empty, or carries something unknown.</summary>
    private static bool TryReadStatus(WireReader status, ref ReadOnlySpan<byte> message, ref ulong code)
    {
        bool known = !status.AtEnd;
        while (!status.AtEnd)
        {
            Require(status.TryReadTag(out int field, out WireType type), status);
            switch (field, type)
            {
                case (Status_Message, WireType.Bytes):
                    status.TryReadBytes(out message);
                    break;
                case (Status_Code, WireType.Varint):
                    status.TryReadVarint(out code);
                    break;
                default:
                    Require(status.TrySkip(field, type), status);
                    known = false;
                    break;
            }
        }

        return known && (code != 0 || !message.IsEmpty);
    }

    /// <summary>Eight zero bytes as parent say the same as none, but they are not the same bytes.</summary>
    private void KeepZeroParent(ReadOnlySpan<byte> parentSpanId)
    {
        _remainder.Add((Span_ParentSpanId << 3) | (int)WireType.Bytes);
        _remainder.Add(SpanId.Size);
        _remainder.Add(parentSpanId);
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

    private static void Require(bool ok, in WireReader reader)
    {
        if (!ok) throw new InvalidDataException($"The request is not OTLP at offset {reader.Position}.");
    }

    private sealed record KnownResource(byte[] Hash, byte[] Service, uint ServiceNumber);
}

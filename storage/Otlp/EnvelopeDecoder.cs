using TraceStore.Storage.Spans;
using static TraceStore.Storage.Otlp.OtlpFields;
using static TraceStore.Storage.Otlp.ScannedFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Keeps what encloses spans: a ResourceSpans without its scopes, a ScopeSpans without its spans. Each is addressed by the
/// hash of its bytes and kept once per segment.
/// </summary>
internal sealed class EnvelopeDecoder(DecodedSegment output)
{
    private static readonly byte[] s_unknownService = "unknown_service"u8.ToArray();

    private readonly AttributeDecoder _resourceAttributes = new(output.Resources.Attributes);
    private readonly AttributeDecoder _scopeAttributes = new(output.Scopes.Attributes);
    private readonly ByteList _envelope = new();
    private readonly ByteStringTable _resourceEnvelopes = new();
    private readonly List<KnownResource> _resources = [];
    private readonly ByteStringTable _scopeEnvelopes = new();
    private readonly List<byte[]> _scopeHashes = [];
    private byte[] _tenant = [];
    private ushort _receivedDay;

    /// <summary>Starts a segment.</summary>
    public void Begin(ushort receivedDay)
    {
        _receivedDay = receivedDay;
        _resourceAttributes.Clear();
        _scopeAttributes.Clear();
        Forget();
    }

    /// <summary>From now on envelopes are this tenant's.</summary>
    public void UseTenant(ReadOnlySpan<byte> tenant)
    {
        if (tenant.SequenceEqual(_tenant)) return;
        _tenant = tenant.ToArray();
        Forget();
    }

    /// <summary>Keeps the resource of a ResourceSpans, and says what spans need of it.</summary>
    public KnownResource KeepResource(WireReader resourceSpans)
    {
        ReadEnvelope(resourceSpans, ResourceSpans_ScopeSpans);
        uint number = _resourceEnvelopes.NumberOf(_envelope.All, out bool isNew);
        if (!isNew) return _resources[(int)number];

        ResourceBatch rows = output.Resources;
        byte[] hash = ContentHash.Of(_envelope.All);
        _resourceAttributes.Begin();
        byte[]? service = null;
        var envelope = new WireReader(_envelope.All);
        while (TryFindNext(ref envelope, ResourceSpans_Resource, out WireReader message))
        {
            while (TryFindNext(ref message, Resource_Attributes, out WireReader attribute))
            {
                int last = rows.Attributes.Strings.Keys.Count;
                _resourceAttributes.TryAdd(attribute);
                if (rows.Attributes.Strings.Keys.Count > last && rows.Attributes.Strings.Keys[last].SequenceEqual("service.name"u8))
                {
                    service = ListedText.Of(rows.Attributes.Strings.Values[last]).ToArray();
                }
            }
        }

        if (service is null or []) service = s_unknownService;
        rows.Tenant.Add(_tenant);
        rows.ReceivedDay.Add(_receivedDay);
        rows.Hash.Add(hash);
        rows.Service.Add(service);
        rows.Attributes.EndRow();
        rows.Otlp.Add(_envelope.All);

        var resource = new KnownResource(hash, service, output.Spans.Service.Values.NumberOf(service));
        _resources.Add(resource);
        return resource;
    }

    /// <summary>Keeps the scope of a ScopeSpans, and returns its hash.</summary>
    public byte[] KeepScope(WireReader scopeSpans)
    {
        ReadEnvelope(scopeSpans, ScopeSpans_Spans);
        uint number = _scopeEnvelopes.NumberOf(_envelope.All, out bool isNew);
        if (!isNew) return _scopeHashes[(int)number];

        ScopeBatch rows = output.Scopes;
        byte[] hash = ContentHash.Of(_envelope.All);
        ReadOnlySpan<byte> name = default, version = default;
        _scopeAttributes.Begin();
        var envelope = new WireReader(_envelope.All);
        while (TryFindNext(ref envelope, ScopeSpans_Scope, out WireReader scope))
        {
            while (!scope.AtEnd)
            {
                Require(scope.TryReadTag(out int field, out WireType type), scope.Position);
                switch (field, type)
                {
                    case (Scope_Name, WireType.Bytes):
                        Require(scope.TryReadBytes(out name), scope.Position);
                        break;
                    case (Scope_Version, WireType.Bytes):
                        Require(scope.TryReadBytes(out version), scope.Position);
                        break;
                    case (Scope_Attributes, WireType.Bytes):
                        Require(scope.TryReadMessage(out WireReader attribute), scope.Position);
                        _scopeAttributes.TryAdd(attribute);
                        break;
                    default:
                        Require(scope.TrySkip(field, type), scope.Position);
                        break;
                }
            }
        }

        rows.Tenant.Add(_tenant);
        rows.ReceivedDay.Add(_receivedDay);
        rows.Hash.Add(hash);
        rows.Name.Add(ListedText.Of(name));
        rows.Version.Add(ListedText.Of(version));
        rows.Attributes.EndRow();
        rows.Otlp.Add(_envelope.All);
        _scopeHashes.Add(hash);
        return hash;
    }

    private void Forget()
    {
        _resourceEnvelopes.Clear();
        _resources.Clear();
        _scopeEnvelopes.Clear();
        _scopeHashes.Clear();
    }

    /// <summary>Collects a message's fields but for the repeated one that holds what the envelope encloses.</summary>
    private void ReadEnvelope(WireReader message, int enclosed)
    {
        _envelope.Clear();
        while (!message.AtEnd)
        {
            int start = message.Position;
            Require(message.TryReadTag(out int field, out WireType type) && message.TrySkip(field, type), message.Position);
            if (field != enclosed || type != WireType.Bytes) _envelope.Add(message.Raw(start, message.Position));
        }
    }
}

/// <summary>What spans need of their resource.</summary>
/// <param name="Hash">Its address.</param>
/// <param name="Service">Its service.name, or what stands for none.</param>
/// <param name="ServiceNumber">The service's number in the spans' service column.</param>
internal sealed record KnownResource(byte[] Hash, byte[] Service, uint ServiceNumber);

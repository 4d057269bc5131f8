using System.Buffers.Binary;

namespace TraceStore.Query.Assembly;

/// <summary>Resources and scopes in OTLP's encoding, by hash: ResourceSpans without scope_spans, ScopeSpans without spans.</summary>
public sealed class Envelopes
{
    private readonly Dictionary<UInt128, byte[]> _resources = [];
    private readonly Dictionary<UInt128, byte[]> _scopes = [];

    /// <summary>A resource's envelope; empty when it isn't there.</summary>
    public byte[] Resource(ReadOnlySpan<byte> hash) => _resources.GetValueOrDefault(KeyOf(hash), []);

    /// <summary>A scope's envelope; empty when it isn't there.</summary>
    public byte[] Scope(ReadOnlySpan<byte> hash) => _scopes.GetValueOrDefault(KeyOf(hash), []);

    internal static UInt128 KeyOf(ReadOnlySpan<byte> hash) => BinaryPrimitives.ReadUInt128BigEndian(hash);

    internal void AddResource(UInt128 hash, byte[] otlp) => _resources[hash] = otlp;

    internal void AddScope(UInt128 hash, byte[] otlp) => _scopes[hash] = otlp;
}

using CsCheck;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;

namespace TraceStore.Tests;

/// <summary>Export requests to send, built by the generated classes: what the contract says, independent of our own code.</summary>
public static class OtlpSamples
{
    public static ByteString TraceId(int number = 1) => ByteString.CopyFrom(Convert.FromHexString($"aaaaaaaaaaaaaaaaaaaaaaaa{number:x8}"));

    public static ByteString SpanId(int number = 1) => ByteString.CopyFrom(Convert.FromHexString($"bbbbbbbb{number:x8}"));

    public static string Hex(ByteString bytes) => Convert.ToHexStringLower(bytes.Span);

    public static AnyValue Value(object? value) => value switch
    {
        null => new AnyValue(),
        string text => new AnyValue { StringValue = text },
        bool truth => new AnyValue { BoolValue = truth },
        int integer => new AnyValue { IntValue = integer },
        long integer => new AnyValue { IntValue = integer },
        double number => new AnyValue { DoubleValue = number },
        byte[] bytes => new AnyValue { BytesValue = ByteString.CopyFrom(bytes) },
        object[] values => new AnyValue { ArrayValue = new ArrayValue { Values = { values.Select(Value) } } },
        _ => throw new ArgumentException("no such attribute value", nameof(value)),
    };

    public static KeyValue Attribute(string key, object? value) => new() { Key = key, Value = Value(value) };

    public static Span Span(int trace = 1, int span = 1, int parent = 0, string name = "GET /x", ulong start = 1_700_000_000_000_000_000, ulong duration = 5_000_000) => new()
    {
        TraceId = TraceId(trace),
        SpanId = SpanId(span),
        ParentSpanId = parent == 0 ? ByteString.Empty : SpanId(parent),
        Name = name,
        Kind = OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind.Server,
        StartTimeUnixNano = start,
        EndTimeUnixNano = start + duration,
    };

    public static ResourceSpans Resource(string service, params IEnumerable<Span> spans) => new()
    {
        Resource = new Resource { Attributes = { Attribute("service.name", service), Attribute("host.name", "host-1") } },
        ScopeSpans = { new ScopeSpans { Scope = new InstrumentationScope { Name = "test.scope", Version = "1.2.3" }, Spans = { spans } } },
    };

    public static ExportTraceServiceRequest Request(params IEnumerable<ResourceSpans> resources) => new() { ResourceSpans = { resources } };

    /// <summary>
    /// Any valid request: every field and attribute type of OTLP, empty and repeated and unknown ones included. Text is
    /// valid UTF-8, because the generated classes can't hold any other.
    /// </summary>
    public static Gen<ExportTraceServiceRequest> Any { get; } = AnyRequest();

    /// <summary>Whether JSON can hold a request's texts.</summary>
    public static bool IsText(ExportTraceServiceRequest request)
    {
        try
        {
            return request.ToString().Length > 0; // the formatter refuses text with half surrogate pairs
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static Gen<T> OneOfThese<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    private static Gen<ExportTraceServiceRequest> AnyRequest()
    {
        Gen<string> text = Gen.OneOf(OneOfThese("", "a", "http.method", "käse", "𝄞"), Gen.String[Gen.Char['!', '~'], 0, 30]);
        Gen<string> key = Gen.OneOf(OneOfThese("", "k1", "k2", "k3", "service.name", "http.status_code"), text);
        Gen<AnyValue> plain = Gen.OneOf(
            text.Select(value => Value(value)),
            Gen.Bool.Select(value => Value(value)),
            Gen.OneOf(Gen.Long, OneOfThese(0L, -1L, long.MinValue, long.MaxValue)).Select(value => Value(value)),
            Gen.OneOf(Gen.Double, OneOfThese(0d, -0d, double.NaN, double.PositiveInfinity)).Select(value => Value(value)),
            Gen.Byte.Array[0, 20].Select(value => Value(value)),
            Gen.Const(() => new AnyValue()),
            Gen.Int[1, 100].Select(value => new AnyValue { StringValueStrindex = value }));
        Gen<AnyValue> anyValue = Gen.Recursive<AnyValue>((depth, self) => depth > 3
            ? plain
            : Gen.Frequency(
                (6, plain),
                (1, self.Array[0, 3].Select(values => new AnyValue { ArrayValue = new ArrayValue { Values = { values } } })),
                (1, Gen.Select(key, self).Array[0, 3].Select(pairs => new AnyValue
                {
                    KvlistValue = new KeyValueList { Values = { pairs.Select(pair => new KeyValue { Key = pair.Item1, Value = pair.Item2 }) } },
                }))));
        Gen<KeyValue> attribute = Gen.OneOf(
            Gen.Select(key, anyValue, (name, value) => new KeyValue { Key = name, Value = value }),
            key.Select(name => new KeyValue { Key = name })); // no value at all
        Gen<KeyValue[]> attributes = attribute.Array[0, 8];
        Gen<ulong> time = Gen.OneOf(Gen.ULong, OneOfThese(0UL, ulong.MaxValue, 1_700_000_000_000_000_000UL));
        Gen<uint> count = Gen.OneOf(Gen.Const(0u), Gen.UInt);
        Gen<ByteString> traceId = Gen.Byte.Array[16].Where(id => id.Any(b => b != 0)).Select(id => ByteString.CopyFrom(id));
        Gen<ByteString> spanId = Gen.Byte.Array[8].Where(id => id.Any(b => b != 0)).Select(id => ByteString.CopyFrom(id));
        Gen<ByteString> parentId = Gen.OneOf(OneOfThese(ByteString.Empty, ByteString.CopyFrom(new byte[8])), spanId);
        Gen<Span.Types.Event> anEvent = Gen.Select(time, text, attributes, count, (at, name, tags, dropped) =>
            new Span.Types.Event { TimeUnixNano = at, Name = name, Attributes = { tags }, DroppedAttributesCount = dropped });
        Gen<Span.Types.Link> link = Gen.Select(Gen.Byte.Array[0, 17], text, attributes, count, (id, state, tags, number) => new Span.Types.Link
        {
            TraceId = ByteString.CopyFrom(id),
            SpanId = ByteString.CopyFrom(id),
            TraceState = state,
            Attributes = { tags },
            DroppedAttributesCount = number,
            Flags = number,
        });
        Gen<Status?> status = Gen.OneOf(
            Gen.Const((Status?)null),
            Gen.Select(text, Gen.Int[0, 9], (message, code) => (Status?)new Status { Message = message, Code = (Status.Types.StatusCode)code }));
        Gen<Span> head = Gen.Select(traceId, spanId, parentId, text, text, Gen.Int[-1, 9], time, time, (trace, span, parent, state, name, kind, start, end) => new Span
        {
            TraceId = trace,
            SpanId = span,
            ParentSpanId = parent,
            TraceState = state,
            Name = name,
            Kind = (Span.Types.SpanKind)kind,
            StartTimeUnixNano = start,
            EndTimeUnixNano = end,
        });
        Gen<Span> aSpan = Gen.Select(head, attributes, anEvent.Array[0, 3], link.Array[0, 3], status, count, count, (span, tags, events, links, state, dropped, flags) =>
        {
            span.Attributes.Add(tags);
            span.Events.Add(events);
            span.Links.Add(links);
            span.Status = state;
            span.DroppedAttributesCount = dropped;
            span.DroppedEventsCount = flags;
            span.DroppedLinksCount = dropped;
            span.Flags = flags;
            return span;
        });
        Gen<InstrumentationScope?> scope = Gen.OneOf(
            Gen.Const((InstrumentationScope?)null),
            Gen.Select(text, text, attributes, count, (name, version, tags, dropped) =>
                (InstrumentationScope?)new InstrumentationScope { Name = name, Version = version, Attributes = { tags }, DroppedAttributesCount = dropped }));
        Gen<ScopeSpans> scopeSpans = Gen.Select(scope, aSpan.Array[0, 4], text, (s, spans, schema) => new ScopeSpans { Scope = s, Spans = { spans }, SchemaUrl = schema });
        Gen<Resource?> resource = Gen.OneOf(
            Gen.Const((Resource?)null),
            Gen.Select(attributes, count, text, (tags, dropped, type) => (Resource?)new Resource
            {
                Attributes = { tags },
                DroppedAttributesCount = dropped,
                EntityRefs = { new EntityRef { Type = type, IdKeys = { "k1" } } },
            }));
        Gen<ResourceSpans> resourceSpans = Gen.Select(resource, scopeSpans.Array[0, 3], text, (r, scopes, schema) =>
            new ResourceSpans { Resource = r, ScopeSpans = { scopes }, SchemaUrl = schema });
        return resourceSpans.Array[0, 3].Select(resources => Request(resources));
    }
}

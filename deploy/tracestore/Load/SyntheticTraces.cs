using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace TraceStore.Load;

/// <summary>A span of a request that is sent again and again: what differs each time, and what stands for it in the message.</summary>
/// <param name="Message">The span, with random IDs and times.</param>
/// <param name="UniqueId">Its attribute that never comes again; null where it has none.</param>
/// <param name="Trace">Its trace, counted within the request.</param>
/// <param name="Start">When it starts, nanoseconds after its trace.</param>
/// <param name="Duration">How long it takes, nanoseconds.</param>
internal sealed record SyntheticSpan(Span Message, string? UniqueId, int Trace, long Start, long Duration);

/// <summary>
/// Makes up traces that look like those of a shop: calls that go from service to service, each span within its parent's
/// time, with attributes of every kind under the semantic conventions' names.
/// </summary>
internal sealed class SyntheticTraces
{
    private const int OperationsPerService = 5;
    private const int UniqueIdsPerThreeSpans = 2;
    private const uint SampledAndLocal = 0x101; // trace/v1, SpanFlags: sampled; whether the parent is remote is known

    private static readonly string[] s_verbs = ["GET", "POST", "PUT", "DELETE", "PATCH"];
    private static readonly string[] s_nouns = ["orders", "carts", "users", "items", "prices", "stock", "reviews", "payments", "sessions", "invoices", "shipments"];
    private static readonly string[] s_failures = ["deadline exceeded", "connection reset by peer", "order is locked", "no such item", "payment was declined"];

    private readonly LoadShape _shape;
    private readonly Random _random;
    private readonly (string Name, Span.Types.SpanKind Kind, int FirstKey)[] _operations;
    private readonly Resource[] _resources;

    public SyntheticTraces(LoadShape shape, int seed)
    {
        _shape = shape;
        _random = new Random(seed);
        _operations = [.. Enumerable.Range(0, shape.Services * OperationsPerService).Select(Operation)];
        _resources = [.. Enumerable.Range(0, shape.Services).Select(ResourceOf)];
    }

    /// <summary>A request as a gateway sends it: the spans of many traces, by the service they come from.</summary>
    public (ExportTraceServiceRequest Request, IReadOnlyList<SyntheticSpan> Spans) NextRequest()
    {
        var scopes = new ScopeSpans?[_shape.Services];
        var request = new ExportTraceServiceRequest();
        var spans = new List<SyntheticSpan>[_shape.Services];
        for (int made = 0, trace = 0; made < _shape.SpansPerRequest; trace++)
        {
            int size = Math.Min(_shape.SpansPerTrace, _shape.SpansPerRequest - made);
            foreach ((int service, SyntheticSpan span) in Trace(trace, size))
            {
                (spans[service] ??= []).Add(span);
                (scopes[service] ??= AddService(request, service)).Spans.Add(span.Message);
            }

            made += size;
        }

        // In the order of the message.
        return (request, [.. request.ResourceSpans.SelectMany(resource => spans[Array.IndexOf(scopes, resource.ScopeSpans[0])])]);
    }

    private ScopeSpans AddService(ExportTraceServiceRequest request, int service)
    {
        var scope = new ScopeSpans { Scope = new InstrumentationScope { Name = "tracestore.load", Version = "1" } };
        request.ResourceSpans.Add(new ResourceSpans { Resource = _resources[service], ScopeSpans = { scope } });
        return scope;
    }

    private (int Service, SyntheticSpan Span)[] Trace(int trace, int size)
    {
        ByteString traceId = RandomBytes(16);
        var spans = new (int Service, SyntheticSpan Span)[size];
        for (int i = 0; i < size; i++)
        {
            (int service, SyntheticSpan? above) = i == 0 ? (_random.Next(_shape.Services), null) : spans[_random.Next(Math.Max(0, i - 4), i)];
            if (above is not null && _random.Next(2) == 0) service = _random.Next(_shape.Services);

            long duration = above is null ? RootDuration() : (long)(above.Duration * (0.1 + (0.7 * _random.NextDouble())));
            long start = above is null ? 0 : above.Start + (long)((above.Duration - duration) * _random.NextDouble());
            (Span message, string? uniqueId) = Message(service, (trace * _shape.SpansPerTrace) + i);
            message.TraceId = traceId;
            if (above is not null) message.ParentSpanId = above.Message.SpanId;
            spans[i] = (service, new SyntheticSpan(message, uniqueId, trace, start, duration));
        }

        return spans;
    }

    private (Span Message, string? UniqueId) Message(int service, int number)
    {
        (string name, Span.Types.SpanKind kind, int firstKey) = _operations[(service * OperationsPerService) + _random.Next(OperationsPerService)];
        var span = new Span
        {
            SpanId = RandomBytes(8),
            Name = name,
            Kind = kind,
            StartTimeUnixNano = RandomTime(),
            EndTimeUnixNano = RandomTime(),
            Flags = SampledAndLocal,
        };
        string? uniqueId = null;
        for (int i = 0; i < _shape.SpanAttributes; i++)
        {
            bool isUnique = i == 0 && number % 3 < UniqueIdsPerThreeSpans;
            if (isUnique) uniqueId = Convert.ToHexStringLower(RandomBytes(8).Span);
            span.Attributes.Add(isUnique ? Attribute("app.request.id", Text(uniqueId!)) : SpanAttribute((firstKey + i) % _shape.AttributeKeys));
        }

        if (_random.NextDouble() < _shape.ErrorRate) span.Status = new Status { Code = Status.Types.StatusCode.Error, Message = Pick(s_failures) };
        if (_shape.SpansPerEvent > 0 && number % _shape.SpansPerEvent == 0)
        {
            span.Events.Add(new Span.Types.Event { Name = "cache miss", TimeUnixNano = RandomTime(), Attributes = { Attribute("app.cache.key", Text($"item-{_random.Next(5_000)}")) } });
        }

        return (span, uniqueId);
    }

    private KeyValue SpanAttribute(int key) => key switch
    {
        0 => Attribute("http.request.method", Text(Pick(s_verbs))),
        1 => Attribute("http.route", Text($"/api/v1/{Pick(s_nouns)}/:id")),
        2 => Attribute("http.response.status_code", Whole(_random.Next(20) == 0 ? 500 : 200)),
        3 => Attribute("server.address", Text($"{Pick(s_nouns)}-{_random.Next(4)}.shop.internal")),
        4 => Attribute("db.collection.name", Text(Pick(s_nouns))),
        5 => Attribute("network.peer.port", Whole(_random.Next(32_768, 61_000))),
        6 => Attribute("app.cache.hit", new AnyValue { BoolValue = _random.Next(4) > 0 }),
        7 => Attribute("user_agent.original", Text($"shop-client/{_random.Next(1, 5)}.{_random.Next(10)} (Linux; x86_64) dotnet/10.0.1 http/2")),
        8 => Attribute("user.id", Text($"user-{_random.Next(10_000):D5}")),
        9 => Attribute("url.scheme", Text(_random.Next(3) > 0 ? "https" : "http")),
        10 => Attribute("app.order.total", new AnyValue { DoubleValue = _random.Next(100, 50_000) / 100.0 }),
        11 => Attribute("thread.id", Whole(_random.Next(1, 65))),
        12 => Attribute("db.operation.name", Text(_random.Next(5) > 0 ? "SELECT" : "UPDATE")),
        13 => Attribute("messaging.destination.name", Text($"{Pick(s_nouns)}.events")),
        14 => Attribute("http.response.body.size", Whole(_random.Next(200, 20_000))),
        15 => Attribute("network.protocol.version", Text(_random.Next(2) > 0 ? "1.1" : "2")),
        _ when key % 4 == 0 => Attribute($"app.counter.{key}", Whole(_random.Next(1_000))),
        _ => Attribute($"app.label.{key}", Text($"value-{_random.Next(50)}")),
    };

    private Resource ResourceOf(int service)
    {
        string name = ServiceName(service);
        var resource = new Resource();
        for (int i = 0; i < _shape.ResourceAttributes; i++)
        {
            resource.Attributes.Add(i switch
            {
                0 => Attribute("service.name", Text(name)),
                1 => Attribute("service.namespace", Text("shop")),
                2 => Attribute("service.version", Text($"1.{_random.Next(10)}.{_random.Next(10)}")),
                3 => Attribute("service.instance.id", Text(Convert.ToHexStringLower(RandomBytes(16).Span))),
                4 => Attribute("host.name", Text($"node-{_random.Next(8)}")),
                5 => Attribute("telemetry.sdk.language", Text("dotnet")),
                6 => Attribute("deployment.environment.name", Text("production")),
                7 => Attribute("process.pid", Whole(_random.Next(1, 4_000_000))),
                _ => Attribute($"resource.label.{i}", Text($"value-{_random.Next(10)}")),
            });
        }

        return resource;
    }

    private (string Name, Span.Types.SpanKind Kind, int FirstKey) Operation(int number)
    {
        string noun = s_nouns[number % s_nouns.Length];
        string verb = s_verbs[number % s_verbs.Length];
        int variant = number / (s_nouns.Length * s_verbs.Length);
        string name = variant == 0 ? $"{verb} /api/v1/{noun}" : $"{verb} /api/v1/{noun}/{variant}";
        return (name, (Span.Types.SpanKind)(1 + (number % 5)), number % _shape.AttributeKeys);
    }

    private static string ServiceName(int service) => service < s_nouns.Length ? s_nouns[service] : $"{s_nouns[service % s_nouns.Length]}-{service / s_nouns.Length}";

    /// <summary>Log-normal around 30 ms.</summary>
    private long RootDuration()
    {
        double normal = Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
        return (long)(30e6 * Math.Exp(normal));
    }

    /// <summary>A number that isn't elsewhere in the message, and has 19 digits as times have.</summary>
    private ulong RandomTime() => (ulong)_random.NextInt64(1_000_000_000_000_000_000, 9_000_000_000_000_000_000);

    private ByteString RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        _random.NextBytes(bytes);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    private string Pick(string[] words) => words[_random.Next(words.Length)];

    private static KeyValue Attribute(string key, AnyValue value) => new() { Key = key, Value = value };

    private static AnyValue Text(string value) => new() { StringValue = value };

    private static AnyValue Whole(long value) => new() { IntValue = value };
}

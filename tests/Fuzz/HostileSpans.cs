using System.Text;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;

namespace TraceStore.Tests.Fuzz;

/// <summary>A small store to search: few services and traces, every type of attribute, names and times as odd as OTLP allows.</summary>
internal static class HostileSpans
{
    private const int Traces = 12;

    /// <summary>When most spans were, in seconds since 1970.</summary>
    public const long Seconds = 1_700_000_000;

    /// <summary>Stands for bytes that aren't UTF-8, which the generated classes can't hold, and is as long as they are.</summary>
    private const string NotUtf8 = "~bad~";

    private static readonly byte[] s_notUtf8 = [0xFF, 0xC3, (byte)'(', 0xED, 0xA0];

    private static readonly string[] s_services = ["shop", "käse 𝄞", "a/b c?d%2fe", "\"quoted\" {x} \\ '", $"x{NotUtf8}", "nul\0\u0001", "unknown_service"];
    private static readonly string[] s_operations = ["GET /x", "", "ä\n\t\u001b", "%41 + & = ?", $"{NotUtf8}y", "`';--\\"];
    private static readonly string[] s_keys = ["k", "number", "truth", "http.method", "a b\"c\\", "ключ", $"k{NotUtf8}", "error", "span.kind", "k\0"];
    private static readonly object?[] s_values =
        ["v", "", NotUtf8, "007", 7, -1L, long.MaxValue, 1.5, double.NaN, double.PositiveInfinity, -0d, true, false, new byte[] { 0, 255 }, null];

    /// <summary>Names that are stored, as answers write them.</summary>
    public static string[] Services { get; } = [.. s_services.Select(Mended)];

    public static string[] Operations { get; } = [.. s_operations.Select(Mended)];

    public static string[] Keys { get; } = [.. s_keys.Select(Mended)];

    public static string[] TraceIds { get; } =
        [.. Enumerable.Range(1, Traces + 1).Select(number => OtlpSamples.Hex(OtlpSamples.TraceId(number))), "1", "AAAAAAAAAAAAAAAAAAAAAAAA00000001"];

    /// <summary>What to export; each is a request.</summary>
    public static IEnumerable<byte[]> Requests() => Enumerable.Range(1, Traces).Select(number => Spoiled(Trace(number).ToByteArray()));

    private static ExportTraceServiceRequest Trace(int trace)
    {
        ResourceSpans[] resources = [.. s_services.Select((service, at) => OtlpSamples.Resource(service, Spans(trace, first: 1 + (at * 3))))];
        resources[^1].Resource.Attributes.Clear();
        resources[^2].Resource.Attributes.Add(OtlpSamples.Attribute("number", trace));
        return OtlpSamples.Request(resources.Take(1 + (trace % resources.Length)));
    }

    private static IEnumerable<Span> Spans(int trace, int first)
    {
        for (int number = first; number < first + 3; number++)
        {
            Span span = OtlpSamples.Span(trace, number, parent: number - 1, s_operations[(trace + number) % s_operations.Length], duration: (ulong)number * 1_000_000);
            span.Kind = (Span.Types.SpanKind)(number % 6);
            span.Attributes.Add(s_keys.Select((key, at) => OtlpSamples.Attribute(key, s_values[(trace + number + at) % s_values.Length])));
            span.Attributes.Add(OtlpSamples.Attribute("k", "again"));
            var list = new ArrayValue { Values = { OtlpSamples.Value("v"), OtlpSamples.Value(1), new AnyValue() } };
            span.Attributes.Add(new KeyValue { Key = "list", Value = new AnyValue { ArrayValue = list } });
            var map = new KeyValueList { Values = { OtlpSamples.Attribute(NotUtf8, NotUtf8) } };
            span.Attributes.Add(new KeyValue { Key = "map", Value = new AnyValue { KvlistValue = map } });
            string name = s_operations[number % s_operations.Length];
            span.Events.Add(new Span.Types.Event { Name = name, TimeUnixNano = ulong.MaxValue, Attributes = { OtlpSamples.Attribute("k", double.NaN) } });
            span.Links.Add(new Span.Types.Link { TraceId = OtlpSamples.TraceId(trace + 1), SpanId = OtlpSamples.SpanId(number), TraceState = "a=b" });
            span.Status = number % 3 == 0 ? null : new Status { Code = (Status.Types.StatusCode)(number % 3), Message = name };
            if (trace == 2) (span.StartTimeUnixNano, span.EndTimeUnixNano) = (0, 0);
            if (trace == 3) (span.StartTimeUnixNano, span.EndTimeUnixNano) = (ulong.MaxValue, ulong.MaxValue);
            if (trace == 4) (span.StartTimeUnixNano, span.EndTimeUnixNano) = (span.EndTimeUnixNano, span.StartTimeUnixNano);
            if (trace == 5) (span.StartTimeUnixNano, span.EndTimeUnixNano) = (0, ulong.MaxValue);
            yield return span;
            if (trace == 6) yield return span.Clone();
            if (trace != 7) continue;
            Span twin = span.Clone();
            twin.Attributes[0] = OtlpSamples.Attribute("k", "twin");
            yield return twin;
        }
    }

    private static byte[] Spoiled(byte[] request)
    {
        for (int at; (at = request.AsSpan().IndexOf("~bad~"u8)) >= 0;) s_notUtf8.CopyTo(request, at);
        return request;
    }

    private static string Mended(string name) => name.Replace(NotUtf8, Encoding.UTF8.GetString(s_notUtf8), StringComparison.Ordinal);
}

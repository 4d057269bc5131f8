using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Reflection;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests;

/// <summary>What earlier versions wrote, and what they were given: every later version reads it. Never changed, only added to.</summary>
public static class GoldenFiles
{
    private const string Extension = ".tar.gz";

    private static readonly string s_folder = typeof(GoldenFiles).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "GoldenFolder").Value!;

    /// <summary>The stored data directories, by the version that wrote them.</summary>
    public static IEnumerable<string> Versions => Directory.GetFiles(s_folder, "*" + Extension).Select(path => Path.GetFileName(path)[..^Extension.Length]);

    /// <summary>The stored archives, by the version that wrote them.</summary>
    public static IEnumerable<string> Archives => Directory.GetFiles(Path.Combine(s_folder, "archives"), "*" + Extension).Select(path => Path.Combine("archives", Path.GetFileName(path)[..^Extension.Length]));

    /// <summary>Requests that were stored before the process ended in order.</summary>
    public static IReadOnlyList<ExportTraceServiceRequest> Stored { get; } = [RichRequest(1), RichRequest(2)];

    /// <summary>A request that was acknowledged just before the process was killed: only the log has it.</summary>
    public static ExportTraceServiceRequest InLog { get; } = RichRequest(3);

    /// <summary>Unpacks a version's data directory.</summary>
    public static async Task UnpackAsync(string version, string directory)
    {
        await using var file = new GZipStream(File.OpenRead(Path.Combine(s_folder, version + Extension)), CompressionMode.Decompress);
        await TarFile.ExtractToDirectoryAsync(file, directory, overwriteFiles: true);
    }

    /// <summary>Packs a data directory as a version's.</summary>
    public static void Pack(string version, string directory)
    {
        using Process tar = Process.Start("tar", ["--exclude=logs", "--exclude=config", "--exclude=lock*", "--exclude=status", "-czf", Path.Combine(s_folder, version + Extension), "-C", directory, "."]);
        tar.WaitForExit();
    }

    private static ExportTraceServiceRequest RichRequest(int number)
    {
        Span span = Span(trace: 9_000 + number, span: 1, name: "golden");
        span.TraceState = "vendor=1";
        span.Flags = 0x101;
        span.Attributes.Add([
            Attribute("text", "käse"), Attribute("truth", true), Attribute("integer", long.MinValue), Attribute("number", -0.5), Attribute("bytes", new byte[] { 0, 255 }), Attribute("nothing", null), Attribute("", ""),
            Attribute("twice", 1), Attribute("twice", 2),
        ]);
        span.Attributes.Add(new OpenTelemetry.Proto.Common.V1.KeyValue { Key = "array", Value = new() { ArrayValue = new() { Values = { Value(1), Value("x"), Value(null) } } } });
        span.Events.Add(new Span.Types.Event { Name = "event", TimeUnixNano = 1_700_000_000_000_000_001, Attributes = { Attribute("k", "v") }, DroppedAttributesCount = 1 });
        span.Links.Add(new Span.Types.Link { TraceId = TraceId(1), SpanId = SpanId(1), TraceState = "a=b", Flags = 1 });
        span.Status = new Status { Code = Status.Types.StatusCode.Error, Message = "it failed" };
        span.DroppedAttributesCount = 2;
        ResourceSpans resource = Resource($"golden-{number}", span, Span(trace: 9_000 + number, span: 2, parent: 1));
        resource.SchemaUrl = "https://example.org/resource";
        resource.ScopeSpans[0].SchemaUrl = "https://example.org/scope";
        return Request(resource);
    }
}

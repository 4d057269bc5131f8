using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Load;
using TraceStore.Storage.Otlp;

namespace TraceStore.Tests.Fuzz;

public class OtlpFuzzTests
{
    private static readonly OtlpLimits s_limits = new();

    /// <summary>Whatever comes in is refused or means the same as in the generated classes; nothing throws.</summary>
    [Fact]
    public void Scanner_and_decoder_agree_with_the_generated_classes() =>
        Fuzzer.Run([.. Samples.Requests.Select(request => request.ToByteArray())], IsStorable);

    [Fact]
    public void What_the_json_transcoder_takes_is_protobuf() =>
        Fuzzer.Run([.. Samples.JsonRequests], json =>
        {
            var output = new WireWriter();
            if (OtlpJsonTranscoder.Transcode(json, output) is not null) return false;
            OtlpParsing.ParseTraces(ExportTraceServiceRequest.Parser, output.Written);
            IsStorable(output.Written.ToArray());
            return true;
        });

    private static bool IsStorable(byte[] request)
    {
        OtlpScan scan = OtlpScanner.Scan(request, s_limits);
        if (scan.Malformed is not null) return false;

        byte[] accepted = scan.Rejected.Count == 0 ? request : OtlpSpanFilter.Without(request, scan.Rejected);
        ExportTraceServiceRequest expected = OtlpParsing.ParseTraces(ExportTraceServiceRequest.Parser, accepted);
        Assert.Equal(scan.AcceptedSpans, expected.ResourceSpans.Sum(resource => resource.ScopeSpans.Sum(scope => scope.Spans.Count)));
        Assert.Equal(OtlpEquality.Canonical(expected), OtlpEquality.Canonical(ColumnRoundTrip.Through(accepted)));
        return scan.AcceptedSpans > 0;
    }
}

/// <summary>Real requests to begin with.</summary>
internal static class Samples
{
    private const ulong Start = 1_700_000_000_000_000_000;

    public static IReadOnlyList<ExportTraceServiceRequest> Requests { get; } = [.. Arbitrary(40).Where(request => request.CalculateSize() > 0), .. Loads(4)];

    public static IReadOnlyList<byte[]> JsonRequests { get; } = [.. Requests.Where(OtlpSamples.IsText).Select(OtlpJson.Encode)];

    private static IEnumerable<ExportTraceServiceRequest> Arbitrary(int count)
    {
        var random = new CsCheck.PCG(1, 1);
        for (int i = 0; i < count; i++) yield return OtlpSamples.Any.Generate(random, null, out _);
    }

    private static IEnumerable<ExportTraceServiceRequest> Loads(int count)
    {
        var connection = new LoadConnection(new LoadShape { Seed = 1, SpansPerRequest = 10 }, number: 0, isJson: false);
        for (int i = 0; i < count; i++)
        {
            var request = ExportTraceServiceRequest.Parser.ParseFrom(connection.NextRequest().Bytes.Span);
            foreach (Span span in request.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans))
            {
                (span.StartTimeUnixNano, span.EndTimeUnixNano) = (Start, Start + (span.EndTimeUnixNano - span.StartTimeUnixNano)); // the load's are of now
            }

            yield return request;
        }
    }
}

using TraceStore.Collector.Pipeline;
using TraceStore.Storage.Otlp;

namespace TraceStore.Tests.Unit.Collector;

public class AdmissionTests
{
    [Fact]
    public void A_good_request_is_taken_whole() => Assert.Equal(new Admission(AdmissionVerdict.All, 3, 0, ""), Admission.Of(Scan(3)));

    [Fact]
    public void A_request_without_spans_is_a_success_and_nothing_to_store() =>
        Assert.Equal(new Admission(AdmissionVerdict.Empty, 0, 0, ""), Admission.Of(Scan(0)));

    [Fact]
    public void Bad_spans_are_named_with_their_reasons() =>
        Assert.Equal(
            new Admission(AdmissionVerdict.Part, 2, 1, "Rejected 1 of 3 spans: span x: no good"),
            Admission.Of(Scan(3, new RejectedSpan("span x", "no good"))));

    [Fact]
    public void Of_many_bad_spans_the_first_ten_are_named()
    {
        Admission admission = Admission.Of(Scan(12, [.. Enumerable.Range(0, 12).Select(i => new RejectedSpan($"span {i}", "bad"))]));

        Assert.Equal(AdmissionVerdict.None, admission.Verdict);
        Assert.EndsWith("span 9: bad; and 2 more", admission.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Spans_that_are_rejected_together_are_told_once()
    {
        var rejected = new RejectedSpans();
        rejected.Add(0, 5, RejectionReason.AttributeCount, () => new RejectedSpan("all spans of x", "too many"));

        Assert.Equal("Rejected 5 of 6 spans: all spans of x: too many", Admission.Of(new OtlpScan(6, rejected, null)).Message);
    }

    [Fact]
    public void What_is_too_much_is_not_said_to_be_no_otlp() =>
        Assert.Equal(
            "The request is refused: more than 2 spans in one request at offset 7.",
            Admission.Of(Scan(0) with { Malformed = new MalformedRequest(7, "more than 2 spans in one request", IsOverLimit: true) }).Message);

    [Fact]
    public void What_is_not_otlp_is_refused_with_the_offset() =>
        Assert.Equal(
            new Admission(AdmissionVerdict.Malformed, 0, 0, "The request is not an ExportTraceServiceRequest: not protobuf: a tag was expected at offset 7."),
            Admission.Of(Scan(0) with { Malformed = new MalformedRequest(7, "not protobuf: a tag was expected") }));

    private static OtlpScan Scan(int spans, params RejectedSpan[] rejected)
    {
        var all = new RejectedSpans();
        for (int ordinal = 0; ordinal < rejected.Length; ordinal++) all.Add(ordinal, ordinal + 1, RejectionReason.InvalidId, () => rejected[ordinal]);
        return new OtlpScan(spans, all, null);
    }
}

using System.Text;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Load;

namespace TraceStore.Tests.Unit.Load;

public class LoadRequestTests
{
    private const ulong Now = 1_800_000_000_000_000_000;
    private static readonly LoadShape s_shape = new() { Seed = 7 };

    [Fact]
    public void Spans_are_whole_traces_within_their_parents_time()
    {
        (LoadRequest request, _) = Encode(isJson: false);

        Span[] spans = SpansOf(request);
        Assert.Equal(s_shape.SpansPerRequest, spans.Length);
        foreach (IGrouping<ByteString, Span> trace in spans.GroupBy(span => span.TraceId))
        {
            Assert.Equal(s_shape.SpansPerTrace, trace.Count());
            Dictionary<ByteString, Span> byId = trace.ToDictionary(span => span.SpanId);
            Assert.Single(trace, span => span.ParentSpanId.IsEmpty);
            foreach (Span child in trace.Where(span => !span.ParentSpanId.IsEmpty))
            {
                Span parent = byId[child.ParentSpanId];
                Assert.InRange(child.StartTimeUnixNano, parent.StartTimeUnixNano, parent.EndTimeUnixNano);
                Assert.InRange(child.EndTimeUnixNano, child.StartTimeUnixNano, parent.EndTimeUnixNano + 1_000);
            }
        }

        Assert.All(spans, span => Assert.InRange(span.EndTimeUnixNano, 0ul, Now));
        Assert.Equal(request.TraceIds.Order(), spans.Select(span => Convert.ToHexStringLower(span.TraceId.Span)).Distinct().Order());
    }

    [Fact]
    public void Sent_again_only_ids_and_times_differ_and_all_of_them()
    {
        (LoadRequest request, SplitMix64 random) = Encode(isJson: false);
        Span[] first = SpansOf(request);
        request.Freshen(ref random, Now + 1_000_000_000);
        Span[] second = SpansOf(request);

        Assert.Empty(first.Select(span => span.SpanId).Intersect(second.Select(span => span.SpanId)));
        Assert.Empty(first.Select(span => span.TraceId).Intersect(second.Select(span => span.TraceId)));
        Assert.Empty(UniqueIds(first).Intersect(UniqueIds(second)));
        Assert.InRange(UniqueIds(first).Distinct().Count(), first.Length * 6 / 10, first.Length * 7 / 10);
        Assert.All(first.Zip(second), pair => Assert.True(pair.First.EndTimeUnixNano < pair.Second.EndTimeUnixNano));
        Assert.Equal(first.Select(span => span.Name), second.Select(span => span.Name));
    }

    [Fact]
    public void Equal_seeds_give_equal_requests()
    {
        (LoadRequest one, _) = Encode(isJson: false);
        (LoadRequest other, _) = Encode(isJson: false);

        Assert.Equal(one.Bytes.ToArray(), other.Bytes.ToArray());
    }

    [Fact]
    public void Json_says_the_same()
    {
        (LoadRequest protobuf, _) = Encode(isJson: false);
        (LoadRequest json, _) = Encode(isJson: true);

        string text = Encoding.UTF8.GetString(json.Bytes.Span);
        foreach (Span span in SpansOf(protobuf))
        {
            Assert.Contains($"\"spanId\":\"{Convert.ToHexStringLower(span.SpanId.Span)}\"", text, StringComparison.Ordinal);
            Assert.Contains($"\"endTimeUnixNano\":\"{span.EndTimeUnixNano}\"", text, StringComparison.Ordinal);
        }
    }

    private static (LoadRequest Request, SplitMix64 Random) Encode(bool isJson)
    {
        LoadRequest request = LoadRequest.Encode(new SyntheticTraces(s_shape, seed: 1), isJson);
        var random = new SplitMix64(42);
        request.Freshen(ref random, Now);
        return (request, random);
    }

    private static Span[] SpansOf(LoadRequest request) =>
        [.. ExportTraceServiceRequest.Parser.ParseFrom(request.Bytes.Span).ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans)];

    private static IEnumerable<string> UniqueIds(IEnumerable<Span> spans) =>
        spans.SelectMany(span => span.Attributes).Where(attribute => attribute.Key == "app.request.id").Select(attribute => attribute.Value.StringValue);
}

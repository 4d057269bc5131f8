using System.Text;
using Google.Protobuf;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Unit.Otlp;

public class OtherAttributeTests
{
    [Fact]
    public void Plain_attributes_under_a_key_of_their_own_are_not_among_them() =>
        Assert.Empty(OthersOf(Attribute("a", "x"), Attribute("b", 1), Attribute("c", 0.5), Attribute("d", true)));

    [Fact]
    public void Later_values_of_a_key_and_elements_of_an_array_are_by_type() =>
        Assert.Equal(
            ["k ", "k i-7", "k ", "k d0.5", "k ", "k dinf", "k ", "k b1", "list ", "list sx", "list i1"],
            OthersOf(Attribute("k", "first"), Attribute("k", -7), Attribute("k", 0.5), Attribute("k", double.PositiveInfinity), Attribute("k", true), Array("list", "x", 1)));

    [Fact]
    public void An_array_lists_so_many_elements_and_no_text_that_is_very_long() =>
        Assert.Equal(
            OtherAttribute.MaxElements, // the key, and one less
            OthersOf(Array("list", [new string('x', OtherAttribute.MaxTextBytes + 1), .. Enumerable.Range(0, 2 * OtherAttribute.MaxElements).Cast<object>()])).Count);

    [Fact]
    public void Whatever_is_sent_they_take_few_times_its_room()
    {
        KeyValue[] attributes = [.. Enumerable.Range(0, 1_000).Select(number => Array($"{number}{new string('k', 5_000)}", [.. Enumerable.Repeat<object>(true, OtherAttribute.MaxElements)]))];
        byte[] request = Request(Resource("a", [.. Enumerable.Range(1, 5).Select(number => With(Span(span: number), attributes))])).ToByteArray();

        ListColumn others = OtlpDecoder.DecodeAlone(request).Spans.Attributes.Others;

        Assert.InRange(others.Values.Count, OtherAttribute.MaxPerSegment, OtherAttribute.MaxPerSegment + 1);
        Assert.InRange(others.Values.Bytes, 1, request.Length);
    }

    private static KeyValue Array(string key, params object[] elements) =>
        new() { Key = key, Value = new AnyValue { ArrayValue = new ArrayValue { Values = { elements.Select(element => Attribute("", element).Value) } } } };

    private static Span With(Span span, IEnumerable<KeyValue> attributes)
    {
        span.Attributes.Add(attributes);
        return span;
    }

    /// <summary>What is listed of a span with these attributes, the hash turned back into the key.</summary>
    private static IReadOnlyList<string> OthersOf(params KeyValue[] attributes)
    {
        ListColumn others = OtlpDecoder.DecodeAlone(Request(Resource("a", With(Span(), attributes))).ToByteArray()).Spans.Attributes.Others;
        Dictionary<string, string> keys = attributes.Select(attribute => attribute.Key).Distinct().ToDictionary(key => Convert.ToHexString(OtherAttribute.KeyHash(Encoding.UTF8.GetBytes(key))));
        return [.. Enumerable.Range(0, others.Values.Count).Select(row => $"{keys[Convert.ToHexString(others.Values[row][..OtherAttribute.KeyBytes])]} {Encoding.UTF8.GetString(others.Values[row][OtherAttribute.KeyBytes..])}")];
    }
}

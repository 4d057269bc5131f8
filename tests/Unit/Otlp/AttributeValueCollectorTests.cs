using System.Text;
using Google.Protobuf;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using static TraceStore.Tests.OtlpSamples;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace TraceStore.Tests.Unit.Otlp;

/// <summary>What lists of tags are made of: each attribute and value once a day, and never more than can be listed.</summary>
public class AttributeValueCollectorTests
{
    private readonly AttributeValueCollector _collector = new();

    [Fact]
    public void Each_value_is_found_once_whichever_column_holds_it()
    {
        string[] first = Collect(With(("a", "x"), ("b", 1), ("c", true), ("d", 0.5)), With(("a", "x"), ("b", 1), ("c", false), ("a", "y")), With(("a", "x"), ("a", new object[] { "x", "z", 2 })));
        string[] second = Collect(With(("a", "x"), ("b", 2)));

        Assert.Equal(["span a int 2", "span a string x", "span a string y", "span a string z", "span b int 1", "span c bool false", "span c bool true", "span d float 0.5"], first);
        Assert.Equal(["span b int 2"], second);
    }

    [Fact]
    public void Of_what_cannot_be_listed_the_name_is()
    {
        string[] found = Collect(With(("long", new string('x', 257)), ("bytes", new byte[] { 1 }), ("none", null), ("empty", "")));

        Assert.Equal(["span bytes  ", "span empty string ", "span long  ", "span none  "], found);
        Assert.Empty(Collect(With((new string('n', 257), 1), ("", 1))));
    }

    [Fact]
    public void A_name_with_very_many_values_comes_to_an_end_and_others_go_on()
    {
        Span[] Some(int from, int count) => [.. Enumerable.Range(from, count).Select(number => With(("id", $"{number}"), ("number", number % 3)))];

        string[] most = Collect(Some(0, AttributeValueCollector.MaxValues + 500));
        string[] later = Collect([.. Some(50_000, 10), With(("id", 1), ("other", 1))]);

        Assert.Equal(AttributeValueCollector.MaxValues + 3, most.Length);
        Assert.Equal(["span other int 1"], later);
    }

    [Fact]
    public void Many_names_come_to_an_end_as_well()
    {
        Span[] spans = [.. Enumerable.Range(0, 1_100).Select(number => With([.. Enumerable.Range(number * 10, 10).Select(name => ($"n{name}", (object?)1))]))];

        Assert.Equal(AttributeValueCollector.MaxNames, Collect(spans).Length);
        Assert.Equal(["span n0 int 2"], Collect(With(("n0", 2), ("another", 2))));
    }

    [Fact]
    public void A_new_day_begins_with_nothing_but_the_names_that_are_at_their_end()
    {
        Collect(With(("a", 1)));
        var full = new AttributeValueBatch();
        full.Tenant.Add([]);
        full.Scope.Add("span"u8);
        full.Name.Add("id"u8);

        _collector.Begin(20_001, full);

        Assert.Equal((ushort)20_001, _collector.Day);
        Assert.Equal(["span a int 1"], Collect(With(("a", 1), ("id", 7))));
    }

    [Fact]
    public void What_was_not_stored_is_found_again()
    {
        Collect(With(("a", 1)));

        _collector.Forget();

        Assert.Null(_collector.Day);
        Assert.Equal(["span a int 1"], Collect(With(("a", 1))));
    }

    private string[] Collect(params Span[] spans)
    {
        AttributeValueBatch found = _collector.Collect(OtlpDecoder.DecodeAlone(Request(Resource("shop", spans)).ToByteArray()).Spans);
        return [.. Enumerable.Range(0, found.Count).Select(row => $"{Text(found.Scope[row])} {Text(found.Name[row])} {Text(found.Type[row])} {Text(found.Value[row])}").Order(StringComparer.Ordinal)];

        static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
    }

    private static Span With(params (string Key, object? Value)[] attributes)
    {
        Span span = Span();
        span.Attributes.Add(attributes.Select(attribute => Attribute(attribute.Key, attribute.Value)));
        return span;
    }
}

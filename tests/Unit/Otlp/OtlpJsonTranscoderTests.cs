using System.Text;
using CsCheck;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Load;
using TraceStore.Storage.Otlp;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Unit.Otlp;

public class OtlpJsonTranscoderTests
{
    [Fact]
    public void Any_valid_request_in_json_is_the_same_in_protobuf() => Any.Where(IsText).Sample(
        request => Assert.Equal(OtlpEquality.Canonical(request), OtlpEquality.Canonical(Transcode(OtlpJson.Encode(request)))),
        iter: 300);

    [Theory]
    [InlineData("\"0102030405060708090a0b0c0d0e0f10\"", "0102030405060708090a0b0c0d0e0f10")]
    [InlineData("\"0102030405060708090A0B0C0D0E0F10\"", "0102030405060708090a0b0c0d0e0f10")]
    [InlineData("\"\\u0030102030405060708090a0b0c0d0e0f10\"", "0102030405060708090a0b0c0d0e0f10")]
    [InlineData("\"\"", "")]
    [InlineData("null", "")]
    public void Ids_are_hexadecimal_in_any_case(string json, string hex) => Assert.Equal(hex, Hex(SpanOf($"{{\"traceId\":{json}}}").TraceId));

    [Theory]
    [InlineData("AQIDBAUGBwgJCgsMDQ4PEA==")] // base64 of 16 bytes
    [InlineData("not hexadecimal!")] // as long as an ID
    [InlineData("010203")]
    public void An_id_that_is_none_rejects_its_span_alone(string id)
    {
        var output = new WireWriter();
        string good = Hex(TraceId(1)), span = Hex(SpanId(1));
        Assert.Null(OtlpJsonTranscoder.Transcode(Json($"{{\"traceId\":\"{id}\",\"spanId\":\"{span}\"}},{{\"traceId\":\"{good}\",\"spanId\":\"{span}\"}}"), output));

        OtlpScan scan = OtlpScanner.Scan(output.Written, new OtlpLimits());

        Assert.Null(scan.Malformed);
        Assert.Equal([true, false], Enumerable.Range(0, 2).Select(scan.Rejected.Contains));
        Assert.Contains(id.Length % 2 == 0 && id.Length < 10 ? "trace_id has 3 bytes, must have 16" : "trace_id is not hexadecimal", Assert.Single(scan.Rejected.Named).ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1700000000000000001", 1_700_000_000_000_000_001)]
    [InlineData("\"1700000000000000001\"", 1_700_000_000_000_000_001)]
    [InlineData("\"18446744073709551615\"", ulong.MaxValue)]
    [InlineData("1.7e18", 1_700_000_000_000_000_000)]
    [InlineData("5.0", 5)]
    public void Integers_are_numbers_or_strings(string json, ulong expected) => Assert.Equal(expected, SpanOf($"{{\"startTimeUnixNano\":{json}}}").StartTimeUnixNano);

    [Theory]
    [InlineData("\"intValue\":\"-9223372036854775808\"", long.MinValue)]
    [InlineData("\"intValue\":9223372036854775807", long.MaxValue)]
    [InlineData("\"intValue\":0", 0L)]
    [InlineData("\"boolValue\":false", false)]
    [InlineData("\"stringValue\":\"\"", "")]
    [InlineData("\"stringValue\":\"a\\u00e4\\n\\ud83d\\ude00\"", "aä\n😀")]
    [InlineData("\"stringValue\":\"\\ud800 \\\"half\\\"\"", "\ufffd \"half\"")]
    [InlineData("\"doubleValue\":1", 1.0)]
    [InlineData("\"doubleValue\":\"NaN\"", double.NaN)]
    [InlineData("\"doubleValue\":\"-Infinity\"", double.NegativeInfinity)]
    [InlineData("\"doubleValue\":\"2.5\"", 2.5)]
    [InlineData("\"intValue\":\"\\u0031\"", 1L)]
    public void Values_keep_their_type_and_are_there_at_their_default_too(string json, object expected)
    {
        AnyValue value = ValueOf($"{{{json}}}");
        object read = value.ValueCase switch
        {
            AnyValue.ValueOneofCase.IntValue => value.IntValue,
            AnyValue.ValueOneofCase.BoolValue => value.BoolValue,
            AnyValue.ValueOneofCase.StringValue => value.StringValue,
            _ => value.DoubleValue,
        };
        Assert.Equal(expected, read);
    }

    [Theory]
    [InlineData("AAEC/w==")]
    [InlineData("AAEC_w")]
    public void Bytes_are_base64_of_either_alphabet(string base64) => Assert.Equal([0, 1, 2, 255], ValueOf($"{{\"bytesValue\":\"{base64}\"}}").BytesValue.ToByteArray());

    [Theory]
    [InlineData("3", 3)]
    [InlineData("\"3\"", 3)]
    [InlineData("\"SPAN_KIND_CLIENT\"", 3)]
    [InlineData("99", 99)]
    public void Enumerations_are_numbers_and_names_are_forgiven(string json, int kind) => Assert.Equal(kind, (int)SpanOf($"{{\"kind\":{json}}}").Kind);

    [Fact]
    public void Unknown_fields_are_passed_over_whatever_they_hold()
    {
        Span span = SpanOf("""{"unknown":{"deep":[1,{"x":null},"y"]},"name":"kept","span_id":"0102030405060708","Name":"not this","links":null,"more":[[]]}""");

        Assert.Equal(new Span { Name = "kept" }, span);
    }

    [Fact]
    public void Fields_come_in_any_order_and_messages_of_any_length()
    {
        string value = new('v', 20_000);
        Span span = SpanOf($$$"""{"attributes":[{"value":{"stringValue":"{{{value}}}"},"key":"long"},{"value":{"kvlistValue":{"values":[{"value":{"arrayValue":{"values":[null,{"intValue":1}]}},"key":"b"}]}},"key":"a"}],"name":"x"}""");

        Assert.Equal(value, span.Attributes[0].Value.StringValue);
        Assert.Equal([AnyValue.ValueOneofCase.None, AnyValue.ValueOneofCase.IntValue], span.Attributes[1].Value.KvlistValue.Values[0].Value.ArrayValue.Values.Select(item => item.ValueCase));
    }

    [Theory]
    [InlineData("{\"\\ud800aaaaaaaaaaaaaaaa\":1}")]
    [InlineData("{\"attributes\":[{\"value\":{\"bytesValue\":\"\\ud800\"}}]}")]
    [InlineData("{\"traceId\":\"\\ud800\"}")]
    [InlineData("{\"kind\":\"\\ud800\"}")]
    [InlineData("{\"kind\":\"\\udc00\\ud800\\u\"}")]
    [InlineData("{\"attributes\":[{\"value\":{\"doubleValue\":\"\\udc00\"}}]}")]
    public void Half_a_surrogate_pair_is_no_crash_anywhere(string span) => OtlpJsonTranscoder.Transcode(Json(span), new WireWriter());

    [Fact]
    public void Ids_of_links_are_kept_whatever_they_are() =>
        Assert.Equal("zMzM", SpanOf("{\"links\":[{\"traceId\":\"zMzM\"}]}").Links[0].TraceId.ToStringUtf8());

    [Fact]
    public void A_byte_order_mark_is_no_harm() => Assert.Null(OtlpJsonTranscoder.Transcode([0xEF, 0xBB, 0xBF, .. "{}"u8], new WireWriter()));

    [Theory]
    [InlineData("", "not OTLP in JSON (The input does not contain any JSON tokens. Expected the input to start with a valid JSON token, when isFinalBlock is true) at offset 0")]
    [InlineData("[]", "not OTLP in JSON (expected an object) at offset 0")]
    [InlineData("{\"resourceSpans\":{}}", "not OTLP in JSON (expected an array in resourceSpans) at offset 17")]
    [InlineData("{\"resourceSpans\":[1]}", "not OTLP in JSON (expected an object in resourceSpans) at offset 18")]
    [InlineData("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"startTimeUnixNano\":-1}]}]}]}", "not OTLP in JSON (expected a whole number from 0 to 18446744073709551615 in startTimeUnixNano) at offset 64")]
    [InlineData("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":7}]}]}]}", "not OTLP in JSON (expected a string in name) at offset 51")]
    [InlineData("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"attributes\":[{\"value\":{\"doubleValue\":1e999}}]}]}]}]}", "not OTLP in JSON (expected a number in doubleValue) at offset 82")]
    [InlineData("{} {}", "not OTLP in JSON ('{' is invalid after a single JSON value. Expected end of data) at offset 3")]
    public void What_is_wrong_is_said_with_its_place(string json, string expected) =>
        Assert.Equal(expected, OtlpJsonTranscoder.Transcode(Encoding.UTF8.GetBytes(json), new WireWriter())?.ToString());

    [Fact]
    public void Nesting_without_end_is_refused() => Assert.NotNull(OtlpJsonTranscoder.Transcode(
        Encoding.UTF8.GetBytes("{\"x\":" + new string('[', 100_000)), new WireWriter()));

    private static byte[] Json(string spans) => Encoding.UTF8.GetBytes($"{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{spans}]}}]}}]}}");

    private static Span SpanOf(string json) => Transcode(Json(json)).ResourceSpans[0].ScopeSpans[0].Spans[0];

    private static AnyValue ValueOf(string json) => SpanOf($"{{\"attributes\":[{{\"key\":\"k\",\"value\":{json}}}]}}").Attributes[0].Value;

    private static ExportTraceServiceRequest Transcode(byte[] json)
    {
        var output = new WireWriter();
        Assert.Null(OtlpJsonTranscoder.Transcode(json, output)?.ToString());
        return ExportTraceServiceRequest.Parser.ParseFrom(output.Written);
    }
}

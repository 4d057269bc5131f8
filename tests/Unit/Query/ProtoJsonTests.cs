using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Google.Protobuf;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Query.Encoding;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Unit.Query;

public class ProtoJsonTests
{
    [Fact]
    public void It_is_what_protobufs_own_formatter_writes() => Any.Where(IsText).Sample(
        request =>
        {
            foreach (ResourceSpans resource in request.ResourceSpans)
            {
                foreach (ScopeSpans scope in resource.ScopeSpans)
                {
                    foreach (Span span in scope.Spans) AssertSame(span, json => ProtoJson.WriteSpan(json, span));
                    scope.Spans.Clear();
                    AssertSame(scope, json => WriteObject(json, () => ProtoJson.WriteScopeFields(json, scope)));
                }

                resource.ScopeSpans.Clear();
                AssertSame(resource, json => WriteObject(json, () => ProtoJson.WriteResourceFields(json, resource)));
            }
        },
        iter: 2_000);

    [Fact]
    public void Each_field_of_each_message_is_written()
    {
        var attribute = new OpenTelemetry.Proto.Common.V1.KeyValue { Key = "k", KeyStrindex = 3, Value = Value("v") };
        var resource = new ResourceSpans
        {
            SchemaUrl = "url",
            Resource = new()
            {
                Attributes = { attribute },
                DroppedAttributesCount = 1,
                EntityRefs = { new OpenTelemetry.Proto.Common.V1.EntityRef { SchemaUrl = "s", Type = "t", IdKeys = { "i" }, DescriptionKeys = { "d" } } },
            },
        };

        AssertSame(resource, json => WriteObject(json, () => ProtoJson.WriteResourceFields(json, resource)));
    }

    private static void WriteObject(Utf8JsonWriter json, Action writeFields)
    {
        json.WriteStartObject();
        writeFields();
        json.WriteEndObject();
    }

    private static void AssertSame(IMessage message, Action<Utf8JsonWriter> write)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output, ProtoJson.Options)) write(json);
        string written = System.Text.Encoding.UTF8.GetString(output.WrittenSpan), expected = JsonFormatter.Default.Format(message);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(written)), $"{expected}\n{written}");
    }
}

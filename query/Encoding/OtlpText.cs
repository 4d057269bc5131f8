using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using OpenTelemetry.Proto.Common.V1;

namespace TraceStore.Query.Encoding;

/// <summary>Attribute values as text, for formats that know fewer types: arrays and maps as JSON, bytes in base64.</summary>
public static class OtlpText
{
    private static readonly JsonSerializerOptions s_readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Of(AnyValue? value) => value?.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue.ToString("R", CultureInfo.InvariantCulture),
        AnyValue.ValueOneofCase.BytesValue => value.BytesValue.ToBase64(),
        AnyValue.ValueOneofCase.BoolValue or AnyValue.ValueOneofCase.IntValue or AnyValue.ValueOneofCase.ArrayValue or AnyValue.ValueOneofCase.KvlistValue =>
            ToJson(value)!.ToJsonString(s_readable),
        _ => "", // null, or a reference into a table that traces don't have
    };

    private static JsonNode? ToJson(AnyValue value) => value.ValueCase switch
    {
        AnyValue.ValueOneofCase.BoolValue => JsonValue.Create(value.BoolValue),
        AnyValue.ValueOneofCase.IntValue => JsonValue.Create(value.IntValue),
        AnyValue.ValueOneofCase.DoubleValue when double.IsFinite(value.DoubleValue) => JsonValue.Create(value.DoubleValue),
        AnyValue.ValueOneofCase.ArrayValue => new JsonArray([.. value.ArrayValue.Values.Select(ToJson)]),
        AnyValue.ValueOneofCase.KvlistValue => ToJson(value.KvlistValue),
        AnyValue.ValueOneofCase.StringValue or AnyValue.ValueOneofCase.DoubleValue or AnyValue.ValueOneofCase.BytesValue => JsonValue.Create(Of(value)),
        _ => null,
    };

    private static JsonObject ToJson(KeyValueList list)
    {
        var json = new JsonObject();
        foreach (KeyValue entry in list.Values) json[entry.Key] = entry.Value is null ? null : ToJson(entry.Value);
        return json;
    }
}

using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;

namespace TraceStore.Load;

/// <summary>
/// A message in OTLP's JSON encoding (OTLP 1.11, "JSON Protobuf Encoding"): protobuf's, but for IDs in hexadecimal and
/// enumerations as numbers.
/// </summary>
internal static class OtlpJson
{
    private static readonly JsonFormatter s_formatter = new(JsonFormatter.Settings.Default.WithFormatEnumsAsIntegers(true));

    public static byte[] Encode(IMessage message)
    {
        JsonNode json = JsonNode.Parse(s_formatter.Format(message))!;
        WriteIdsInHexadecimal(json);
        return JsonSerializer.SerializeToUtf8Bytes(json);
    }

    private static void WriteIdsInHexadecimal(JsonNode? node)
    {
        switch (node)
        {
            case JsonArray array:
                foreach (JsonNode? item in array) WriteIdsInHexadecimal(item);
                break;
            case JsonObject fields:
                foreach ((string name, JsonNode? value) in fields.ToList())
                {
                    if (name is "traceId" or "spanId" or "parentSpanId") fields[name] = Convert.ToHexStringLower(Convert.FromBase64String(value!.GetValue<string>()));
                    else WriteIdsInHexadecimal(value);
                }

                break;
        }
    }
}

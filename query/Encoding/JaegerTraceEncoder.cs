using System.Globalization;
using System.Text.Json;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Query.Assembly;
using TraceStore.Query.Execution;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace TraceStore.Query.Encoding;

/// <summary>
/// A trace in the JSON of Jaeger's API v1, mapped from OTLP as Jaeger maps it: kind, status, scope and trace state become
/// tags, events become logs, links become references, resources become processes. Times are microseconds.
/// </summary>
internal sealed class JaegerTraceEncoder(Utf8JsonWriter json, SpanRows rows)
{
    private const long NanosPerMicro = 1000;
    private const string ErrorTag = "error";

    private readonly OtlpSpanWriter _spans = new();
    private readonly Dictionary<UInt128, (string Name, string Version)> _scopes = [];

    /// <summary>Writes a trace; between its spans, wherever this yields, what has been written may go out.</summary>
    public IEnumerable<bool> Write(AssembledTrace trace)
    {
        string traceId = trace.Id.ToString();
        var ids = new JaegerSpanIds(trace);
        Dictionary<UInt128, string> processes = [];
        json.WriteStartObject();
        json.WriteString("traceID", traceId);
        json.WriteStartArray("spans");
        foreach (TraceSpan span in trace.Spans)
        {
            UInt128 resource = Envelopes.KeyOf(rows.Spans.ResourceHash(span.Row));
            if (!processes.TryGetValue(resource, out string? process)) processes.Add(resource, process = $"p{processes.Count + 1}");
            WriteSpan(traceId, span, ids, process);
            yield return true;
        }

        json.WriteEndArray();
        json.WriteStartObject("processes");
        foreach (TraceSpan span in trace.Spans.DistinctBy(span => Envelopes.KeyOf(rows.Spans.ResourceHash(span.Row))))
        {
            json.WriteStartObject(processes[Envelopes.KeyOf(rows.Spans.ResourceHash(span.Row))]);
            WriteProcess(span);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteStartArray("warnings");
        if (rows.Warning is { } warning) json.WriteStringValue(warning);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteSpan(string traceId, TraceSpan span, JaegerSpanIds ids, string process)
    {
        Span otlp = OtlpParsing.ParseSpan(_spans.Write(rows.Spans, span.Row));
        json.WriteStartObject();
        json.WriteString("traceID", traceId);
        json.WriteString("spanID", ids.IdOf(span).ToString());
        json.WriteNumber("flags", otlp.Flags & 0xFF);
        json.WriteString("operationName", otlp.Name);
        WriteReferences(traceId, ids.ParentIdOf(span), otlp);
        json.WriteNumber("startTime", span.StartTimeUnixNano / NanosPerMicro);
        json.WriteNumber("duration", span.DurationNanos / NanosPerMicro);
        WriteTags(span, otlp);
        WriteLogs(otlp);
        json.WriteString("processID", process);
        WriteWarnings(span);
        json.WriteEndObject();
    }

    private void WriteReferences(string traceId, SpanId parent, Span otlp)
    {
        json.WriteStartArray("references");
        if (!parent.IsNone) WriteReference("CHILD_OF", traceId, parent.ToString());
        foreach (Span.Types.Link link in otlp.Links)
        {
            WriteReference("FOLLOWS_FROM", Convert.ToHexStringLower(link.TraceId.Span), Convert.ToHexStringLower(link.SpanId.Span));
        }

        json.WriteEndArray();
    }

    private void WriteReference(string type, string traceId, string spanId)
    {
        json.WriteStartObject();
        json.WriteString("refType", type);
        json.WriteString("traceID", traceId);
        json.WriteString("spanID", spanId);
        json.WriteEndObject();
    }

    private void WriteTags(TraceSpan span, Span otlp)
    {
        json.WriteStartArray("tags");
        bool isError = otlp.Status?.Code == Status.Types.StatusCode.Error;
        foreach (KeyValue attribute in otlp.Attributes.Where(attribute => !isError || attribute.Key != ErrorTag)) WriteTag(attribute.Key, attribute.Value);
        (string scope, string version) = ScopeOf(span);
        if (scope.Length > 0) WriteText("otel.scope.name", scope);
        if (version.Length > 0) WriteText("otel.scope.version", version);

        if (otlp.Kind is not Span.Types.SpanKind.Unspecified) WriteText("span.kind", KindName(span.Kind));
        if (otlp.Status is { } status)
        {
            if (isError) WriteTag(ErrorTag, new AnyValue { BoolValue = true });
            if (status.Code != Status.Types.StatusCode.Unset) WriteText("otel.status_code", status.Code.ToString().ToUpperInvariant());
            if (status.Message.Length > 0) WriteText("otel.status_description", status.Message);
        }

        if (otlp.TraceState.Length > 0) WriteText("w3c.tracestate", otlp.TraceState);
        WriteDropped("attributes", otlp.DroppedAttributesCount);
        WriteDropped("events", otlp.DroppedEventsCount);
        WriteDropped("links", otlp.DroppedLinksCount);
        json.WriteEndArray();
    }

    private void WriteDropped(string what, uint count)
    {
        if (count > 0) WriteTag($"otel.dropped_{what}_count", new AnyValue { IntValue = count });
    }

    private (string Name, string Version) ScopeOf(TraceSpan span)
    {
        UInt128 hash = Envelopes.KeyOf(rows.Spans.ScopeHash(span.Row));
        if (_scopes.TryGetValue(hash, out var known)) return known;
        InstrumentationScope? scope = OtlpParsing.ParseScope(rows.Envelopes.Scope(rows.Spans.ScopeHash(span.Row))).Scope;
        return _scopes[hash] = (scope?.Name ?? "", scope?.Version ?? "");
    }

    private void WriteLogs(Span otlp)
    {
        json.WriteStartArray("logs");
        foreach (Span.Types.Event @event in otlp.Events)
        {
            json.WriteStartObject();
            json.WriteNumber("timestamp", @event.TimeUnixNano / NanosPerMicro);
            json.WriteStartArray("fields");
            if (@event.Name.Length > 0) WriteText("event", @event.Name);
            foreach (KeyValue attribute in @event.Attributes) WriteTag(attribute.Key, attribute.Value);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteProcess(TraceSpan span)
    {
        string service = System.Text.Encoding.UTF8.GetString(rows.Spans.Service[span.Row]);
        json.WriteString("serviceName", service);
        json.WriteStartArray("tags");
        Resource? resource = OtlpParsing.ParseResource(rows.Envelopes.Resource(rows.Spans.ResourceHash(span.Row))).Resource;
        bool IsShown(KeyValue attribute) => attribute is { Key: "service.name", Value.ValueCase: AnyValue.ValueOneofCase.StringValue } && attribute.Value.StringValue == service;
        foreach (KeyValue attribute in resource?.Attributes.Where(attribute => !IsShown(attribute)) ?? [])
        {
            WriteTag(attribute.Key, attribute.Value);
        }

        json.WriteEndArray();
    }

    private void WriteWarnings(TraceSpan span)
    {
        if (span.Oddity == SpanOddity.None)
        {
            json.WriteNull("warnings");
            return;
        }

        json.WriteStartArray("warnings");
        if (span.Oddity.HasFlag(SpanOddity.Orphan)) json.WriteStringValue($"its parent span {span.ParentId} is not in the trace (yet)");
        if (span.Oddity.HasFlag(SpanOddity.Cycle)) json.WriteStringValue("its line of parent spans comes back to itself");
        if (span.Oddity.HasFlag(SpanOddity.Twin)) json.WriteStringValue("another span with other content has the same ID and kind");
        json.WriteEndArray();
    }

    private void WriteText(string key, string value) => WriteTag(key, new AnyValue { StringValue = value });

    private void WriteTag(string key, AnyValue? value)
    {
        const long largestExact = (1L << 53) - 1; // what JavaScript reads without rounding
        json.WriteStartObject();
        json.WriteString("key", key);
        switch (value?.ValueCase)
        {
            case AnyValue.ValueOneofCase.BoolValue:
                json.WriteString("type", "bool");
                json.WriteBoolean("value", value.BoolValue);
                break;
            case AnyValue.ValueOneofCase.IntValue:
                json.WriteString("type", "int64");
                if (value.IntValue is >= -largestExact and <= largestExact) json.WriteNumber("value", value.IntValue);
                else json.WriteString("value", value.IntValue.ToString(CultureInfo.InvariantCulture));
                break;
            case AnyValue.ValueOneofCase.DoubleValue when double.IsFinite(value.DoubleValue):
                json.WriteString("type", "float64");
                json.WriteNumber("value", value.DoubleValue);
                break;
            case AnyValue.ValueOneofCase.BytesValue:
                json.WriteString("type", "binary");
                json.WriteString("value", value.BytesValue.ToBase64());
                break;
            default:
                json.WriteString("type", "string");
                json.WriteString("value", OtlpText.Of(value));
                break;
        }

        json.WriteEndObject();
    }

    /// <summary>OTLP's SpanKind by number, in Jaeger's words; empty for unspecified.</summary>
    public static string KindName(int kind) => kind == 0 ? "" : ((Span.Types.SpanKind)kind).ToString().ToLowerInvariant();
}

using System.Globalization;
using System.Text.Json;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Query.Assembly;
using TraceStore.Query.Execution;
using TraceStore.Storage.Otlp;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace TraceStore.Query.Encoding;

/// <summary>
/// A trace in the JSON of Jaeger's API v1, mapped from OTLP as Jaeger maps it: kind, status, scope and trace state become
/// tags, events become logs, links become references, resources become processes. Times are microseconds.
/// </summary>
internal sealed class JaegerTraceEncoder(SpanRows rows)
{
    private const long NanosPerMicro = 1000;

    private readonly OtlpSpanWriter _spans = new();
    private readonly Dictionary<UInt128, (string Name, string Version)> _scopes = [];
    private Utf8JsonWriter _json = null!;

    public void Write(Utf8JsonWriter json, AssembledTrace trace)
    {
        _json = json;
        string traceId = trace.Id.ToString();
        Dictionary<UInt128, string> processes = [];
        _json.WriteStartObject();
        _json.WriteString("traceID", traceId);
        _json.WriteStartArray("spans");
        foreach (TraceSpan span in trace.Spans)
        {
            UInt128 resource = Envelopes.KeyOf(rows.Spans.ResourceHash[span.Row]);
            if (!processes.TryGetValue(resource, out string? process)) processes.Add(resource, process = $"p{processes.Count + 1}");
            WriteSpan(traceId, span, process);
        }

        _json.WriteEndArray();
        _json.WriteStartObject("processes");
        foreach (TraceSpan span in trace.Spans.DistinctBy(span => Envelopes.KeyOf(rows.Spans.ResourceHash[span.Row])))
        {
            _json.WriteStartObject(processes[Envelopes.KeyOf(rows.Spans.ResourceHash[span.Row])]);
            WriteProcess(span);
            _json.WriteEndObject();
        }

        _json.WriteEndObject();
        _json.WriteStartArray("warnings");
        if (rows.Warning is { } warning) _json.WriteStringValue(warning);
        _json.WriteEndArray();
        _json.WriteEndObject();
    }

    private void WriteSpan(string traceId, TraceSpan span, string process)
    {
        Span otlp = OtlpParsing.ParseSpan(_spans.Write(rows.Spans, span.Row));
        _json.WriteStartObject();
        _json.WriteString("traceID", traceId);
        _json.WriteString("spanID", span.Id.ToString());
        _json.WriteNumber("flags", otlp.Flags & 0xFF);
        _json.WriteString("operationName", otlp.Name);
        WriteReferences(traceId, span, otlp);
        _json.WriteNumber("startTime", span.StartTimeUnixNano / NanosPerMicro);
        _json.WriteNumber("duration", span.DurationNanos / NanosPerMicro);
        WriteTags(span, otlp);
        WriteLogs(otlp);
        _json.WriteString("processID", process);
        WriteWarnings(span);
        _json.WriteEndObject();
    }

    private void WriteReferences(string traceId, TraceSpan span, Span otlp)
    {
        _json.WriteStartArray("references");
        if (!span.ParentId.IsNone) WriteReference("CHILD_OF", traceId, span.ParentId.ToString());
        foreach (Span.Types.Link link in otlp.Links)
        {
            WriteReference("FOLLOWS_FROM", Convert.ToHexStringLower(link.TraceId.Span), Convert.ToHexStringLower(link.SpanId.Span));
        }

        _json.WriteEndArray();
    }

    private void WriteReference(string type, string traceId, string spanId)
    {
        _json.WriteStartObject();
        _json.WriteString("refType", type);
        _json.WriteString("traceID", traceId);
        _json.WriteString("spanID", spanId);
        _json.WriteEndObject();
    }

    private void WriteTags(TraceSpan span, Span otlp)
    {
        _json.WriteStartArray("tags");
        foreach (KeyValue attribute in otlp.Attributes) WriteTag(attribute.Key, attribute.Value);
        (string scope, string version) = ScopeOf(span);
        if (scope.Length > 0) WriteText("otel.scope.name", scope);
        if (version.Length > 0) WriteText("otel.scope.version", version);

        if (otlp.Kind is not Span.Types.SpanKind.Unspecified) WriteText("span.kind", KindName(span.Kind));
        if (otlp.Status is { } status)
        {
            if (status.Code == Status.Types.StatusCode.Error) WriteTag("error", new AnyValue { BoolValue = true });
            if (status.Code != Status.Types.StatusCode.Unset) WriteText("otel.status_code", status.Code.ToString().ToUpperInvariant());
            if (status.Message.Length > 0) WriteText("otel.status_description", status.Message);
        }

        if (otlp.TraceState.Length > 0) WriteText("w3c.tracestate", otlp.TraceState);
        _json.WriteEndArray();
    }

    private (string Name, string Version) ScopeOf(TraceSpan span)
    {
        UInt128 hash = Envelopes.KeyOf(rows.Spans.ScopeHash[span.Row]);
        if (_scopes.TryGetValue(hash, out var known)) return known;
        InstrumentationScope? scope = OtlpParsing.ParseScope(rows.Envelopes.Scope(rows.Spans.ScopeHash[span.Row])).Scope;
        return _scopes[hash] = (scope?.Name ?? "", scope?.Version ?? "");
    }

    private void WriteLogs(Span otlp)
    {
        _json.WriteStartArray("logs");
        foreach (Span.Types.Event @event in otlp.Events)
        {
            _json.WriteStartObject();
            _json.WriteNumber("timestamp", @event.TimeUnixNano / NanosPerMicro);
            _json.WriteStartArray("fields");
            if (@event.Name.Length > 0) WriteText("event", @event.Name);
            foreach (KeyValue attribute in @event.Attributes) WriteTag(attribute.Key, attribute.Value);
            _json.WriteEndArray();
            _json.WriteEndObject();
        }

        _json.WriteEndArray();
    }

    private void WriteProcess(TraceSpan span)
    {
        _json.WriteString("serviceName", System.Text.Encoding.UTF8.GetString(rows.Spans.Service[span.Row]));
        _json.WriteStartArray("tags");
        Resource? resource = OtlpParsing.ParseResource(rows.Envelopes.Resource(rows.Spans.ResourceHash[span.Row])).Resource;
        foreach (KeyValue attribute in resource?.Attributes.Where(attribute => attribute.Key != "service.name") ?? [])
        {
            WriteTag(attribute.Key, attribute.Value);
        }

        _json.WriteEndArray();
    }

    private void WriteWarnings(TraceSpan span)
    {
        if (span.Oddity == SpanOddity.None)
        {
            _json.WriteNull("warnings");
            return;
        }

        _json.WriteStartArray("warnings");
        if (span.Oddity.HasFlag(SpanOddity.Orphan)) _json.WriteStringValue($"its parent span {span.ParentId} is not in the trace (yet)");
        if (span.Oddity.HasFlag(SpanOddity.Cycle)) _json.WriteStringValue("its line of parent spans comes back to itself");
        if (span.Oddity.HasFlag(SpanOddity.Twin)) _json.WriteStringValue("another span with other content has the same ID and kind");
        _json.WriteEndArray();
    }

    private void WriteText(string key, string value) => WriteTag(key, new AnyValue { StringValue = value });

    private void WriteTag(string key, AnyValue? value)
    {
        const long largestExact = (1L << 53) - 1; // what JavaScript reads without rounding
        _json.WriteStartObject();
        _json.WriteString("key", key);
        switch (value?.ValueCase)
        {
            case AnyValue.ValueOneofCase.BoolValue:
                _json.WriteString("type", "bool");
                _json.WriteBoolean("value", value.BoolValue);
                break;
            case AnyValue.ValueOneofCase.IntValue:
                _json.WriteString("type", "int64");
                if (value.IntValue is >= -largestExact and <= largestExact) _json.WriteNumber("value", value.IntValue);
                else _json.WriteString("value", value.IntValue.ToString(CultureInfo.InvariantCulture));
                break;
            case AnyValue.ValueOneofCase.DoubleValue when double.IsFinite(value.DoubleValue):
                _json.WriteString("type", "float64");
                _json.WriteNumber("value", value.DoubleValue);
                break;
            case AnyValue.ValueOneofCase.BytesValue:
                _json.WriteString("type", "binary");
                _json.WriteString("value", value.BytesValue.ToBase64());
                break;
            default:
                _json.WriteString("type", "string");
                _json.WriteString("value", OtlpText.Of(value));
                break;
        }

        _json.WriteEndObject();
    }

    /// <summary>OTLP's SpanKind by number, in Jaeger's words; empty for unspecified.</summary>
    public static string KindName(int kind) => kind == 0 ? "" : ((Span.Types.SpanKind)kind).ToString().ToLowerInvariant();
}

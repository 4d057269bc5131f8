using System.IO.Pipelines;
using TraceStore.Query.Assembly;
using TraceStore.Query.Encoding.Tempo;
using TraceStore.Query.Execution;
using TraceStore.Storage.Otlp;

namespace TraceStore.Query.Encoding;

/// <summary>
/// Traces in protobuf as Tempo's API gives them, put together from stored bytes, never through objects. A message's length
/// stands in front of it: so spans are written twice, once to be measured and once as they go out, and a trace takes no
/// memory for being shown.
/// </summary>
public sealed class TempoTraceEncoder
{
    private const int Trace_ResourceSpans = 1;
    private const int ResourceSpans_ScopeSpans = 2;
    private const int ScopeSpans_Spans = 2;

    private const int Response_Trace = 1;
    private const int Response_Metrics = 2;
    private const int Response_Status = 3;
    private const int Response_Message = 4;

    private readonly OtlpSpanWriter _spans = new();
    private readonly WireWriter _frame = new();
    private readonly SpanRows _rows;
    private readonly IReadOnlyList<MeasuredResource> _resources;

    /// <param name="trace">The trace; null for none, of which an empty one is written.</param>
    /// <param name="rows">Its rows.</param>
    public TempoTraceEncoder(AssembledTrace? trace, SpanRows rows)
    {
        _rows = rows;
        _resources = trace is null ? [] : [.. ResourceGroup.Of(trace, rows).Select(Measure)];
        TraceBytes = _resources.Sum(resource => (long)WireWriter.BytesFieldSize(Trace_ResourceSpans, resource.Bytes));
    }

    /// <summary>What <see cref="WriteTraceAsync"/> writes.</summary>
    public long TraceBytes { get; }

    /// <summary>tempopb.Trace: the answer of the API's first version.</summary>
    public async Task WriteTraceAsync(PipeWriter output, CancellationToken cancellation)
    {
        foreach (MeasuredResource resource in _resources)
        {
            Begin().BytesHeader(Trace_ResourceSpans, resource.Bytes);
            _frame.Raw(resource.Envelope);
            Send(output, _frame.Written);
            foreach (MeasuredScope scope in resource.Scopes)
            {
                Begin().BytesHeader(ResourceSpans_ScopeSpans, scope.Bytes);
                _frame.Raw(scope.Envelope);
                Send(output, _frame.Written);
                foreach (TraceSpan span in scope.Group.Spans)
                {
                    SendSpan(output, span);
                    await output.FlushWhenMuchAsync(cancellation).ConfigureAwait(false);
                }
            }
        }
    }

    /// <summary>
    /// tempopb.TraceByIDResponse: the answer of the API's second version. Its trace is always there, because Grafana reads
    /// it without looking; for an unknown ID it is empty.
    /// </summary>
    public async Task WriteResponseAsync(PipeWriter output, CancellationToken cancellation)
    {
        Begin().BytesHeader(Response_Trace, checked((int)TraceBytes));
        Send(output, _frame.Written);
        await WriteTraceAsync(output, cancellation).ConfigureAwait(false);
        Begin().Bytes(Response_Metrics, []);
        if (_rows.Warning is { } warning)
        {
            _frame.Varint(Response_Status, (ulong)PartialStatus.Partial);
            _frame.Bytes(Response_Message, System.Text.Encoding.UTF8.GetBytes(warning));
        }

        Send(output, _frame.Written);
    }

    private MeasuredResource Measure(ResourceGroup resource)
    {
        byte[] envelope = OtlpParsing.MendResource(resource.Envelope).ToArray();
        MeasuredScope[] scopes = [.. resource.Scopes.Select(Measure)];
        return new MeasuredResource(envelope, scopes, checked(envelope.Length + scopes.Sum(scope => WireWriter.BytesFieldSize(ResourceSpans_ScopeSpans, scope.Bytes))));
    }

    private MeasuredScope Measure(ScopeGroup scope)
    {
        byte[] envelope = OtlpParsing.MendScope(scope.Envelope).ToArray();
        int bytes = envelope.Length;
        foreach (TraceSpan span in scope.Spans) bytes = checked(bytes + WireWriter.BytesFieldSize(ScopeSpans_Spans, Message(span).Length));
        return new MeasuredScope(envelope, scope, bytes);
    }

    private void SendSpan(PipeWriter output, TraceSpan span)
    {
        ReadOnlySpan<byte> message = Message(span);
        Begin().BytesHeader(ScopeSpans_Spans, message.Length);
        Send(output, _frame.Written);
        Send(output, message);
    }

    private ReadOnlySpan<byte> Message(TraceSpan span) => OtlpParsing.MendSpan(_spans.Write(_rows.Spans, span.Row));

    private WireWriter Begin()
    {
        _frame.Clear();
        return _frame;
    }

    private static void Send(PipeWriter output, ReadOnlySpan<byte> bytes) => System.Buffers.BuffersExtensions.Write(output, bytes);

    private sealed record MeasuredResource(byte[] Envelope, IReadOnlyList<MeasuredScope> Scopes, int Bytes);

    private sealed record MeasuredScope(byte[] Envelope, ScopeGroup Group, int Bytes);
}

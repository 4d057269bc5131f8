using TraceStore.Query.Assembly;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Encoding;

/// <summary>
/// IDs that are one span's alone, as Jaeger's UI needs them. A client and a server that share one, as Zipkin has it, are told
/// apart: the server's half gets an ID of its own below the client's, and what hung below the shared ID hangs below it.
/// </summary>
internal sealed class JaegerSpanIds
{
    private const int ServerKind = 2;
    private const int ClientKind = 3;

    private readonly Dictionary<SpanId, (TraceSpan Server, SpanId Id)> _servers = [];

    public JaegerSpanIds(AssembledTrace trace)
    {
        HashSet<SpanId> taken = [.. trace.Spans.Select(span => span.Id)];
        foreach (IGrouping<SpanId, TraceSpan> same in trace.Spans.GroupBy(span => span.Id))
        {
            TraceSpan? server = same.FirstOrDefault(span => span.Kind == ServerKind);
            if (server is null || !same.Any(span => span.Kind == ClientKind)) continue;
            ulong id = same.Key.Value;
            while (id == 0 || !taken.Add(new SpanId(id))) id++; // the same each time the trace is shown
            _servers.Add(same.Key, (server, new SpanId(id)));
        }
    }

    public SpanId IdOf(TraceSpan span) => _servers.TryGetValue(span.Id, out var shared) && shared.Server == span ? shared.Id : span.Id;

    public SpanId ParentIdOf(TraceSpan span)
    {
        if (_servers.TryGetValue(span.Id, out var shared) && shared.Server == span) return span.Id;
        return _servers.TryGetValue(span.ParentId, out var parent) ? parent.Id : span.ParentId;
    }
}

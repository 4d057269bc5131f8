using TraceStore.Query.Assembly;
using TraceStore.Query.Execution;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Encoding;

/// <summary>A trace's spans as OTLP has them: each resource once, in it each scope once, in it the spans in the trace's order.</summary>
internal sealed record ResourceGroup(byte[] Envelope, IReadOnlyList<ScopeGroup> Scopes)
{
    public static IReadOnlyList<ResourceGroup> Of(AssembledTrace trace, SpanRows rows)
    {
        SpanBatch spans = rows.Spans;
        return
        [
            .. from span in trace.Spans
               group span by Envelopes.KeyOf(spans.ResourceHash(span.Row)) into resource
               select new ResourceGroup(
                   rows.Envelopes.Resource(spans.ResourceHash(resource.First().Row)),
                   [
                       .. from span in resource
                          group span by Envelopes.KeyOf(spans.ScopeHash(span.Row)) into scope
                          select new ScopeGroup(rows.Envelopes.Scope(spans.ScopeHash(scope.First().Row)), [.. scope]),
                   ]),
        ];
    }
}

/// <summary>The spans of one resource and scope.</summary>
internal sealed record ScopeGroup(byte[] Envelope, IReadOnlyList<TraceSpan> Spans);

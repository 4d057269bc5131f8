using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using TraceStore.Query.Assembly;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Evaluation;

/// <summary>A whole trace as queries see it.</summary>
public sealed class EvaluatedTrace
{
    private EvaluatedTrace(AssembledTrace trace, IReadOnlyList<EvaluatedSpan> spans, IReadOnlyList<EvaluatedSpan> parentsFirst)
    {
        (Trace, Spans, ParentsFirst) = (trace, spans, parentsFirst);
        Root = trace.Root is null ? null : spans.First(span => span.Place == trace.Root);
    }

    public AssembledTrace Trace { get; }

    /// <summary>In the trace's order.</summary>
    public IReadOnlyList<EvaluatedSpan> Spans { get; }

    /// <summary>Each behind its parent.</summary>
    public IReadOnlyList<EvaluatedSpan> ParentsFirst { get; }

    /// <summary>Null when it hasn't come.</summary>
    public EvaluatedSpan? Root { get; }

    /// <summary>Takes a trace's spans from the rows in which they were read.</summary>
    public static EvaluatedTrace Of(AssembledTrace trace, SpanBatch rows, Envelopes envelopes, OriginCache origins)
    {
        var writer = new OtlpSpanWriter();
        var byPlace = new Dictionary<TraceSpan, EvaluatedSpan>(trace.Spans.Count, ReferenceEqualityComparer.Instance);
        foreach (TraceSpan place in trace.Spans)
        {
            byPlace.Add(place, new EvaluatedSpan(
                place,
                OtlpParsing.ParseSpan(writer.Write(rows, place.Row)),
                origins.Resource(rows.ResourceHash(place.Row), envelopes),
                origins.Scope(rows.ScopeHash(place.Row), envelopes)));
        }

        return new EvaluatedTrace(trace, [.. trace.Spans.Select(place => byPlace[place])], Walk(trace, byPlace));
    }

    /// <summary>Goes down and up each tree, without recursion: chains may be long.</summary>
    private static List<EvaluatedSpan> Walk(AssembledTrace trace, Dictionary<TraceSpan, EvaluatedSpan> byPlace)
    {
        List<EvaluatedSpan> order = new(byPlace.Count);
        var open = new Stack<(EvaluatedSpan Span, int Next)>();
        int number = 0;
        foreach (TraceSpan top in trace.Spans.Where(place => place.Parent is null))
        {
            Enter(top, parent: null);
            while (open.TryPop(out (EvaluatedSpan Span, int Next) at))
            {
                if (at.Next == at.Span.Place.Children.Count)
                {
                    at.Span.NestedSetRight = ++number;
                    continue;
                }

                open.Push((at.Span, at.Next + 1));
                Enter(at.Span.Place.Children[at.Next], at.Span);
            }
        }

        return order;

        void Enter(TraceSpan place, EvaluatedSpan? parent)
        {
            EvaluatedSpan span = byPlace[place];
            (span.Parent, span.NestedSetLeft) = (parent, ++number);
            order.Add(span);
            open.Push((span, 0));
        }
    }
}

/// <summary>Resources and scopes, each parsed once.</summary>
public sealed class OriginCache
{
    private readonly Dictionary<UInt128, Resource?> _resources = [];
    private readonly Dictionary<UInt128, InstrumentationScope?> _scopes = [];

    public Resource? Resource(ReadOnlySpan<byte> hash, Envelopes envelopes)
    {
        UInt128 key = Envelopes.KeyOf(hash);
        if (!_resources.TryGetValue(key, out Resource? resource)) _resources.Add(key, resource = OtlpParsing.ParseResource(envelopes.Resource(hash)).Resource);
        return resource;
    }

    public InstrumentationScope? Scope(ReadOnlySpan<byte> hash, Envelopes envelopes)
    {
        UInt128 key = Envelopes.KeyOf(hash);
        if (!_scopes.TryGetValue(key, out InstrumentationScope? scope)) _scopes.Add(key, scope = OtlpParsing.ParseScope(envelopes.Scope(hash)).Scope);
        return scope;
    }
}

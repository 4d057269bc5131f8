using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using TraceStore.Query.Assembly;
using Otlp = OpenTelemetry.Proto.Trace.V1;

namespace TraceStore.Query.Evaluation;

/// <summary>A span as queries see it: what was sent, and its place in its trace.</summary>
/// <param name="place">Where it is in the trace.</param>
/// <param name="otlp">What was sent.</param>
/// <param name="resource">Whose it is.</param>
/// <param name="scope">What made it.</param>
public sealed class EvaluatedSpan(TraceSpan place, Otlp.Span otlp, Resource? resource, InstrumentationScope? scope)
{
    public TraceSpan Place => place;

    public Otlp.Span Otlp => otlp;

    public Resource? Resource => resource;

    public InstrumentationScope? Scope => scope;

    /// <summary>The parent, where it has come.</summary>
    public EvaluatedSpan? Parent { get; internal set; }

    /// <summary>Its number when the tree is walked, on the way down.</summary>
    public int NestedSetLeft { get; internal set; }

    /// <summary>The same on the way up.</summary>
    public int NestedSetRight { get; internal set; }
}

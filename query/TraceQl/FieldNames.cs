using System.Collections.Frozen;

namespace TraceStore.Query.TraceQl;

/// <summary>How fields and values are written (Grafana Tempo's documentation of TraceQL, "Construct a TraceQL query").</summary>
internal static class FieldNames
{
    public const string Parent = "parent";

    /// <summary>By what stands before an attribute's dot.</summary>
    public static readonly FrozenDictionary<string, AttributeScope> Scopes = new Dictionary<string, AttributeScope>
    {
        [""] = AttributeScope.Any,
        ["span"] = AttributeScope.Span,
        ["resource"] = AttributeScope.Resource,
        ["event"] = AttributeScope.Event,
        ["link"] = AttributeScope.Link,
        ["instrumentation"] = AttributeScope.Instrumentation,
    }.ToFrozenDictionary();

    /// <summary>Those with a scope come first: as these they are printed.</summary>
    private static readonly (string Name, Intrinsic Intrinsic)[] s_intrinsics =
    [
        ("span:name", Intrinsic.Name),
        ("span:status", Intrinsic.Status),
        ("span:statusMessage", Intrinsic.StatusMessage),
        ("span:kind", Intrinsic.Kind),
        ("span:duration", Intrinsic.Duration),
        ("span:id", Intrinsic.SpanId),
        ("span:parentID", Intrinsic.ParentId),
        ("span:childCount", Intrinsic.ChildCount),
        ("parent", Intrinsic.Parent),
        ("nestedSetLeft", Intrinsic.NestedSetLeft),
        ("nestedSetRight", Intrinsic.NestedSetRight),
        ("nestedSetParent", Intrinsic.NestedSetParent),
        ("event:name", Intrinsic.EventName),
        ("event:timeSinceStart", Intrinsic.EventTimeSinceStart),
        ("link:traceID", Intrinsic.LinkTraceId),
        ("link:spanID", Intrinsic.LinkSpanId),
        ("instrumentation:name", Intrinsic.ScopeName),
        ("instrumentation:version", Intrinsic.ScopeVersion),
        ("trace:id", Intrinsic.TraceId),
        ("trace:duration", Intrinsic.TraceDuration),
        ("trace:rootName", Intrinsic.RootName),
        ("trace:rootService", Intrinsic.RootService),
        ("name", Intrinsic.Name),
        ("status", Intrinsic.Status),
        ("statusMessage", Intrinsic.StatusMessage),
        ("kind", Intrinsic.Kind),
        ("duration", Intrinsic.Duration),
        ("childCount", Intrinsic.ChildCount),
        ("traceDuration", Intrinsic.TraceDuration),
        ("rootName", Intrinsic.RootName),
        ("rootServiceName", Intrinsic.RootService),
    ];

    public static readonly FrozenDictionary<string, Intrinsic> Intrinsics = s_intrinsics.ToFrozenDictionary(known => known.Name, known => known.Intrinsic);

    /// <summary>Values that are words.</summary>
    public static readonly FrozenDictionary<string, object> Values = new Dictionary<string, object>
    {
        ["true"] = true,
        ["false"] = false,
        ["nil"] = default(NilValue),
        ["minInt"] = long.MinValue,
        ["maxInt"] = long.MaxValue,
        ["ok"] = StatusValue.Ok,
        ["error"] = StatusValue.Error,
        ["unset"] = StatusValue.Unset,
        ["server"] = KindValue.Server,
        ["client"] = KindValue.Client,
        ["internal"] = KindValue.Internal,
        ["producer"] = KindValue.Producer,
        ["consumer"] = KindValue.Consumer,
        ["unspecified"] = KindValue.Unspecified,
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<Intrinsic, string> s_names = s_intrinsics.DistinctBy(known => known.Intrinsic).ToFrozenDictionary(known => known.Intrinsic, known => known.Name);

    /// <summary>As it is written; null for what TraceQL has no name for.</summary>
    public static string? Of(Intrinsic intrinsic) => s_names.GetValueOrDefault(intrinsic);

    /// <summary>With its dot.</summary>
    public static string Of(AttributeScope scope) => scope == AttributeScope.Any ? "." : $"{scope.ToString().ToLowerInvariant()}.";
}

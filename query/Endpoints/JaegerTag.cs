using TraceStore.Query.Planning;
using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Endpoints;

/// <summary>
/// What a tag of Jaeger's is in OTLP: an attribute of the span, its resource or one of its events; or what Jaeger shows as a
/// tag though OTLP has it elsewhere. A search finds what is shown.
/// </summary>
internal static class JaegerTag
{
    public static FieldExpression Filter(string key, string value) => (key, value.ToUpperInvariant()) switch
    {
        ("error", "TRUE") => IsError,
        ("error", "FALSE") => Filters.Not(IsError),
        ("otel.status_code", "ERROR") => Or(Filters.Status(StatusValue.Error), key, value),
        ("otel.status_code", "OK") => Or(Filters.Status(StatusValue.Ok), key, value),
        ("span.kind", _) when Enum.TryParse(value, ignoreCase: true, out KindValue kind) && Enum.IsDefined(kind) => Or(Filters.Kind(kind), key, value),
        ("otel.status_description", _) => Or(Filters.Is(Intrinsic.StatusMessage, value), key, value),
        ("otel.scope.name", _) => Or(Filters.Is(Intrinsic.ScopeName, value), key, value),
        ("otel.scope.version", _) => Or(Filters.Is(Intrinsic.ScopeVersion, value), key, value),
        ("w3c.tracestate", _) => Or(Filters.Is(Intrinsic.TraceState, value), key, value),
        ("event", _) => Filters.Any(Filters.Is(Intrinsic.EventName, value), Attribute(key, value), OfEvent(key, value)),
        _ => Filters.Any(Attribute(key, value), OfEvent(key, value)),
    };

    private static FieldExpression IsError => Or(Filters.Status(StatusValue.Error), "error", "true");

    private static FieldExpression Or(FieldExpression ofSpan, string key, string value) => Filters.Any(ofSpan, Attribute(key, value));

    private static BinaryExpression Attribute(string key, string value) => Filters.Attribute(AttributeScope.Any, key, value);

    private static BinaryExpression OfEvent(string key, string value) => Filters.Attribute(AttributeScope.Event, key, value);
}

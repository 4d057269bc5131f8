using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Planning;

/// <summary>A search, whichever API asked for it.</summary>
/// <param name="Query">What a span must be for its trace to be found.</param>
/// <param name="Time">When the span must have started; null for any time.</param>
/// <param name="Limit">Traces at most; the newest are taken.</param>
/// <param name="SpansPerSpanset">Matched spans shown per trace at most.</param>
public sealed record SearchPlan(TraceQlQuery Query, TimeRange? Time, int Limit, int SpansPerSpanset);

/// <summary>A time range in nanoseconds since 1970, the end not included.</summary>
public sealed record TimeRange(ulong StartUnixNano, ulong EndUnixNano);

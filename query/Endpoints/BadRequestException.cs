namespace TraceStore.Query.Endpoints;

/// <summary>The caller's request can't be understood; the message says which part and what would be valid.</summary>
public sealed class BadRequestException(string message) : Exception(message);

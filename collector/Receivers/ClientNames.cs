using Microsoft.AspNetCore.Http;

namespace TraceStore.Collector.Receivers;

/// <summary>By what clients are told apart.</summary>
internal static class ClientNames
{
    /// <summary>A client is an address.</summary>
    public static string ClientName(this HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "unknown";
}

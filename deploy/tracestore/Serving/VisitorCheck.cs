using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace TraceStore.Serving;

/// <summary>
/// Keeps web pages out that use a browser on this machine, or one that reaches it, as their arm: those whose name has been
/// bound to this address (DNS rebinding), and, where queries are answered, those of other sites.
/// </summary>
internal static class VisitorCheck
{
    /// <summary>Answers only requests that name this server as it is known.</summary>
    /// <param name="app">The door.</param>
    /// <param name="address">What it listens on. On a loopback address only loopback names are known, and the settings'.</param>
    /// <param name="hosts">Further names; * for any. Where there are none, any name is known on other addresses.</param>
    public static void CheckHosts(this IApplicationBuilder app, IPAddress address, IReadOnlyList<string> hosts)
    {
        bool isAnyKnown = hosts.Contains("*") || (hosts.Count == 0 && !IPAddress.IsLoopback(address));
        if (isAnyKnown) return;
        app.Use((context, next) =>
        {
            string host = context.Request.Host.Host;
            if (host.Length == 0 || IsLoopback(host) || hosts.Contains(host, StringComparer.OrdinalIgnoreCase)) return next(context);
            return RefuseAsync(context, StatusCodes.Status421MisdirectedRequest, $"This TraceStore isn't known as '{host}'. AllowedHosts names the names it answers to besides this machine's own.");
        });
    }

    /// <summary>Answers no request that a page of another site has sent, unless its origin is allowed.</summary>
    public static void CheckOrigins(this IApplicationBuilder app, IReadOnlyList<string> origins) => app.Use((context, next) =>
    {
        IHeaderDictionary headers = context.Request.Headers;
        if (headers["Sec-Fetch-Site"] != "cross-site" || origins.Contains("*")) return next(context);
        string origin = headers.Origin.ToString();
        if (origin.Length > 0 && origins.Contains(origin, StringComparer.OrdinalIgnoreCase)) return next(context);
        return RefuseAsync(context, StatusCodes.Status403Forbidden, "Pages of other sites may not ask here. Query:AllowedOrigins names those that may.");
    });

    private static bool IsLoopback(string host)
    {
        string name = host.Trim('[', ']').TrimEnd('.');
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(name, out IPAddress? address) && IPAddress.IsLoopback(address));
    }

    private static Task RefuseAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(message + "\n", context.RequestAborted);
    }
}

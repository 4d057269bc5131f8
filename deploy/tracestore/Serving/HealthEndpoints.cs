using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace TraceStore.Serving;

/// <summary>Puts health and metrics on a web application.</summary>
internal static class HealthEndpoints
{
    /// <summary><c>/healthz</c>: the process is alive. <c>/readyz</c>: it can work. <c>/metrics</c>: how it has been.</summary>
    public static void MapHealth(this WebApplication app, Health health, OwnTelemetry telemetry)
    {
        telemetry.Map(app);
        app.MapGet("/healthz", () => "ok\n");
        app.MapGet("/readyz", async (CancellationToken cancellation) =>
        {
            (bool isReady, string report) = await health.CheckAsync(cancellation).ConfigureAwait(false);
            return Results.Text(report, statusCode: isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
        });
    }
}

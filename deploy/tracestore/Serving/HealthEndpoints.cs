using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace TraceStore.Serving;

/// <summary>Puts health and metrics on a web application.</summary>
internal static class HealthEndpoints
{
    /// <summary>
    /// <c>/healthz</c>: the process is alive. <c>/readyz</c>: it can work; <c>/readyz/ingest</c> and <c>/readyz/query</c>:
    /// it can do this part of it. <c>/metrics</c>: how it has been.
    /// </summary>
    public static void MapHealth(this WebApplication app, Health health, OwnTelemetry telemetry)
    {
        telemetry.Map(app);
        app.MapGet("/healthz", () => "ok\n");
        app.MapGet("/readyz", () => AnswerAsync(health.CheckAsync()));
        app.MapGet("/readyz/ingest", () => AnswerAsync(health.CheckAsync(queries: false)));
        app.MapGet("/readyz/query", () => AnswerAsync(health.CheckAsync(ingest: false)));
    }

    private static async Task<IResult> AnswerAsync(Task<(bool IsReady, string Report)> checking)
    {
        (bool isReady, string report) = await checking.ConfigureAwait(false);
        return Results.Text(report, statusCode: isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }
}

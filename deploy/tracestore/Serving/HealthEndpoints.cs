using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using TraceStore.Recovery;

namespace TraceStore.Serving;

/// <summary>Puts health and metrics on a web application.</summary>
internal static class HealthEndpoints
{
    private const string PartialHeader = "TraceStore-Partial";

    /// <summary>
    /// <c>/healthz</c>: the process is alive. <c>/readyz</c>: it can work; <c>/readyz/ingest</c> and <c>/readyz/query</c>:
    /// it can do this part of it. <c>/metrics</c>: how it has been. <c>/recovery</c>: the recovery plan, as it was looked at in the last minutes.
    /// </summary>
    public static void MapHealth(this WebApplication app, Health health, OwnTelemetry telemetry, RecoveryWatch? recovery)
    {
        app.MapGet("/recovery", () => recovery?.Plan is { } plan
            ? Results.Json(plan, PlanCommand.Json)
            : Results.Text(recovery is null ? "Nothing is archived: tracestore --archive URL\n" : "It is being looked at; ask again in a moment.\n", statusCode: StatusCodes.Status503ServiceUnavailable));
        telemetry.Map(app);
        app.MapGet("/healthz", () => "ok\n");
        app.MapGet("/readyz", () => AnswerAsync(health.CheckAsync()));
        app.MapGet("/readyz/ingest", () => AnswerAsync(health.CheckAsync(queries: false)));
        app.MapGet("/readyz/query", () => AnswerAsync(health.CheckAsync(ingest: false)));
    }

    /// <summary>Says of every answer that it is partial, for as long as it is: searches and lists have no field for it.</summary>
    public static void TellPartial(this WebApplication app, ServedRestore restore) => app.Use((context, next) =>
    {
        if (restore.Missing is { } missing) context.Response.Headers[PartialHeader] = missing;
        return next(context);
    });

    private static async Task<IResult> AnswerAsync(Task<(bool IsReady, string Report)> checking)
    {
        (bool isReady, string report) = await checking.ConfigureAwait(false);
        return Results.Text(report, statusCode: isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }
}

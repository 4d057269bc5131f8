using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using TraceStore.Query.Execution;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Wal;

namespace TraceStore.Serving;

/// <summary>Whether TraceStore can do its work now, part by part.</summary>
internal sealed class Health(WriteAheadLog wal, WalOptions walOptions, TraceReader reader)
{
    /// <summary>Lines of "part: state", and whether all parts are well.</summary>
    public async Task<(bool IsReady, string Report)> CheckAsync(CancellationToken cancellation)
    {
        bool takesSpans = wal.Bytes < walOptions.MaxBytes;
        string? clickHouse = await WhatAilsClickHouseAsync(cancellation).ConfigureAwait(false);
        string report =
            $"ingest: {(takesSpans ? "ok" : "the write-ahead log is full")}, {wal.Bytes >> 20} MiB in the log\n"
            + $"clickhouse: {clickHouse ?? "ok"}\n";
        return (takesSpans && clickHouse is null, report);
    }

    private async Task<string?> WhatAilsClickHouseAsync(CancellationToken cancellation)
    {
        try
        {
            await reader.CheckAsync(cancellation).ConfigureAwait(false);
            return null;
        }
        catch (Exception e) when (e is ClickHouseUnavailableException or ClickHouseRefusedException)
        {
            return e.Message;
        }
    }
}

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

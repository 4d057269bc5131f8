using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;

namespace TraceStore.Query.Endpoints;

/// <summary>Turns what goes wrong in a query into a status and a sentence: the caller's fault, passing, or ours.</summary>
internal static class QueryFailures
{
    /// <summary>Puts the mapping around all endpoints; <paramref name="writeError"/> says it in the API's form.</summary>
    public static void UseQueryFailures(this IApplicationBuilder app, ILogger log, Func<HttpContext, int, string, Task> writeError) =>
        app.Use(async (context, next) =>
        {
            try
            {
                await next(context).ConfigureAwait(false);
            }
            catch (Exception) when (context.RequestAborted.IsCancellationRequested || context.Response.HasStarted)
            {
                context.Abort(); // nobody listens any more, or half an answer is out: it must not look whole
            }
            catch (Exception e)
            {
                (int status, string message) = Describe(e);
                if (status == StatusCodes.Status500InternalServerError) log.LogError(e, "BUG: {Path} failed.", context.Request.Path);
                context.Response.StatusCode = status;
                await writeError(context, status, message).ConfigureAwait(false);
            }
        });

    private static (int Status, string Message) Describe(Exception failure) => failure switch
    {
        BadRequestException or TraceQlException => (StatusCodes.Status400BadRequest, failure.Message),
        ClickHouseRefusedException { IsQueryAtFault: true } => (StatusCodes.Status400BadRequest, failure.Message),
        ClickHouseRefusedException { IsAnswerTooLarge: true } => (StatusCodes.Status422UnprocessableEntity, failure.Message),
        ClickHouseUnavailableException => (StatusCodes.Status503ServiceUnavailable, $"Traces can't be read now. {failure.Message}"),
        _ => (StatusCodes.Status500InternalServerError, $"TraceStore failed to answer: {failure.Message}"),
    };
}

using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using TraceStore.Query.Evaluation;
using TraceStore.Query.Execution;
using TraceStore.Query.Planning;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;

namespace TraceStore.Query.Endpoints;

/// <summary>
/// Gives each query its time, and turns what goes wrong into a status and a sentence: the caller's fault, passing, or ours. What
/// ClickHouse says is for the log; clients are told it in our own words.
/// </summary>
internal static class QueryFailures
{
    /// <summary>Puts the mapping around all endpoints; <paramref name="writeError"/> says it in the API's form.</summary>
    public static void UseQueryFailures(this IApplicationBuilder app, ILogger log, QueryServiceOptions options, Func<HttpContext, int, string, Task> writeError) =>
        app.Use(async (context, next) =>
        {
            CancellationToken client = context.RequestAborted;
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(client);
            deadline.CancelAfter(options.Timeout);
            context.RequestAborted = deadline.Token; // what endpoints and answers go by
            try
            {
                await next(context).ConfigureAwait(false);
            }
            catch (Exception) when (client.IsCancellationRequested || context.Response.HasStarted)
            {
                context.Abort(); // nobody listens any more, or half an answer is out: it must not look whole
            }
            catch (Exception e)
            {
                (int status, string message) = e is OperationCanceledException && deadline.IsCancellationRequested
                    ? (StatusCodes.Status504GatewayTimeout, $"The query took longer than {options.Timeout.TotalSeconds:0} s (ClickHouse:QueryTimeout). Ask for less time, or with fewer conditions.")
                    : Describe(e);
                if (status == StatusCodes.Status500InternalServerError) log.LogError(e, "BUG: {Path} failed.", context.Request.Path);
                if (e is QueriesOverloadedException overloaded) context.Response.Headers.RetryAfter = overloaded.RetryAfter.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
                context.Response.StatusCode = status;
                context.RequestAborted = client; // there is time for a sentence
                await writeError(context, status, message).ConfigureAwait(false);
            }
        });

    private static (int Status, string Message) Describe(Exception failure) => failure switch
    {
        BadRequestException or TraceQlException or QueryBoundsException => (StatusCodes.Status400BadRequest, failure.Message),
        BadHttpRequestException bad => (bad.StatusCode, "The request can't be read."),
        AnswerTooLargeException or SearchTooWideException or TooManySeriesException => (StatusCodes.Status422UnprocessableEntity, failure.Message),
        ClickHouseUnavailableException { IsQueryTooLarge: true } => (StatusCodes.Status422UnprocessableEntity, "The query needs more memory than a query may have. Ask for less time, or for something rarer."),
        QueriesOverloadedException => (StatusCodes.Status503ServiceUnavailable, failure.Message),
        ClickHouseUnavailableException unavailable => (StatusCodes.Status503ServiceUnavailable, $"Traces can't be read now: {unavailable.InWords}."),
        _ => (StatusCodes.Status500InternalServerError, "TraceStore failed to answer, which is a mistake of its own; its log says more."),
    };
}

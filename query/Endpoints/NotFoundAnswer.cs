using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace TraceStore.Query.Endpoints;

/// <summary>What a person sees at a port who doesn't know it, and what a client is told who asks for what isn't there.</summary>
internal static class NotFoundAnswer
{
    /// <summary>Puts a page in words at <c>/</c>, and a sentence everywhere that there is nothing.</summary>
    /// <param name="app">Where.</param>
    /// <param name="api">What the port speaks.</param>
    /// <param name="answers">What can be asked.</param>
    /// <param name="advice">What to do with it.</param>
    /// <param name="notFound">Says the sentence in the API's form.</param>
    public static void MapNotFound(this IEndpointRouteBuilder app, string api, IReadOnlyList<string> answers, string advice, Func<string, IResult> notFound)
    {
        var page = new StringBuilder($"This is TraceStore's port for {api}.\n\n{advice}\n\nIt answers:\n");
        foreach (string answer in (IEnumerable<string>)[.. answers, "GET /readyz, /readyz/ingest, /readyz/query", "GET /healthz", "GET /metrics"]) page.Append("  ").Append(answer).Append('\n');
        string text = page.ToString();
        app.MapGet("/", () => Results.Text(text));
        app.MapFallback("{**path}", (HttpRequest request) => notFound($"There is nothing at {request.Path}: this is TraceStore's port for {api}, and / says what it answers."));
    }
}

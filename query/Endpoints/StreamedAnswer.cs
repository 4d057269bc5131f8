using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace TraceStore.Query.Endpoints;

/// <summary>An answer that goes out while it is being written.</summary>
internal sealed class StreamedAnswer(string contentType, Func<PipeWriter, CancellationToken, Task> write) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.ContentType = contentType;
        return write(httpContext.Response.BodyWriter, httpContext.RequestAborted);
    }
}

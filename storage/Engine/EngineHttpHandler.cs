using System.Net;

namespace TraceStore.Storage.Engine;

/// <summary>Sends requests, whatever host they name, to the engine that runs now, with its key; and takes answers from no other.</summary>
internal sealed class EngineHttpHandler(Func<EngineProcess> current)
    : DelegatingHandler(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, PooledConnectionIdleTimeout = TimeSpan.FromMinutes(30) })
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        EngineProcess engine = current();
        if (engine.HasExited) throw new HttpRequestException("the embedded engine is being started again"); // its port may be another's by now
        request.RequestUri = new UriBuilder(request.RequestUri!) { Scheme = "http", Host = IPAddress.Loopback.ToString(), Port = engine.Configuration.Port }.Uri;
        request.Headers.Remove(EngineConfiguration.KeyHeader);
        request.Headers.Add(EngineConfiguration.KeyHeader, engine.Configuration.Key);
        HttpResponseMessage answer = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (engine.Configuration.IsProven(answer)) return answer;
        string said = $"{(int)answer.StatusCode} {answer.ReasonPhrase}";
        answer.Dispose();
        throw new HttpRequestException($"what answers at port {engine.Configuration.Port} is not the embedded engine; it says {said}");
    }
}

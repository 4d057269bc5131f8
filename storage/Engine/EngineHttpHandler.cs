using System.Net;

namespace TraceStore.Storage.Engine;

/// <summary>Sends requests, whatever host they name, to the engine that runs now, with its key.</summary>
internal sealed class EngineHttpHandler(Func<EngineProcess> current)
    : DelegatingHandler(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false })
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        EngineProcess engine = current();
        if (engine.HasExited) throw new HttpRequestException("the embedded engine is being started again"); // its port may be another's by now
        request.RequestUri = new UriBuilder(request.RequestUri!) { Scheme = "http", Host = IPAddress.Loopback.ToString(), Port = engine.Port }.Uri;
        request.Headers.Remove(EngineConfiguration.KeyHeader);
        request.Headers.Add(EngineConfiguration.KeyHeader, engine.Key);
        return base.SendAsync(request, cancellationToken);
    }
}

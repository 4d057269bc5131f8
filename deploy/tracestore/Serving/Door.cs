using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace TraceStore.Serving;

/// <summary>One port with one API on it, a small web application of its own.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Port">The port; 0 for any free one.</param>
/// <param name="Option">How to change the port, for messages.</param>
/// <param name="Protocols">HTTP versions; without TLS a port speaks one.</param>
/// <param name="MaxRequestBytes">The largest request body; null where the protocol above has a bound of its own.</param>
internal sealed record Door(string Name, int Port, string Option, HttpProtocols Protocols, long? MaxRequestBytes = 0)
{
    /// <summary>Queries stand in the request line; TraceQL's may have 128 KiB, and escaping makes them longer.</summary>
    private const int MaxRequestLineBytes = 512 << 10;

    public WebApplication Build(IPAddress address, ILoggerFactory logs, Action<IServiceCollection>? addServices)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxRequestBytes;
            kestrel.Limits.MaxRequestLineSize = MaxRequestLineBytes;
            kestrel.Listen(address, Port, listen => listen.Protocols = Protocols);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(logs);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan); // who stops it says how long
        addServices?.Invoke(builder.Services);
        return builder.Build();
    }

    /// <summary>Opens the door and returns its port.</summary>
    /// <exception cref="IOException">The port can't be had; the message says which and how to choose another.</exception>
    public async Task<int> OpenAsync(WebApplication app, IPAddress address)
    {
        try
        {
            await app.StartAsync().ConfigureAwait(false);
        }
        catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            throw new IOException($"Port {Port} ({Name}) on {address} is taken by another program. Stop that one, or choose another port with {Option}.", e);
        }
        catch (SocketException e)
        {
            throw new IOException($"Can't listen on {address}, port {Port} ({Name}): {e.Message}. Choose another port with {Option} or another address with --listen.", e);
        }

        return new Uri(app.Urls.First()).Port;
    }
}

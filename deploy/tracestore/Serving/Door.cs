using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TraceStore.Settings;

namespace TraceStore.Serving;

/// <summary>One port with one API on it, a small web application of its own. It speaks HTTP/1.1 and HTTP/2.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Port">The port; 0 for any free one.</param>
/// <param name="Option">How to change the port, for messages.</param>
/// <param name="MaxConnections">Connections at once.</param>
/// <param name="MaxRequestBytes">The largest request body; null where the protocol above has a bound of its own.</param>
/// <param name="MaxRequestLineBytes">The longest request line.</param>
/// <param name="MaxBufferBytes">What is received of a connection ahead of what is understood of it; a request line must fit in.</param>
internal sealed record Door(string Name, int Port, string Option, int MaxConnections, long? MaxRequestBytes, int MaxRequestLineBytes, int MaxBufferBytes)
{
    /// <summary>A door for queries: they stand in the request line, escaped, where 128 KiB become up to three times as many.</summary>
    public static Door ForQueries(string name, int port, string option, int maxConnections) => new(name, port, option, maxConnections, MaxRequestBytes: 0, MaxRequestLineBytes: 400 << 10, MaxBufferBytes: 400 << 10);

    /// <summary>A door for exports.</summary>
    public static Door ForExports(string name, int port, string option, int maxConnections) => new(name, port, option, maxConnections, MaxRequestBytes: null, MaxRequestLineBytes: 8 << 10, MaxBufferBytes: 256 << 10);

    public WebApplication Build(TraceStoreSettings settings, ILoggerFactory logs, Action<IServiceCollection>? addServices)
    {
        var protocols = new BothProtocols(new ConnectionLimit(Name, MaxConnections, logs.CreateLogger<ConnectionLimit>()));
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxRequestBytes;
            kestrel.Limits.MaxRequestLineSize = MaxRequestLineBytes;
            kestrel.Limits.MaxRequestBufferSize = MaxBufferBytes;
            protocols.Listen(kestrel, new IPEndPoint(settings.ListenAddress, Port));
        });
        builder.Services.AddSingleton(services => protocols.Over(ActivatorUtilities.CreateInstance<SocketTransportFactory>(services)));
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(ReceiveBlocks.Common);
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(logs);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan); // who stops it says how long
        addServices?.Invoke(builder.Services);
        WebApplication app = builder.Build();
        app.CheckHosts(settings.ListenAddress, settings.AllowedHosts);
        return app;
    }

    /// <summary>Why the door can't be opened, as far as that can be told beforehand; null when it can.</summary>
    public string? WhyTaken(IPAddress address)
    {
        if (Port == 0) return null;
        try
        {
            using var probe = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(address, Port));
            probe.Listen();
            return null;
        }
        catch (SocketException e)
        {
            return Explain(address, e);
        }
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
            throw new IOException(Explain(address, new SocketException((int)SocketError.AddressAlreadyInUse)), e);
        }
        catch (SocketException e)
        {
            throw new IOException(Explain(address, e), e);
        }

        return app.Urls.Select(url => Uri.TryCreate(url, UriKind.Absolute, out Uri? bound) ? bound.Port : 0).First(port => port > 0);
    }

    private string Explain(IPAddress address, SocketException failure) => failure.SocketErrorCode == SocketError.AddressAlreadyInUse
        ? $"Port {Port} ({Name}) on {address} is taken by another program. Stop that one, or choose another port with {Option}."
        : $"Can't listen on {address}, port {Port} ({Name}): {failure.Message}. Choose another port with {Option} or another address with --listen.";
}

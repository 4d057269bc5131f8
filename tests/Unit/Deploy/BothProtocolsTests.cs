using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Serving;

namespace TraceStore.Tests.Unit.Deploy;

public sealed class BothProtocolsTests
{
    [Theory]
    [InlineData("")]
    [InlineData("PRI * HT")]
    public async Task A_connection_that_does_not_say_what_it_is_ends(string said)
    {
        using var limit = new ConnectionLimit("test", most: 10, NullLogger.Instance);
        var protocols = new BothProtocols(limit);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMilliseconds(100);
            protocols.Listen(kestrel, new IPEndPoint(IPAddress.Loopback, 0));
        });
        builder.Services.AddSingleton(services => protocols.Over(ActivatorUtilities.CreateInstance<SocketTransportFactory>(services)));
        await using WebApplication app = builder.Build();
        await app.StartAsync(TestContext.Current.CancellationToken);
        int port = app.Urls.Select(url => Uri.TryCreate(url, UriKind.Absolute, out Uri? bound) ? bound.Port : 0).First(port => port > 0);

        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(said), TestContext.Current.CancellationToken);

        using var hang = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        hang.CancelAfter(TimeSpan.FromSeconds(60));
        Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1], hang.Token));
    }
}

using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace TraceStore.Serving;

/// <summary>
/// HTTP/1.1 and HTTP/2 on one port without TLS, which Kestrel has one of at a time: every connection is looked at, and those
/// that begin as HTTP/2 does (RFC 9113, section 3.4) are handed to a second endpoint of the same server, which listens to
/// nothing but them.
/// </summary>
internal sealed class BothProtocols : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly ConcurrentDictionary<EndPoint, Channel<ConnectionContext>> _handed = [];

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Listens on an address for both.</summary>
    /// <param name="kestrel">The server.</param>
    /// <param name="address">Where.</param>
    /// <param name="configure">Adds what every connection goes through first.</param>
    public void Listen(KestrelServerOptions kestrel, IPEndPoint address, Action<ListenOptions> configure)
    {
        var second = new HandedOver(address);
        Channel<ConnectionContext> handed = Channel.CreateUnbounded<ConnectionContext>();
        _handed[second] = handed;
        kestrel.Listen(address, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            configure(listen);
            listen.Use(next => connection => RouteAsync(connection, next, handed.Writer));
        });
        kestrel.Listen(second, listen => listen.Protocols = HttpProtocols.Http2);
    }

    public static void AddTo(IServiceCollection services, BothProtocols protocols) => services.AddSingleton<IConnectionListenerFactory>(protocols);

    public bool CanBind(EndPoint endpoint) => endpoint is HandedOver;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new(new Listener(endpoint, _handed[endpoint]));

    private static async Task RouteAsync(ConnectionContext connection, ConnectionDelegate next, ChannelWriter<ConnectionContext> handed)
    {
        if (!await BeginsAsHttp2Async(connection).ConfigureAwait(false))
        {
            await next(connection).ConfigureAwait(false);
            return;
        }

        var handedOver = new HandedConnection(connection);
        if (handed.TryWrite(handedOver)) await handedOver.Served.ConfigureAwait(false);
    }

    private static async Task<bool> BeginsAsHttp2Async(ConnectionContext connection)
    {
        while (true)
        {
            ReadResult read = await connection.Transport.Input.ReadAsync(connection.ConnectionClosed).ConfigureAwait(false);
            bool isPreface = IsPreface(read, out bool isCertain);
            connection.Transport.Input.AdvanceTo(read.Buffer.Start, isCertain ? read.Buffer.Start : read.Buffer.End);
            if (isCertain) return isPreface;
        }
    }

    private static bool IsPreface(ReadResult read, out bool isCertain)
    {
        int compared = (int)Math.Min(read.Buffer.Length, Preface.Length);
        Span<byte> start = stackalloc byte[compared];
        System.Buffers.BuffersExtensions.CopyTo(read.Buffer.Slice(0, compared), start);
        bool isPreface = Preface.StartsWith(start);
        isCertain = !isPreface || compared == Preface.Length || read.IsCompleted;
        return isPreface && compared == Preface.Length;
    }

    /// <summary>The second endpoint of a port.</summary>
    private sealed class HandedOver(IPEndPoint port) : EndPoint
    {
        public override string ToString() => $"{port} (HTTP/2)";
    }

    private sealed class Listener(EndPoint endpoint, Channel<ConnectionContext> handed) : IConnectionListener
    {
        public EndPoint EndPoint => endpoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
            await handed.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) && handed.Reader.TryRead(out ConnectionContext? connection) ? connection : null;

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            handed.Writer.TryComplete();
            return default;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }

    /// <summary>A connection that the second endpoint serves, while the first one waits.</summary>
    private sealed class HandedConnection(ConnectionContext connection) : ConnectionContext
    {
        private readonly TaskCompletionSource _served = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Served => _served.Task;

        public override string ConnectionId
        {
            get => connection.ConnectionId;
            set => connection.ConnectionId = value;
        }

        public override IDuplexPipe Transport
        {
            get => connection.Transport;
            set => connection.Transport = value;
        }

        public override Microsoft.AspNetCore.Http.Features.IFeatureCollection Features => connection.Features;

        public override IDictionary<object, object?> Items
        {
            get => connection.Items;
            set => connection.Items = value;
        }

        public override CancellationToken ConnectionClosed
        {
            get => connection.ConnectionClosed;
            set => connection.ConnectionClosed = value;
        }

        public override EndPoint? LocalEndPoint
        {
            get => connection.LocalEndPoint;
            set => connection.LocalEndPoint = value;
        }

        public override EndPoint? RemoteEndPoint
        {
            get => connection.RemoteEndPoint;
            set => connection.RemoteEndPoint = value;
        }

        public override void Abort(ConnectionAbortedException abortReason) => connection.Abort(abortReason);

        public override ValueTask DisposeAsync()
        {
            _served.TrySetResult();
            return default;
        }
    }
}

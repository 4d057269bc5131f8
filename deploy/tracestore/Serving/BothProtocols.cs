using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace TraceStore.Serving;

/// <summary>
/// HTTP/1.1 and HTTP/2 on one port without TLS, which Kestrel has one of at a time: every connection is looked at, and those
/// that begin as HTTP/2 does (RFC 9113, section 3.4) are handed to a second endpoint of the same server, which listens to
/// nothing but them.
/// </summary>
internal sealed class BothProtocols(ConnectionLimit limit)
{
    private readonly Channel<ConnectionContext> _handed = Channel.CreateUnbounded<ConnectionContext>();

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>What the server has to get its connections from: one of its services.</summary>
    public IConnectionListenerFactory Over(IConnectionListenerFactory sockets) => new RoutedTransport(this, sockets);

    /// <summary>Listens on an address for both. Who says nothing, or half of how HTTP/2 begins, has as long as one that says nothing any more.</summary>
    public void Listen(KestrelServerOptions kestrel, IPEndPoint address)
    {
        kestrel.Listen(address, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(limit.Guard);
            listen.Use(next => connection => RouteAsync(connection, next, kestrel.Limits.KeepAliveTimeout));
        });
        kestrel.Listen(new HandedOver(address), listen => listen.Protocols = HttpProtocols.Http2);
    }

    private IConnectionListener Guard(IConnectionListener listener) => limit.Guard(listener);

    private async Task RouteAsync(ConnectionContext connection, ConnectionDelegate next, TimeSpan patience)
    {
        if (await BeginsAsHttp2Async(connection, patience).ConfigureAwait(false) is not { } isHttp2) return;
        if (!isHttp2)
        {
            await next(connection).ConfigureAwait(false);
            return;
        }

        var served = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handedOver = new ForwardedConnection(connection, () =>
        {
            served.TrySetResult();
            return default;
        });
        if (_handed.Writer.TryWrite(handedOver)) await served.Task.ConfigureAwait(false);
    }

    /// <summary>Null where that can't be told: the client has gone, or doesn't say.</summary>
    private static async Task<bool?> BeginsAsHttp2Async(ConnectionContext connection, TimeSpan patience)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        limit.CancelAfter(patience);
        try
        {
            while (true)
            {
                ReadResult read = await connection.Transport.Input.ReadAsync(limit.Token).ConfigureAwait(false);
                bool isPreface = IsPreface(read, out bool isCertain);
                connection.Transport.Input.AdvanceTo(read.Buffer.Start, isCertain ? read.Buffer.Start : read.Buffer.End);
                if (isCertain) return isPreface;
            }
        }
        catch (OperationCanceledException)
        {
            return null;
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

    private sealed class RoutedTransport(BothProtocols owner, IConnectionListenerFactory sockets) : IConnectionListenerFactory, IConnectionListenerFactorySelector
    {
        public bool CanBind(EndPoint endpoint) => endpoint is HandedOver or IPEndPoint;

        public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => endpoint is HandedOver
            ? new HandedOverListener(endpoint, owner._handed)
            : owner.Guard(await sockets.BindAsync(endpoint, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The second endpoint of a port.</summary>
    private sealed class HandedOver(IPEndPoint port) : EndPoint
    {
        public override string ToString() => $"{port} (HTTP/2)";
    }

    private sealed class HandedOverListener(EndPoint endpoint, Channel<ConnectionContext> handed) : IConnectionListener
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
}

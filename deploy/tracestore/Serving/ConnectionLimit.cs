using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace TraceStore.Serving;

/// <summary>
/// Bounds the connections of a door. Each takes a descriptor, and a process that has none left can neither accept, nor store,
/// nor even load what it needs to say so. Who comes on top is told so and let go, a few at a time; the others wait where
/// the system keeps them. Any thread may call it.
/// </summary>
internal sealed class ConnectionLimit(string door, int most, ILogger log) : IDisposable
{
    /// <summary>Connections that are being told that there are too many.</summary>
    private const int BeingRefused = 16;

    private static readonly TimeSpan s_betweenWarnings = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_afterFailedAccept = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _room = new(most + BeingRefused);
    private int _count;
    private long _lastWarning = long.MinValue;

    /// <summary>Accepts from a listener no more connections than there is room for, whatever goes wrong with one of them.</summary>
    public IConnectionListener Guard(IConnectionListener listener) => new BoundedListener(this, listener);

    /// <summary>What every connection that was accepted goes through first.</summary>
    public ConnectionDelegate Guard(ConnectionDelegate next) => async connection =>
    {
        try
        {
            if (Interlocked.Increment(ref _count) <= most) await next(connection).ConfigureAwait(false);
            else await RefuseAsync(connection).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _count);
        }
    };

    public void Dispose() => _room.Dispose();

    /// <summary>
    /// Answers without waiting for what is asked. To a client of HTTP/2, the answer in HTTP/1.1 is a connection that can't be
    /// used, which it tries again.
    /// </summary>
    private async Task RefuseAsync(ConnectionContext connection)
    {
        Warn();
        connection.Transport.Output.Write("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 48\r\n\r\nTraceStore has too many connections at its port."u8);
        await connection.Transport.Output.FlushAsync().ConfigureAwait(false);
        await connection.Transport.Output.CompleteAsync().ConfigureAwait(false);
    }

    private void Warn()
    {
        long now = Stopwatch.GetTimestamp();
        long last = Interlocked.Read(ref _lastWarning);
        if (last != long.MinValue && Stopwatch.GetElapsedTime(last, now) < s_betweenWarnings) return;
        if (Interlocked.CompareExchange(ref _lastWarning, now, last) != last) return;
        log.LogWarning("The door {Door} has {Most} connections, which is all it takes; more are refused. Raise the limit of open files (ulimit -n) to let in more, or find out who opens so many.", door, most);
    }

    private sealed class BoundedListener(ConnectionLimit limit, IConnectionListener inner) : IConnectionListener
    {
        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            await limit._room.WaitAsync(cancellationToken).ConfigureAwait(false);
            while (true)
            {
                try
                {
                    if (await inner.AcceptAsync(cancellationToken).ConfigureAwait(false) is not { } connection) return null;
                    return new ForwardedConnection(connection, () => EndAsync(connection));
                }
                catch (SocketException)
                {
                    // No descriptor was left, or the client has gone: the web server would stop listening for good.
                    await Task.Delay(s_afterFailedAccept, cancellationToken).ConfigureAwait(false);
                }
            }
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();

        private async ValueTask EndAsync(ConnectionContext connection)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            limit._room.Release();
        }
    }
}

using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace TraceStore.Serving;

/// <summary>
/// Bounds the connections of a door. Each takes a descriptor, and a process that has none left can neither accept, nor store,
/// nor even load what it needs to say so. Who comes on top is told, in HTTP/1.1 or HTTP/2, and let go. Any thread may call it.
/// </summary>
internal sealed class ConnectionLimit(string door, int most, ILogger log)
{
    private static readonly TimeSpan s_betweenWarnings = TimeSpan.FromMinutes(1);

    private int _count;
    private long _lastWarning = long.MinValue;

    /// <summary>What every connection goes through first.</summary>
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

    /// <summary>
    /// Answers without waiting for what is asked. To a client of HTTP/2, the answer in HTTP/1.1 is a connection that can't be
    /// used, which it tries again.
    /// </summary>
    private async Task RefuseAsync(ConnectionContext connection)
    {
        Warn();
        connection.Transport.Output.Write("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 48\r\n\r\nTraceStore has too many connections at its port."u8);
        await connection.Transport.Output.FlushAsync().ConfigureAwait(false);
        connection.Abort();
    }

    private void Warn()
    {
        long now = System.Diagnostics.Stopwatch.GetTimestamp();
        long last = Interlocked.Read(ref _lastWarning);
        if (last != long.MinValue && System.Diagnostics.Stopwatch.GetElapsedTime(last, now) < s_betweenWarnings) return;
        if (Interlocked.CompareExchange(ref _lastWarning, now, last) == last) log.LogWarning("The door {Door} has {Most} connections, which is all it takes; more are refused. Raise the limit of open files (ulimit -n) to let in more, or find out who opens so many.", door, most);
    }
}

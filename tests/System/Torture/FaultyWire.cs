using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace TraceStore.Tests.Systems.Torture;

/// <summary>The connection between TraceStore and ClickHouse, with a hand on it: it cuts, delays and swallows.</summary>
internal sealed class FaultyWire : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<TcpClient, bool> _open = [];
    private readonly int _target;
    private readonly Task _accepting;
    private volatile bool _isCut;
    private volatile bool _swallowsAnswers;
    private volatile int _delayMilliseconds;
    private int _bytesUntilCut = int.MaxValue;

    public FaultyWire(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Ends every connection, and every new one at once, until <see cref="Mend"/>.</summary>
    public void Cut()
    {
        _isCut = true;
        CloseAll();
    }

    /// <summary>Ends every connection as soon as so many bytes more have gone to ClickHouse: in the middle of a block.</summary>
    public void CutAfter(int bytes) => Interlocked.Exchange(ref _bytesUntilCut, bytes);

    /// <summary>ClickHouse gets everything and its answers go nowhere, until <see cref="Mend"/>.</summary>
    public void SwallowAnswers() => _swallowsAnswers = true;

    public void Delay(TimeSpan delay) => _delayMilliseconds = (int)delay.TotalMilliseconds;

    public void Mend()
    {
        if (_swallowsAnswers) CloseAll();
        (_isCut, _swallowsAnswers, _delayMilliseconds) = (false, false, 0);
        Interlocked.Exchange(ref _bytesUntilCut, int.MaxValue);
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        CloseAll();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync();
                if (_isCut) client.Dispose();
                else _ = ServeAsync(client);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // the listener is closed
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient();
        _open[client] = _open[server] = true;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target);
            await Task.WhenAny(CopyAsync(client, server, isRequest: true), CopyAsync(server, client, isRequest: false));
        }
        catch (SocketException)
        {
            // ClickHouse is away
        }
        finally
        {
            client.Dispose();
            _open.TryRemove(client, out _);
            _open.TryRemove(server, out _);
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to, bool isRequest)
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (await from.GetStream().ReadAsync(buffer) is var count and > 0)
            {
                if (_delayMilliseconds is var delay and > 0) await Task.Delay(delay);
                if (!isRequest && _swallowsAnswers) continue;
                if (isRequest && Interlocked.Add(ref _bytesUntilCut, -count) < 0) CloseAll();
                await to.GetStream().WriteAsync(buffer.AsMemory(0, count));
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or SocketException)
        {
            // cut
        }
    }

    private void CloseAll()
    {
        Interlocked.Exchange(ref _bytesUntilCut, int.MaxValue);
        foreach (TcpClient open in _open.Keys) open.Dispose();
    }
}

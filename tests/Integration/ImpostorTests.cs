using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Xml.Linq;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

/// <summary>Another program of this machine that takes the engine's port before the engine does, and answers everything with an OK.</summary>
public class ImpostorTests
{
    [Fact]
    public async Task Who_takes_the_engines_port_gets_no_spans_and_confirms_none()
    {
        using var directory = new TemporaryDirectory();
        using var impostor = new Impostor(Path.Combine(directory.Path, "engine", "config", "config.xml"), starts: 2);

        await using TestServer server = await TestServer.StartAsync(directory);
        await server.Otlp.ExportAsync(Request(Resource("secret-service", Span(3_501))));
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(3_501)), 1);

        Assert.True(impostor.Taken > 0, "the impostor came too late each time");
        Assert.DoesNotContain(impostor.Heard, heard => heard.Contains("secret-service", StringComparison.Ordinal) || heard.Contains("INSERT", StringComparison.Ordinal));
    }

    /// <summary>Reads the port from the configuration as soon as it is written, as one could guess it, and listens there.</summary>
    private sealed class Impostor : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly ConcurrentBag<TcpListener> _listeners = [];
        private readonly Task _watching;

        public Impostor(string config, int starts) => _watching = Task.Run(() => WatchAsync(config, starts));

        public int Taken => _listeners.Count;

        public ConcurrentBag<string> Heard { get; } = [];

        public void Dispose()
        {
            _stop.Cancel();
            foreach (TcpListener listener in _listeners) listener.Dispose();
            _watching.Wait();
            _stop.Dispose();
        }

        private async Task WatchAsync(string config, int starts)
        {
            HashSet<int> seen = [];
            while (!_stop.IsCancellationRequested && seen.Count < starts)
            {
                if (PortIn(config) is { } port && seen.Add(port)) Take(port);
                await Task.Delay(1);
            }
        }

        private static int? PortIn(string config)
        {
            try
            {
                return File.Exists(config) ? int.Parse(XElement.Parse(File.ReadAllText(config)).Element("http_port")!.Value, System.Globalization.CultureInfo.InvariantCulture) : null;
            }
            catch (Exception e) when (e is IOException or System.Xml.XmlException)
            {
                return null; // it is being written
            }
        }

        private void Take(int port)
        {
            var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
            }
            catch (SocketException)
            {
                return;
            }

            _listeners.Add(listener);
            _ = Task.Run(async () =>
            {
                while (!_stop.IsCancellationRequested)
                {
                    try
                    {
                        using TcpClient client = await listener.AcceptTcpClientAsync(_stop.Token);
                        byte[] buffer = new byte[1 << 16];
                        int read = await client.GetStream().ReadAsync(buffer, _stop.Token);
                        Heard.Add(Encoding.Latin1.GetString(buffer, 0, read));
                        await client.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1\n"u8.ToArray(), _stop.Token);
                    }
                    catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
                    {
                        // another may come
                    }
                }
            });
        }
    }
}

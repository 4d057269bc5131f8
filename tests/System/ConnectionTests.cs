using System.Net;
using System.Net.Sockets;
using System.Text;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

/// <summary>More connections than a process may have, of the kinds of which anybody on the network can open any number.</summary>
public sealed class ConnectionTests : IDisposable
{
    private const int OpenFiles = 800;

    private readonly TemporaryDirectory _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task Too_many_connections_are_told_so_and_neither_end_the_process_nor_stop_storing()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeWithAsync("/bin/sh", _data.Path, ["-c", $"ulimit -n {OpenFiles}; exec \"$0\" \"$@\"", TraceStoreProcess.Binary]);
        using var otlp = new OtlpClient(server.OtlpPort);
        using var tempo = new HttpClient { BaseAddress = server.TempoUrl };
        await otlp.ExportAsync(Request(Resource("before", Span(2801))));

        List<Socket> crowd = [];
        try
        {
            foreach (int port in (int[])[server.OtlpPort, server.OtlpHttpUrl.Port, server.JaegerUrl.Port])
            {
                for (int i = 0; i < OpenFiles; i++)
                {
                    var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                    crowd.Add(socket);
                    await socket.ConnectAsync(IPAddress.Loopback, port);
                }
            }

            // Some of them are told
            await Eventually.BeTrueAsync("a refusal", () => Task.FromResult(crowd.Any(socket => socket.Available > 0)));
            byte[] answer = new byte[256];
            int read = await crowd.First(socket => socket.Available > 0).ReceiveAsync(answer);
            Assert.StartsWith("HTTP/1.1 503 Service Unavailable", Encoding.ASCII.GetString(answer, 0, read), StringComparison.Ordinal);

            // Who is in goes on, and what comes is stored
            await otlp.ExportAsync(Request(Resource("meanwhile", Span(2802))));
            await tempo.WaitForTraceAsync(Hex(TraceId(2802)), 1);
        }
        finally
        {
            crowd.ForEach(socket => socket.Dispose());
        }

        using var later = new OtlpClient(server.OtlpPort);
        await Eventually.BeTrueAsync("room", async () => await Record.ExceptionAsync(() => later.ExportAsync(Request(Resource("after", Span(2803))))) is null);
        await tempo.WaitForTraceAsync(Hex(TraceId(2803)), 1);
        Assert.Equal(0, await server.StopAsync());
    }
}

using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace TraceStore.Tests.Fuzz;

/// <summary>Sends requests byte for byte as they are.</summary>
internal sealed class HostileClient(Uri tempo, Uri jaeger) : IDisposable
{
    private static readonly UriCreationOptions s_asItIs = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false })
    {
        Timeout = Timeout.InfiniteTimeSpan, // each request has its deadline
    };

    /// <exception cref="OperationCanceledException">The deadline has passed.</exception>
    /// <exception cref="HttpRequestException">No answer, or half of one.</exception>
    /// <exception cref="IOException">Likewise.</exception>
    public Task<HostileAnswer> SendAsync(HostileRequest request, CancellationToken deadline)
    {
        Uri door = request.Api == Api.Tempo ? tempo : jaeger;
        return request.IsWellFormed ? SendAsync(door, request, deadline) : SendRawAsync(door, request, deadline);
    }

    public void Dispose() => _http.Dispose();

    private async Task<HostileAnswer> SendAsync(Uri door, HostileRequest request, CancellationToken deadline)
    {
        using var message = new HttpRequestMessage(new HttpMethod(request.Method), new Uri($"http://127.0.0.1:{door.Port}{request.Target}", s_asItIs));
        if (request.Accept is { } accept) message.Headers.TryAddWithoutValidation("Accept", accept);
        using HttpResponseMessage response = await _http.SendAsync(message, deadline);
        byte[] body = await response.Content.ReadAsByteArrayAsync(deadline);
        return new HostileAnswer((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, response.Headers.ConnectionClose == true, body);
    }

    /// <summary>What HttpClient would mend or refuse.</summary>
    private static async Task<HostileAnswer> SendRawAsync(Uri door, HostileRequest request, CancellationToken deadline)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", door.Port, deadline);
        NetworkStream stream = socket.GetStream();
        string accept = request.Accept is null ? "" : $"Accept: {request.Accept}\r\n";
        string head = $"{request.Method} {request.Target} HTTP/1.1\r\nHost: 127.0.0.1:{door.Port}\r\nConnection: close\r\n{accept}\r\n";
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head), deadline);
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer, deadline);
        return Parse(answer.ToArray());
    }

    private static HostileAnswer Parse(byte[] answer)
    {
        int headLength = answer.AsSpan().IndexOf("\r\n\r\n"u8);
        if (headLength < 0) throw new IOException($"no answer, but {answer.Length} bytes");
        string[] head = Encoding.Latin1.GetString(answer, 0, headLength).Split("\r\n");
        var headers = head.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(header => header[0], header => header[1], StringComparer.OrdinalIgnoreCase);
        byte[] body = answer[(headLength + 4)..];
        return new HostileAnswer(
            int.Parse(head[0].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture),
            headers.TryGetValue("Content-Type", out string? type) ? MediaTypeHeaderValue.Parse(type).MediaType : null,
            IsLast: body.Length == 0, // each of these connections is closed; nothing in it says that Kestrel answered by itself
            headers.ContainsKey("Transfer-Encoding") ? Unchunked(body) : body);
    }

    private static byte[] Unchunked(ReadOnlySpan<byte> chunks)
    {
        List<byte> body = [];
        while (true)
        {
            int lineEnd = chunks.IndexOf("\r\n"u8);
            if (lineEnd < 0) throw new IOException("half an answer");
            int length = Convert.ToInt32(Encoding.ASCII.GetString(chunks[..lineEnd]), 16);
            if (length == 0) return [.. body];
            chunks = chunks[(lineEnd + 2)..];
            if (chunks.Length < length + 2) throw new IOException("half an answer");
            body.AddRange(chunks[..length]);
            chunks = chunks[(length + 2)..];
        }
    }
}

using System.Globalization;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using TraceStore.Collector.Protection;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Serving;

/// <summary>What a running TraceStore tells of a snapshot that it takes: how far it is, and in the end which it is or why there is none.</summary>
internal sealed record SnapshotReport(SnapshotProgress? Progress = null, string? Taken = null, string? Failure = null);

/// <summary>What is stored, and which days retention has dropped (as ClickHouse names them).</summary>
internal sealed record LiveContent(IReadOnlyList<DayContent> Days, IReadOnlyList<string> Dropped);

/// <summary>Reads what is stored up to a segment of the log, once it is.</summary>
internal delegate Task<LiveContent> ReadContent(ulong log, ulong through, CancellationToken cancellation);

/// <summary>
/// How commands of the same machine's same user speak to a running TraceStore: HTTP over a socket in the data directory, which only its
/// owner can open. <c>POST /snapshots</c> takes one, and answers with a line of JSON for each step; <c>GET /content</c> tells what is stored up to
/// a segment of the log, once it is.
/// </summary>
internal sealed class ControlSocket : IAsyncDisposable
{
    private const string FileName = "control.sock";
    private const string Snapshots = "/snapshots";
    private const string Content = "/content";

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
    private static readonly TimeSpan s_betweenReports = TimeSpan.FromMilliseconds(200);

    private readonly WebApplication _app;
    private readonly string _path;

    private ControlSocket(WebApplication app, string path) => (_app, _path) = (app, path);

    /// <summary>Opens it; null where it can't be, which is told.</summary>
    public static async Task<ControlSocket?> OpenAsync(string dataDirectory, SnapshotSchedule snapshots, ReadContent readContent, ILoggerFactory logs)
    {
        string path = Path.Combine(dataDirectory, FileName);
        try
        {
            File.Delete(path); // a killed process's
            WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(path));
            builder.Services.AddRoutingCore();
            builder.Services.AddSingleton(logs);
            WebApplication app = builder.Build();
            app.MapPost(Snapshots, (HttpContext context, bool acceptsLoss) => TakeAsync(context, snapshots, acceptsLoss));
            app.MapGet(Content, (ulong log, ulong through, CancellationToken cancellation) => AnswerAsync(readContent, log, through, cancellation));
            await app.StartAsync().ConfigureAwait(false);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return new ControlSocket(app, path);
        }
        catch (Exception e) when (e is ArgumentException or IOException or SocketException or UnauthorizedAccessException)
        {
            logs.CreateLogger<ControlSocket>().LogWarning("Snapshots are taken by their schedule only, for commands can't reach this TraceStore: {Path} can't be opened. {Cause}", path, e.Message);
            return null;
        }
    }

    /// <summary>Asks the TraceStore that runs on a data directory for a snapshot.</summary>
    /// <exception cref="IOException">None runs there, or it takes no snapshot; the message says why.</exception>
    public static async Task<string> AskForSnapshotAsync(string dataDirectory, bool acceptsLoss, Action<SnapshotProgress> progress, CancellationToken cancellation)
    {
        try
        {
            using HttpClient http = Connect(dataDirectory);
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{Snapshots}?acceptsLoss={acceptsLoss}");
            using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode) throw new IOException($"The TraceStore on {dataDirectory} answers {(int)response.StatusCode}: is it of another version?");
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false));
            while (await lines.ReadLineAsync(cancellation).ConfigureAwait(false) is { } line)
            {
                SnapshotReport report = JsonSerializer.Deserialize<SnapshotReport>(line, s_json)!;
                if (report.Failure is { } failure) throw new IOException(failure);
                if (report.Taken is { } taken) return taken;
                if (report.Progress is { } done) progress(done);
            }
        }
        catch (ArgumentException e)
        {
            throw new IOException($"{Path.Combine(dataDirectory, FileName)} is too long for the path of a socket, so commands can't reach TraceStore there; its schedule takes snapshots (Archive:SnapshotEvery). Move the data to a shorter path.", e);
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or JsonException)
        {
            throw new IOException($"No TraceStore with an archive runs on {dataDirectory} for this user. A snapshot is taken by the one that runs: start it, with --archive.", e);
        }

        throw new IOException($"The TraceStore on {dataDirectory} has stopped before the snapshot was taken.");
    }

    /// <summary>Asks the TraceStore that runs on a data directory what it has stored up to a segment of its log.</summary>
    /// <returns>Null where none runs there.</returns>
    /// <exception cref="IOException">It can't tell; the message says why.</exception>
    public static async Task<LiveContent?> AskForContentAsync(string dataDirectory, ulong log, ulong through, CancellationToken cancellation)
    {
        try
        {
            using HttpClient http = Connect(dataDirectory);
            using HttpResponseMessage response = await http.GetAsync(string.Create(CultureInfo.InvariantCulture, $"{Content}?log={log}&through={through}"), cancellation).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode) throw new IOException(await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false));
            return await response.Content.ReadFromJsonAsync<LiveContent>(s_json, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or ArgumentException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(s_betweenReports);
        await _app.StopAsync(limit.Token).ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        File.Delete(_path);
    }

    private static HttpClient Connect(string dataDirectory)
    {
        var endpoint = new UnixDomainSocketEndPoint(Path.Combine(dataDirectory, FileName));
        return new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, token) => ConnectAsync(endpoint, token) }) { BaseAddress = new Uri("http://tracestore"), Timeout = Timeout.InfiniteTimeSpan };
    }

    private static async Task<IResult> AnswerAsync(ReadContent read, ulong log, ulong through, CancellationToken cancellation)
    {
        try
        {
            return Results.Json(await read(log, through, cancellation).ConfigureAwait(false), s_json);
        }
        catch (Exception e) when (e is ClickHouseUnavailableException or ClickHouseRefusedException or IOException)
        {
            return Results.Text(e.Message, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }

    private static async ValueTask<Stream> ConnectAsync(UnixDomainSocketEndPoint endpoint, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(endpoint, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task TakeAsync(HttpContext context, SnapshotSchedule snapshots, bool acceptsLoss)
    {
        context.Response.ContentType = "application/x-ndjson";
        var done = new SnapshotProgress(0, 0);
        Task<SnapshotManifest> taking = snapshots.TakeAsync(acceptsLoss, progress => done = progress, context.RequestAborted);
        while (await Task.WhenAny(taking, Task.Delay(s_betweenReports, context.RequestAborted)).ConfigureAwait(false) != taking && !context.RequestAborted.IsCancellationRequested)
        {
            await TellAsync(context, new SnapshotReport(Progress: done)).ConfigureAwait(false);
        }

        SnapshotReport last;
        try
        {
            last = new SnapshotReport(Taken: (await taking.ConfigureAwait(false)).Id.ToString());
        }
        catch (Exception e)
        {
            last = new SnapshotReport(Failure: e is OperationCanceledException ? "TraceStore is stopping." : e.Message);
        }

        if (!context.RequestAborted.IsCancellationRequested) await TellAsync(context, last).ConfigureAwait(false);
    }

    private static async Task TellAsync(HttpContext context, SnapshotReport report)
    {
        await context.Response.Body.WriteAsync((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(report, s_json), (byte)'\n'], context.RequestAborted).ConfigureAwait(false);
        await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}

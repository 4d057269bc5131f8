using System.CommandLine;
using System.Net.Sockets;
using Spectre.Console;
using TraceStore.Settings;
using TraceStore.Terminal;

namespace TraceStore.Demo;

/// <summary>
/// <c>tracestore demo</c>: the first thing to try.
/// <list type="number">
/// <item>See that a TraceStore answers, and takes spans.</item>
/// <item>Start Frontend, Backend and Database.</item>
/// <item>Send requests to Frontend; some are slow, some fail.</item>
/// <item>Stop the services, which sends their last spans.</item>
/// <item>Read one of the failed requests' traces back, and draw it.</item>
/// </list>
/// </summary>
internal static class DemoCommand
{
    /// <summary>Spans of one request: Frontend serves and calls, Backend serves, calculates and calls, Database serves and queries.</summary>
    private const int SpansPerRequest = 7;

    private static readonly TimeSpan s_storeTimeout = TimeSpan.FromSeconds(30);

    public static Command Create()
    {
        var requests = new Option<int>("--requests") { HelpName = "N", Description = "How many requests", DefaultValueFactory = _ => 20 };
        requests.Validators.Add(result =>
        {
            bool isNumber = int.TryParse(result.Tokens.Count == 0 ? "20" : result.Tokens[0].Value, out int count);
            if (!isNumber || count is < 1 or > 10_000) result.AddError("--requests: a number from 1 to 10000 was expected.");
        });
        var otlp = new Option<string>("--otlp")
        {
            HelpName = "URL",
            Description = "Where spans are sent, OTLP over gRPC",
            DefaultValueFactory = _ => "http://127.0.0.1:4317",
        };
        Option<string> url = TraceCommand.UrlOption();
        var command = new Command("demo", "Run three small services that send traces, and draw one of them.") { requests, otlp, url };
        command.SetAction((arguments, cancellation) =>
            RunAsync(arguments.GetValue(requests), arguments.GetValue(otlp)!, arguments.GetValue(url)!, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(int requests, string otlp, string url, CancellationToken cancellation)
    {
        try
        {
            using var client = new TraceClient(url);
            await client.CheckAsync(cancellation).ConfigureAwait(false); // 1
            await CheckOtlpAsync(otlp, cancellation).ConfigureAwait(false);
            IReadOnlyList<DemoRequest> sent = await SendAsync(requests, otlp, cancellation).ConfigureAwait(false); // 2, 3, 4
            DemoRequest shown = sent.FirstOrDefault(request => request.Failed) ?? sent[0];
            StoredTrace trace = await WaitForAsync(client, shown, cancellation).ConfigureAwait(false); // 5

            IAnsiConsole console = AnsiConsole.Console;
            console.MarkupLineInterpolated($"{sent.Count} requests, {sent.Count(request => request.Failed)} failed, {sent.Count(request => DemoOrders.IsSlow(request.Order))} slow. One of them:");
            console.WriteLine();
            new Waterfall(trace).Draw(console);
            console.WriteLine();
            console.MarkupLineInterpolated($"Draw another: {ThisProgram.Name} trace {sent[^1].TraceId}{(url == TraceCommand.DefaultUrl ? "" : $" --url {url}")}");
            return 0;
        }
        catch (Exception e) when (e is TraceClientException or InvalidOperationException or HttpRequestException or TimeoutException)
        {
            await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            return 1;
        }
    }

    private static async Task CheckOtlpAsync(string otlp, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(otlp, UriKind.Absolute, out Uri? url)) throw new TraceClientException($"--otlp {otlp}: a URL such as http://127.0.0.1:4317 was expected.");
        try
        {
            using var probe = new TcpClient();
            await probe.ConnectAsync(url.Host, url.Port, cancellation).ConfigureAwait(false);
        }
        catch (SocketException e)
        {
            throw new TraceClientException($"Nothing takes spans at {otlp} ({e.Message}). Name TraceStore's OTLP port with --otlp.", e);
        }
    }

    private static async Task<IReadOnlyList<DemoRequest>> SendAsync(int requests, string otlp, CancellationToken cancellation)
    {
        // 2, from the last to the first, each knowing the one it calls
        await using DemoService database = await DemoService.StartAsync(DemoServiceCommand.Database, "", otlp, cancellation).ConfigureAwait(false);
        await using DemoService backend = await DemoService.StartAsync(DemoServiceCommand.Backend, database.Url, otlp, cancellation).ConfigureAwait(false);
        await using DemoService frontend = await DemoService.StartAsync(DemoServiceCommand.Frontend, backend.Url, otlp, cancellation).ConfigureAwait(false);

        // 3
        List<DemoRequest> sent = [];
        using var http = new HttpClient();
        await AnsiConsole.Progress().StartAsync(async progress =>
        {
            ProgressTask task = progress.AddTask("Frontend → Backend → Database", maxValue: requests);
            for (int order = 1; order <= requests; order++, task.Increment(1))
            {
                using HttpResponseMessage answer = await http.GetAsync(new Uri($"{frontend.Url}/checkout/{order}"), cancellation).ConfigureAwait(false);
                sent.Add(new DemoRequest(order, answer.Headers.GetValues(DemoServiceCommand.TraceIdHeader).First(), !answer.IsSuccessStatusCode));
            }
        }).ConfigureAwait(false);
        return sent; // 4, by disposing
    }

    private static async Task<StoredTrace> WaitForAsync(TraceClient client, DemoRequest request, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_storeTimeout);
        try
        {
            while (true)
            {
                StoredTrace? trace = await client.ReadAsync(request.TraceId, limit.Token).ConfigureAwait(false);
                if (trace?.Trace.Spans.Count >= SpansPerRequest) return trace;
                await Task.Delay(TimeSpan.FromMilliseconds(100), limit.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"The trace {request.TraceId} wasn't there after {s_storeTimeout.TotalSeconds} s. Do --otlp and --url name the same TraceStore?");
        }
    }

    private sealed record DemoRequest(int Order, string TraceId, bool Failed);
}

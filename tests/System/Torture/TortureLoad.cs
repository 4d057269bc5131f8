using Google.Protobuf;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems.Torture;

/// <summary>
/// Clients that do what SDKs do: send a request again, the same bytes, until it is acknowledged. So when they pause,
/// everything that was ever sent is acknowledged, and what is stored must be exactly that.
/// </summary>
internal sealed class TortureLoad : IAsyncDisposable
{
    private const int Clients = 4;
    private const int RequestsPerService = 20;
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_retryDelay = TimeSpan.FromMilliseconds(50);

    private readonly Ledger _ledger;
    private readonly int _port;
    private readonly CancellationTokenSource _end = new();
    private readonly Task[] _clients;
    private readonly SemaphoreSlim _running = new(Clients, Clients);
    private int _lastNumber;
    private int _requests;
    private int _resends;

    public TortureLoad(Ledger ledger, int port)
    {
        (_ledger, _port) = (ledger, port);
        for (int client = 0; client < Clients; client++) _running.Wait();
        _clients = [.. Enumerable.Range(0, Clients).Select(client => Task.Run(() => RunAsync(client)))];
    }

    /// <summary>Requests that were acknowledged.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>How often a request was sent once more.</summary>
    public int Resends => Volatile.Read(ref _resends);

    public string? LastRefusal { get; private set; }

    public void Resume() => _running.Release(Clients);

    /// <summary>Waits until every client has had its request acknowledged, and lets them send no more.</summary>
    public async Task PauseAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        for (int client = 0; client < Clients; client++) await _running.WaitAsync(limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_clients);
        _end.Dispose();
        _running.Dispose();
    }

    private async Task RunAsync(int client)
    {
        using var otlp = new OtlpClient(_port);
        try
        {
            for (int number = 0; ; number++)
            {
                await _running.WaitAsync(_end.Token);
                await SendAsync(otlp, $"service-{client}-{number / RequestsPerService}");
                _running.Release();
                await Task.Delay(s_pause, _end.Token);
            }
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // the test is over
        }
    }

    private async Task SendAsync(OtlpClient otlp, string service)
    {
        int first = Interlocked.Add(ref _lastNumber, Ledger.SpansPerRequest) - Ledger.SpansPerRequest + 1;
        byte[] request = Request(service, first).ToByteArray();
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                ExportTraceServiceResponse response = await otlp.ExportAsync(request, deadline: s_deadline);
                if (response.PartialSuccess is { } partial) throw new InvalidOperationException($"Nothing was wrong with the spans: {partial}");
                break;
            }
            catch (RpcException e)
            {
                LastRefusal = e.Status.Detail;
                if (attempt > 0) Interlocked.Increment(ref _resends);
                await Task.Delay(s_retryDelay, _end.Token);
            }
        }

        _ledger.Acknowledge(service, first);
        Interlocked.Increment(ref _requests);
    }

    private static ExportTraceServiceRequest Request(string service, int first)
    {
        IEnumerable<Span> spans = Enumerable.Range(first, Ledger.SpansPerRequest).Select(number =>
        {
            Span span = Span(trace: first, span: number, name: Ledger.OperationOf(number));
            span.Attributes.Add(Attribute("number", number));
            return span;
        });
        ResourceSpans resource = Resource(service, spans);
        resource.ScopeSpans[0].Scope = new InstrumentationScope { Name = Ledger.ScopeOf(service) };
        return OtlpSamples.Request(resource);
    }
}

using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using TraceStore.Query.Assembly;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;

namespace TraceStore.Terminal;

/// <summary>A trace as it came back, decoded and assembled the way the server does it.</summary>
internal sealed record StoredTrace(AssembledTrace Trace, SpanBatch Spans);

/// <summary>TraceStore can't be asked, or says no; the message says what to do.</summary>
internal sealed class TraceClientException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>Reads traces through the Tempo API, as Grafana does.</summary>
internal sealed class TraceClient : IDisposable
{
    /// <summary>The tag of TraceByIDResponse.trace: field 1, length-delimited.</summary>
    private const uint TraceField = 0x0A;

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly string _url;

    /// <exception cref="TraceClientException">It is no URL.</exception>
    public TraceClient(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? parsed) || parsed.Scheme is not ("http" or "https"))
        {
            throw new TraceClientException($"--url {url}: a URL such as {TraceCommand.DefaultUrl} was expected.");
        }

        _url = url.TrimEnd('/');
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/protobuf"));
    }

    /// <summary>Whether a TraceStore answers there and can read traces.</summary>
    /// <exception cref="TraceClientException">It doesn't, or can't.</exception>
    public Task CheckAsync(CancellationToken cancellation) => GetAsync("/ready", cancellation);

    /// <summary>A trace by its ID; null when there is none.</summary>
    /// <exception cref="TraceClientException">TraceStore can't be asked, or says no.</exception>
    public async Task<StoredTrace?> ReadAsync(string id, CancellationToken cancellation)
    {
        byte[] answer = await GetAsync($"/api/v2/traces/{Uri.EscapeDataString(id)}", cancellation).ConfigureAwait(false);
        byte[] content = TraceIn(answer);
        // A trace and an export request are the same on the wire, so what decodes the one decodes the other.
        DecodedSegment decoded = OtlpDecoder.DecodeAlone(content);
        AssembledTrace? trace = TraceAssembler.Assemble(decoded.Spans, SpanContent.Whole(decoded.Spans)).Values.FirstOrDefault();
        return trace is null ? null : new StoredTrace(trace, decoded.Spans);
    }

    /// <summary>What the API answers, in JSON.</summary>
    /// <exception cref="TraceClientException">TraceStore can't be asked, or says no.</exception>
    public async Task<string> AskAsync(string path, CancellationToken cancellation) =>
        System.Text.Encoding.UTF8.GetString(await GetAsync(path, cancellation).ConfigureAwait(false));

    public void Dispose() => _http.Dispose();

    private byte[] TraceIn(byte[] answer)
    {
        try
        {
            var response = new CodedInputStream(answer);
            return response.ReadTag() == TraceField ? response.ReadBytes().ToByteArray() : [];
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new TraceClientException($"What {_url} answered is no trace. Is that TraceStore's Tempo port?", e);
        }
    }

    private async Task<byte[]> GetAsync(string path, CancellationToken cancellation)
    {
        try
        {
            using HttpResponseMessage response = await _http.GetAsync(new Uri(_url + path), cancellation).ConfigureAwait(false);
            if (response.IsSuccessStatusCode) return await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
            string reason = await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false);
            throw new TraceClientException(reason.Length == 0 || response.StatusCode == HttpStatusCode.NotFound
                ? $"{_url} answered {(int)response.StatusCode}. Is that TraceStore's Tempo port?"
                : $"{_url} answered {(int)response.StatusCode}: {reason}");
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new TraceClientException($"{_url} didn't answer in time.", e);
        }
        catch (HttpRequestException e)
        {
            throw new TraceClientException($"No TraceStore answers at {_url} ({e.Message}). Start one (tracestore serve), or name another with --url.", e);
        }
    }
}

using System.Net;
using System.Net.Http.Headers;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;

namespace TraceStore.Tests;

/// <summary>Reads traces by Tempo's API as Grafana does, by the contract alone.</summary>
public static class TempoReading
{
    private const int TraceField = 0x0A; // TraceByIDResponse.trace: field 1, length-delimited

    /// <summary>A trace's spans by API v2 in protobuf; none when it isn't there.</summary>
    public static async Task<IReadOnlyList<ResourceSpans>> ReadTraceAsync(this HttpClient tempo, string traceId)
    {
        using HttpResponseMessage response = await tempo.GetProtobufAsync($"/api/v2/traces/{traceId}");
        response.EnsureSuccessStatusCode();
        var input = new Google.Protobuf.CodedInputStream(await response.Content.ReadAsByteArrayAsync());
        if (input.ReadTag() != TraceField) throw new InvalidDataException("Grafana needs the trace to be there.");
        return [.. ExportTraceServiceRequest.Parser.ParseFrom(input.ReadBytes()).ResourceSpans];
    }

    public static Task<HttpResponseMessage> GetProtobufAsync(this HttpClient tempo, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/protobuf"));
        return tempo.SendAsync(request);
    }

    /// <summary>Waits until a trace has this many spans.</summary>
    public static Task<IReadOnlyList<ResourceSpans>> WaitForTraceAsync(this HttpClient tempo, string traceId, int spans) =>
        Eventually.GetAsync<IReadOnlyList<ResourceSpans>>($"trace {traceId} of {spans} spans", async () =>
        {
            IReadOnlyList<ResourceSpans> trace = await tempo.ReadTraceAsync(traceId);
            return trace.Sum(resource => resource.ScopeSpans.Sum(scope => scope.Spans.Count)) >= spans ? trace : null;
        });

    /// <summary>Waits until everything in the write-ahead log is stored.</summary>
    public static Task WaitForEmptyLogAsync(this HttpClient tempo) => tempo.WaitForMetricAsync("tracestore_wal_segments_waiting", value => value == 0);

    /// <summary>Waits until one of the metrics of a name, whatever its labels, has a value.</summary>
    public static Task WaitForMetricAsync(this HttpClient tempo, string name, Func<double, bool> isReached, string labels = "") =>
        Eventually.BeTrueAsync(name + labels, async () => (await tempo.GetStringAsync("/metrics")).Split('\n').Any(line =>
            line.StartsWith(name + '{', StringComparison.Ordinal) && line.Contains(labels, StringComparison.Ordinal)
            && isReached(double.Parse(line.Split("} ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture))));

    /// <summary>Whether the service answers a path with success.</summary>
    public static async Task<bool> IsUpAsync(this HttpClient http, string path)
    {
        try
        {
            using HttpResponseMessage response = await http.GetAsync(path);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}

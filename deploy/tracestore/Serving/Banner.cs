using TraceStore.Settings;

namespace TraceStore.Serving;

/// <summary>What a person sees when TraceStore has started: where it listens, where the data is, what to try next.</summary>
internal static class Banner
{
    public static void Print(TraceStoreServer server, TraceStoreSettings settings)
    {
        string host = settings.ListenAddress.ToString();
        string clickHouse = settings.ClickHouse.Url is { } url ? $"ClickHouse at {url}" : "embedded ClickHouse";
        Console.WriteLine(
            $"""
            TraceStore is ready.

              OTLP gRPC   {host}:{server.OtlpGrpcPort}         send spans here (OTEL_EXPORTER_OTLP_ENDPOINT=http://{host}:{server.OtlpGrpcPort})
              Tempo API   http://{host}:{server.TempoPort}   for Grafana's Tempo data source; also /readyz and /metrics
              Jaeger API  http://{host}:{server.JaegerPort}  for Grafana's Jaeger data source
              Data        {settings.DataDirectory} ({clickHouse})

            Try, in another terminal:
              {Binary.Name} demo         three services send traces; one is drawn there
              {Binary.Name} trace ID     draws any trace

            Ctrl-C stops.
            """);
    }
}

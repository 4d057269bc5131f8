using System.Net;
using TraceStore.Settings;
using TraceStore.Terminal;

namespace TraceStore.Serving;

/// <summary>What a person sees when TraceStore has started: where it listens, where the data is, what to try next.</summary>
internal static class Banner
{
    public static void Print(TraceStoreServer server, TraceStoreSettings settings, bool canQuery)
    {
        // What others connect to: an address that stands for all of them is nobody's.
        bool isAny = settings.ListenAddress.Equals(IPAddress.Any) || settings.ListenAddress.Equals(IPAddress.IPv6Any);
        string host = isAny ? Environment.MachineName : new UriBuilder("http", settings.ListenAddress.ToString()).Host;
        string otlp = $"http://{host}:{server.OtlpGrpcPort}";
        string otlpHttp = $"http://{host}:{server.OtlpHttpPort}";
        string tempo = $"http://{host}:{server.TempoPort}";
        string jaeger = $"http://{host}:{server.JaegerPort}";
        int width = new[] { otlp, otlpHttp, tempo, jaeger }.Max(url => url.Length);
        string clickHouse = settings.ClickHouse.Url is { } url ? url.ToString() : "embedded, in the data directory";
        string demoOptions = (otlp == "http://127.0.0.1:4317" ? "" : $" --otlp {otlp}") + Url(tempo);

        Console.WriteLine(
            $"""
            {(canQuery ? "TraceStore is ready." : "TraceStore takes spans; ClickHouse isn't ready yet, so they wait in the data directory and queries don't answer.")}

              OTLP        {otlp.PadRight(width)}   send spans here, by gRPC or HTTP, protobuf or JSON:
                          {otlpHttp.PadRight(width)}   OTEL_EXPORTER_OTLP_ENDPOINT={otlpHttp}
              Tempo API   {tempo.PadRight(width)}   for Grafana's Tempo data source; also /readyz and /metrics
              Jaeger API  {jaeger.PadRight(width)}   for Grafana's Jaeger data source
              Data        {settings.DataDirectory}
              ClickHouse  {clickHouse}{(settings.Archive is { } archive ? $"\n  Archive     {archive.Store.Address}{(archive.Store.Keys is null ? "" : ", encrypted")}" : "")}
            {(IPAddress.IsLoopback(settings.ListenAddress) ? "" : "\n  Everyone who reaches this address can send and read traces: there is no authentication.\n")}
            Try, in another terminal:
              {ThisProgram.Name} demo{demoOptions}
              {ThisProgram.Name} trace ID{Url(tempo)}

            Ctrl-C stops.
            """);
    }

    private static string Url(string tempo) => tempo == TraceCommand.DefaultUrl ? "" : $" --url {tempo}";
}

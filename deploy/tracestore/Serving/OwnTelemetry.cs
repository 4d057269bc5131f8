using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using TraceStore.Collector.Pipeline;
using TraceStore.Collector.Protection;
using TraceStore.Recovery;
using TraceStore.Storage.Archive;

namespace TraceStore.Serving;

/// <summary>What TraceStore tells about itself: its own metrics and the runtime's, for Prometheus.</summary>
internal sealed class OwnTelemetry : IDisposable
{
    private static readonly string[] s_meters = [IngestMetrics.MeterName, ArchiveMetrics.MeterName, SnapshotMetrics.MeterName, RecoveryMetrics.MeterName];

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly MeterProvider _provider;

    public OwnTelemetry() => _provider = Sdk.CreateMeterProviderBuilder()
        .ConfigureResource(resource => resource.AddService("tracestore", serviceVersion: typeof(OwnTelemetry).Assembly.GetName().Version!.ToString(3)))
        .AddMeter(s_meters)
        .AddView(instrument => IsAnothers(instrument) ? MetricStreamConfiguration.Drop : null)
        .AddRuntimeInstrumentation()
        .AddPrometheusExporter(exporter => exporter.ScrapeResponseCacheDurationMilliseconds = 0)
        .Build();

    /// <summary>Makes the meters that are published.</summary>
    public IMeterFactory Meters => _services.GetRequiredService<IMeterFactory>();

    /// <summary>Puts <c>/metrics</c> on a web application.</summary>
    public void Map(WebApplication app) =>
        app.UseOpenTelemetryPrometheusScrapingEndpoint(_provider, context => context.Request.Path == "/metrics", null, null, null);

    public void Dispose()
    {
        _provider.Dispose();
        _services.Dispose();
    }

    /// <summary>Meters are found by name in the whole process, where more than one TraceStore may run.</summary>
    private bool IsAnothers(Instrument instrument) => s_meters.Contains(instrument.Meter.Name) && instrument.Meter.Scope != Meters;
}

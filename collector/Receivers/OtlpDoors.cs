using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using TraceStore.Collector.Pipeline;

namespace TraceStore.Collector.Receivers;

/// <summary>Puts OTLP's receivers on web applications: gRPC's and HTTP's, which lead to the same pipeline.</summary>
public sealed class OtlpDoors(IngestPipeline pipeline, OtlpOptions options, IngestMetrics metrics) : IDisposable
{
    private readonly RequestDecompressor _decompressor = new();
    private readonly BytesInFlight _inFlight = new(options, metrics.RequestsActive);

    public void AddTo(IServiceCollection services)
    {
        services.AddSingleton(options).AddSingleton(_inFlight).AddSingleton(_decompressor).AddSingleton(pipeline).AddSingleton<OtlpGrpcGate>();
        services.AddGrpc();
        services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
            .SetIsOriginAllowed(IsAllowed)
            .WithMethods(HttpMethods.Post)
            .AllowAnyHeader()
            .WithExposedHeaders("Retry-After")
            .SetPreflightMaxAge(TimeSpan.FromHours(1))));
    }

    /// <summary>Both protocols: which port is for which, clients mix up.</summary>
    public void Map(WebApplication app)
    {
        var receiver = new OtlpHttpReceiver(pipeline, _inFlight, _decompressor, options);
        app.UseWhen(IsGrpc, grpc => grpc.UseMiddleware<OtlpGrpcGate>());
        app.UseCors();
        app.MapGrpcService<OtlpGrpcReceiver>();
        app.MapPost(OtlpHttpReceiver.TracesPath, receiver.ExportAsync);
        app.MapFallback("{**path}", OtlpHttpReceiver.RefuseUnknownAsync);
    }

    public void Dispose() => _decompressor.Dispose();

    private static bool IsGrpc(HttpContext context) => context.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;

    private bool IsAllowed(string origin) =>
        options.CorsOrigins.Contains("*")
        || options.CorsOrigins.Contains(origin, StringComparer.OrdinalIgnoreCase)
        || (Uri.TryCreate(origin, UriKind.Absolute, out Uri? page) && page.Scheme is "http" or "https" && IsThisMachine(page));

    private static bool IsThisMachine(Uri page) =>
        page.HostNameType == UriHostNameType.Dns ? page.Host == "localhost" || page.Host.EndsWith(".localhost", StringComparison.Ordinal) : page.IsLoopback;
}

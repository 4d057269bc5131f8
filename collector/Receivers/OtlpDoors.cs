using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using TraceStore.Collector.Pipeline;

namespace TraceStore.Collector.Receivers;

/// <summary>Puts OTLP's receivers on web applications: one for gRPC, one for HTTP. They lead to the same pipeline.</summary>
public sealed class OtlpDoors(IngestPipeline pipeline, OtlpOptions options, IngestMetrics metrics)
{
    private readonly BytesInFlight _inFlight = new(options);

    public void AddGrpc(IServiceCollection services)
    {
        services.AddSingleton<IMemoryPoolFactory<byte>, ReceiveBlocks>();
        services.AddHttpContextAccessor();
        services.AddSingleton(options).AddSingleton(_inFlight).AddSingleton(pipeline).AddSingleton(metrics).AddSingleton<OtlpGrpcGate>();
        services.AddOptions<Grpc.AspNetCore.Server.GrpcServiceOptions>().Configure<IHttpContextAccessor>((grpc, context) =>
            grpc.CompressionProviders = [new MeteredGzip(context)]);
        services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = options.MaxRequestBytes);
    }

    public static void MapGrpc(WebApplication app)
    {
        app.UseMiddleware<OtlpGrpcGate>();
        app.MapGrpcService<OtlpGrpcReceiver>();
    }

    public void AddHttp(IServiceCollection services)
    {
        services.AddSingleton<IMemoryPoolFactory<byte>, ReceiveBlocks>();
        services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
            .SetIsOriginAllowed(IsAllowed)
            .WithMethods(HttpMethods.Post)
            .AllowAnyHeader()
            .WithExposedHeaders("Retry-After")
            .SetPreflightMaxAge(TimeSpan.FromHours(1))));
    }

    public void MapHttp(WebApplication app)
    {
        var receiver = new OtlpHttpReceiver(pipeline, _inFlight, options, metrics);
        app.UseCors();
        app.MapPost(OtlpHttpReceiver.TracesPath, receiver.ExportAsync);
        app.MapFallback("{**path}", OtlpHttpReceiver.RefuseUnknownAsync);
    }

    private bool IsAllowed(string origin) =>
        options.CorsOrigins.Contains("*")
        || options.CorsOrigins.Contains(origin, StringComparer.OrdinalIgnoreCase)
        || (Uri.TryCreate(origin, UriKind.Absolute, out Uri? page) && page.Scheme is "http" or "https" && IsThisMachine(page));

    private static bool IsThisMachine(Uri page) =>
        page.HostNameType == UriHostNameType.Dns ? page.Host == "localhost" || page.Host.EndsWith(".localhost", StringComparison.Ordinal) : page.IsLoopback;
}

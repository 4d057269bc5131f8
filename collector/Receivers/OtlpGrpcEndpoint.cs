using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace TraceStore.Collector.Receivers;

/// <summary>Puts the receiver on a web application.</summary>
public static class OtlpGrpcEndpoint
{
    public static IServiceCollection AddOtlpGrpc(this IServiceCollection services, OtlpGrpcOptions options)
    {
        services.AddHttpContextAccessor();
        services.AddSingleton(options).AddSingleton<BytesInFlight>().AddSingleton<OtlpGrpcGate>();
        services.AddOptions<Grpc.AspNetCore.Server.GrpcServiceOptions>().Configure<IHttpContextAccessor>((grpc, context) =>
            grpc.CompressionProviders = [new MeteredGzip(context)]);
        services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = options.MaxRequestBytes);
        return services;
    }

    public static void MapOtlpGrpc(this WebApplication app)
    {
        app.UseMiddleware<OtlpGrpcGate>();
        app.MapGrpcService<OtlpGrpcReceiver>();
    }
}

using System.Threading.RateLimiting;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Status = Google.Rpc.Status;

namespace TraceStore.Collector.Receivers;

/// <summary>Puts the receiver on a web application.</summary>
public static class OtlpGrpcEndpoint
{
    private static readonly TimeSpan s_retryWhenBusy = TimeSpan.FromSeconds(1);

    public static IServiceCollection AddOtlpGrpc(this IServiceCollection services, OtlpGrpcOptions options)
    {
        services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = OtlpGrpcOptions.MaxRequestBytes);
        return services.AddRateLimiter(limiter =>
        {
            limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(_ => RateLimitPartition.GetConcurrencyLimiter("exports", _ => new()
            {
                PermitLimit = options.MaxConcurrentExports,
                QueueLimit = options.MaxQueuedExports,
                QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
            }));
            limiter.OnRejected = (rejected, _) =>
            {
                Refuse(rejected.HttpContext.Response);
                return default;
            };
        });
    }

    public static void MapOtlpGrpc(this WebApplication app)
    {
        app.UseRateLimiter();
        app.MapGrpcService<OtlpGrpcReceiver>();
    }

    /// <summary>Answers before the request is read: a gRPC response of trailers alone (gRPC over HTTP/2, "Trailers-Only").</summary>
    private static void Refuse(HttpResponse response)
    {
        Status status = GrpcFailure.Unavailable("Too many exports at once.", s_retryWhenBusy);
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = status.Code.ToString(System.Globalization.CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Uri.EscapeDataString(status.Message);
        response.Headers["grpc-status-details-bin"] = Convert.ToBase64String(status.ToByteArray()).TrimEnd('=');
    }
}

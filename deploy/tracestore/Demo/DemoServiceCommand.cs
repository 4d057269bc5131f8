using System.CommandLine;
using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace TraceStore.Demo;

/// <summary>
/// One of the demo's services, in a process of its own: an ordinary web service that is instrumented with the official
/// OpenTelemetry SDK and nothing of ours. Frontend calls Backend, Backend calls Database.
/// </summary>
internal static class DemoServiceCommand
{
    public const string Name = "demo-service";
    public const string Frontend = "frontend";
    public const string Backend = "backend";
    public const string Database = "database";

    /// <summary>Says which port the service has got, on its standard output.</summary>
    public const string ListeningPrefix = "listening on ";

    /// <summary>The response header that names the trace of a request.</summary>
    public const string TraceIdHeader = "X-Trace-Id";

    private static readonly ActivitySource s_activities = new("TraceStore.Demo");

    public static Command Create()
    {
        var service = new Argument<string>("service");
        var next = new Option<string>("--next") { Description = "The URL of the service that this one calls" };
        var otlp = new Option<string>("--otlp") { Description = "Where spans go" };
        var command = new Command(Name, "One of the demo's services.") { service, next, otlp };
        command.Hidden = true;
        command.SetAction((arguments, _) => RunAsync(arguments.GetValue(service)!, arguments.GetValue(next) ?? "", arguments.GetValue(otlp)!));
        return command;
    }

    private static async Task<int> RunAsync(string service, string next, string otlp)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddHttpClient();
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(service, serviceVersion: "1.0.0"))
            .WithTracing(tracing => tracing
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddSource(s_activities.Name)
                .AddOtlpExporter(exporter =>
                {
                    exporter.Endpoint = new Uri(otlp);
                    exporter.BatchExportProcessorOptions.ScheduledDelayMilliseconds = 200;
                }));
        await using WebApplication app = builder.Build();
        Map(app, service, next);
        await app.StartAsync().ConfigureAwait(false);
        Console.WriteLine(ListeningPrefix + app.Urls.First());

        // The demo holds the other end of standard input: when it ends, so does the service.
        await Console.In.ReadToEndAsync().ConfigureAwait(false);
        await app.StopAsync().ConfigureAwait(false);
        return 0;
    }

    private static void Map(WebApplication app, string service, string next)
    {
        switch (service)
        {
            case Frontend:
                app.MapGet("/checkout/{order:int}", async (int order, HttpContext context, HttpClient http) =>
                {
                    context.Response.Headers[TraceIdHeader] = Activity.Current!.TraceId.ToString();
                    using HttpResponseMessage answer = await http.GetAsync(new Uri($"{next}/orders/{order}")).ConfigureAwait(false);
                    return Results.StatusCode((int)answer.StatusCode);
                });
                break;
            case Backend:
                app.MapGet("/orders/{order:int}", async (int order, HttpClient http) =>
                {
                    await PriceAsync(order).ConfigureAwait(false);
                    using HttpResponseMessage answer = await http.GetAsync(new Uri($"{next}/query/{order}")).ConfigureAwait(false);
                    return Results.StatusCode((int)answer.StatusCode);
                });
                break;
            case Database:
                app.MapGet("/query/{order:int}", async (int order) => Results.StatusCode(await QueryAsync(order).ConfigureAwait(false)));
                break;
        }
    }

    private static async Task PriceAsync(int order)
    {
        using Activity? activity = s_activities.StartActivity("calculate price");
        activity?.SetTag("order.id", order);
        await Task.Delay(TimeSpan.FromMilliseconds(4)).ConfigureAwait(false);
    }

    /// <summary>Every fourth order is slow, every fifth fails.</summary>
    private static async Task<int> QueryAsync(int order)
    {
        using Activity? activity = s_activities.StartActivity("SELECT orders");
        activity?.SetTag("db.system.name", "demodb").SetTag("db.query.text", "SELECT * FROM orders WHERE id = ?").SetTag("order.id", order);
        bool isSlow = DemoOrders.IsSlow(order);
        await Task.Delay(TimeSpan.FromMilliseconds(isSlow ? 300 : 12)).ConfigureAwait(false);
        if (isSlow) activity?.AddEvent(new ActivityEvent("lock waited for", tags: new ActivityTagsCollection([new("lock.held_by", "report")])));
        if (!DemoOrders.Fails(order)) return StatusCodes.Status200OK;

        activity?.AddException(new InvalidOperationException($"order {order} is locked by another transaction"));
        activity?.SetStatus(ActivityStatusCode.Error, $"order {order} is locked");
        return StatusCodes.Status500InternalServerError;
    }
}

/// <summary>Which of the demo's orders go wrong.</summary>
internal static class DemoOrders
{
    public static bool IsSlow(int order) => order % 4 == 0;

    public static bool Fails(int order) => order % 5 == 0;
}

using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Spectre.Console;

namespace TraceStore.Load;

/// <summary><c>tracestore load</c>: sends made-up traces to any receiver of OTLP and says how they were taken.</summary>
internal static class LoadCommand
{
    private const int DefaultSeconds = 10;

    /// <summary>At a low rate, requests are small rather than rare.</summary>
    private const int RequestsPerSecond = 10;

    private static readonly TimeSpan s_progressEvery = TimeSpan.FromMilliseconds(200);

    public static Command Create()
    {
        var shape = new LoadShape();
        var url = new Option<string?>("--url") { HelpName = "URL", Description = "Where to send. Default: http://127.0.0.1:4317 for gRPC, http://127.0.0.1:4318 for HTTP" };
        var protocol = new Option<string>("--protocol") { Description = "grpc, http/protobuf or http/json", DefaultValueFactory = _ => "grpc" };
        protocol.AcceptOnlyFromAmong("grpc", "http/protobuf", "http/json");
        Option<int?> rate = Number("--rate", "Spans a second. Default: as fast as they are taken", 1, 100_000_000);
        Option<int?> duration = Number("--duration", $"Seconds to send for. Default: {DefaultSeconds}, unless --spans says how many", 1, 1_000_000);
        Option<int?> spans = Number("--spans", "Spans to send, in whole requests", 1, int.MaxValue);
        Option<int?> connections = Number("--connections", "Connections, each with one request at a time. Default: 4", 1, 1_000);
        Option<int?> perRequest = Number("--spans-per-request", $"Default: {shape.SpansPerRequest}, or a tenth of a second's at a rate", 1, 100_000);
        Option<int?> perTrace = Number("--spans-per-trace", $"Default: {shape.SpansPerTrace}", 1, 100_000);
        Option<int?> services = Number("--services", $"Default: {shape.Services}", 1, 10_000);
        Option<int?> spanAttributes = Number("--span-attributes", $"Attributes of each span. Default: {shape.SpanAttributes}", 0, 128);
        Option<int?> resourceAttributes = Number("--resource-attributes", $"Attributes of each service. Default: {shape.ResourceAttributes}", 1, 128);
        Option<int?> keys = Number("--attribute-keys", $"Distinct keys of the spans' attributes. Default: {shape.AttributeKeys}", 1, 100_000);
        var errorRate = new Option<double>("--error-rate") { HelpName = "0..1", Description = $"The share of spans that failed. Default: {shape.ErrorRate.ToString(CultureInfo.InvariantCulture)}", DefaultValueFactory = _ => shape.ErrorRate };
        errorRate.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (>= 0 and <= 1)) result.AddError("--error-rate: a number from 0 to 1 was expected.");
        });
        Option<int?> seed = Number("--seed", "Repeats a load: the same IDs and values. Default: another one each time", 0, int.MaxValue);
        var traceIds = new Option<string?>("--trace-ids") { HelpName = "FILE", Description = "Write the IDs of the traces that were acknowledged to this file, a line each" };
        var json = new Option<bool>("--json") { Description = "Report in JSON" };

        var command = new Command("load", "Send made-up traces over OTLP, and say how fast they were taken.")
        {
            url, protocol, rate, duration, spans, connections, perRequest, perTrace, services, spanAttributes, resourceAttributes, keys, errorRate, seed, traceIds, json,
        };
        command.SetAction((arguments, cancellation) =>
        {
            OtlpProtocol chosen = arguments.GetValue(protocol) switch
            {
                "http/protobuf" => OtlpProtocol.HttpProtobuf,
                "http/json" => OtlpProtocol.HttpJson,
                _ => OtlpProtocol.Grpc,
            };
            string target = arguments.GetValue(url) ?? (chosen == OtlpProtocol.Grpc ? "http://127.0.0.1:4317" : "http://127.0.0.1:4318");
            if (!Uri.TryCreate(target, UriKind.Absolute, out Uri? parsed) || parsed.Scheme is not ("http" or "https"))
            {
                Console.Error.WriteLine($"--url {target}: a URL such as http://127.0.0.1:4317 was expected.");
                return Task.FromResult(1);
            }

            int ofTrace = arguments.GetValue(perTrace) ?? shape.SpansPerTrace;
            int atRate = Math.Clamp((arguments.GetValue(rate) ?? int.MaxValue) / RequestsPerSecond, 1, shape.SpansPerRequest);
            int ofRequest = arguments.GetValue(perRequest) ?? Math.Max(atRate, arguments.GetValue(perTrace) ?? 1);
            if (arguments.GetValue(perTrace) > ofRequest)
            {
                Console.Error.WriteLine($"--spans-per-trace {ofTrace}: a trace is sent in one request, and --spans-per-request is {ofRequest}. Raise that, or leave it out.");
                return Task.FromResult(1);
            }

            long? count = arguments.GetValue(spans);
            int? seconds = arguments.GetValue(duration) ?? (count is null ? DefaultSeconds : null);
            var options = new LoadOptions
            {
                Url = parsed,
                Protocol = chosen,
                SpansPerSecond = arguments.GetValue(rate),
                Duration = seconds is { } s ? TimeSpan.FromSeconds(s) : null,
                Spans = count,
                Connections = arguments.GetValue(connections) ?? 4,
                TraceIdFile = arguments.GetValue(traceIds),
                Shape = shape with
                {
                    SpansPerRequest = ofRequest,
                    SpansPerTrace = ofTrace,
                    Services = arguments.GetValue(services) ?? shape.Services,
                    SpanAttributes = arguments.GetValue(spanAttributes) ?? shape.SpanAttributes,
                    ResourceAttributes = arguments.GetValue(resourceAttributes) ?? shape.ResourceAttributes,
                    AttributeKeys = arguments.GetValue(keys) ?? shape.AttributeKeys,
                    ErrorRate = arguments.GetValue(errorRate),
                    Seed = arguments.GetValue(seed) ?? Random.Shared.Next(),
                },
            };
            return RunAsync(options, arguments.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(LoadOptions options, bool asJson, CancellationToken cancellation)
    {
        try
        {
            using var run = new LoadRun(options);
            SendOutcome probe = await run.ProbeAsync(cancellation).ConfigureAwait(false);
            if (!probe.IsTaken)
            {
                await Console.Error.WriteLineAsync($"{options.Url} doesn't take OTLP: {probe.Failure}").ConfigureAwait(false);
                return 1;
            }

            if (asJson || Console.IsOutputRedirected) await RunQuietlyAsync(run, cancellation).ConfigureAwait(false);
            else await RunWithProgressAsync(run, options, cancellation).ConfigureAwait(false);
            Console.WriteLine(asJson ? run.Result.ToJson() : run.Result.ToText());
            if (!asJson) Console.WriteLine($"Seed       {options.Shape.Seed}");
            return run.Result.IsComplete ? 0 : 1;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"--trace-ids {options.TraceIdFile}: {e.Message}").ConfigureAwait(false);
            return 1;
        }
    }

    /// <summary>Says only that nothing is taken, once, when that begins.</summary>
    private static async Task RunQuietlyAsync(LoadRun run, CancellationToken cancellation)
    {
        Task running = run.RunAsync(cancellation);
        while (!running.IsCompleted && run.Result.LastFailure is null) await Task.WhenAny(running, Task.Delay(s_progressEvery, CancellationToken.None)).ConfigureAwait(false);
        if (!running.IsCompleted) await Console.Error.WriteLineAsync($"Not everything is taken at once; it is sent again. {run.Result.LastFailure}").ConfigureAwait(false);
        await running.ConfigureAwait(false);
    }

    private static Task RunWithProgressAsync(LoadRun run, LoadOptions options, CancellationToken cancellation) => AnsiConsole.Progress()
        .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
        .StartAsync(async progress =>
        {
            ProgressTask bar = progress.AddTask("sending");
            Task running = run.RunAsync(cancellation);
            for (long spans = 0; !running.IsCompleted;)
            {
                await Task.WhenAny(running, Task.Delay(s_progressEvery, CancellationToken.None)).ConfigureAwait(false);
                long now = run.Result.Spans;
                bar.Description = string.Create(CultureInfo.InvariantCulture, $"{now:N0} spans, {(now - spans) / s_progressEvery.TotalSeconds,9:N0} spans/s{(now == spans && run.Result.LastFailure is { } failure ? $"; not taken, sent again: {Markup.Escape(failure)}" : "")}");
                bar.Value = 100 * Math.Max((double)now / options.Spans ?? 0, bar.ElapsedTime / options.Duration ?? 0);
                spans = now;
            }

            await running.ConfigureAwait(false);
        });

    private static Option<int?> Number(string name, string description, int min, int max)
    {
        var option = new Option<int?>(name) { HelpName = "N", Description = description };
        option.Validators.Add(result =>
        {
            bool isNumber = result.Tokens is [Token token] && int.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= min && number <= max;
            if (!isNumber) result.AddError($"{name}: a number from {min} to {max} was expected.");
        });
        return option;
    }
}

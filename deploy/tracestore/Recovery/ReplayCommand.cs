using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Spectre.Console;
using TraceStore.Load;
using TraceStore.Settings;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;

namespace TraceStore.Recovery;

/// <summary><c>tracestore archive replay</c>: sends what is archived to any OTLP endpoint.</summary>
internal static class ReplayCommand
{
    /// <summary>Everything was sent, but not everything was taken.</summary>
    private const int SomeRefused = 3;

    public static Command Create()
    {
        var command = new Command("replay", "Send archived spans to any OTLP endpoint, as they came. Takes the options of serve: --archive says where they are.");
        Func<ParseResult, (IConfiguration, IReadOnlyList<string>)> read = ServeCommand.AddOptions(command);
        var to = new Option<string>("--to") { HelpName = "URL", Description = "The endpoint, such as http://elsewhere:4317", Required = true };
        var protocol = new Option<string>("--protocol") { Description = "grpc or http/protobuf", DefaultValueFactory = _ => "grpc" };
        protocol.AcceptOnlyFromAmong("grpc", "http/protobuf");
        var from = new Option<string?>("--from") { HelpName = "INSTANT", Description = "What was received then or later. Default: from the beginning" };
        var until = new Option<string?>("--until") { HelpName = "INSTANT", Description = "What was received then or earlier. Default: to the end" };
        var rate = new Option<int?>("--rate") { HelpName = "SPANS", Description = "At most so many spans a second. Default: as fast as they are taken" };
        var position = new Option<string?>("--position") { HelpName = "FILE", Description = "Note there how far it came, and go on from there" };
        foreach (Option option in new Option[] { to, protocol, from, until, rate, position }) command.Add(option);
        command.SetAction((arguments, cancellation) =>
        {
            (IConfiguration configuration, IReadOnlyList<string> unread) = read(arguments);
            List<string> problems = [.. unread];
            if (!Uri.TryCreate(arguments.GetValue(to), UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https")) problems.Add($"--to {arguments.GetValue(to)}: expected a URL such as http://elsewhere:4317.");
            if (arguments.GetValue(rate) <= 0) problems.Add($"--rate {arguments.GetValue(rate)}: expected spans a second, 1 or more.");
            var wishes = new ReplayWishes(Instants.Read("--from", arguments.GetValue(from), problems), Instants.Read("--until", arguments.GetValue(until), problems), arguments.GetValue(rate), arguments.GetValue(position));
            return RunAsync(configuration, problems, url!, arguments.GetValue(protocol) == "grpc" ? OtlpProtocol.Grpc : OtlpProtocol.HttpProtobuf, wishes, cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(IConfiguration configuration, List<string> problems, Uri url, OtlpProtocol protocol, ReplayWishes wishes, CancellationToken cancellation)
    {
        ArchiveSettings? archive = ArchivePlace.Read(configuration, problems);
        if (archive is null || problems.Count > 0) return ArchivePlace.Fail(problems);
        IObjectStore store = ObjectStores.Open(archive.Store);
        await using (store.ConfigureAwait(false))
        {
            try
            {
                RestorePlan plan = await RestorePlanner.PlanLogAsync(store, cancellation).ConfigureAwait(false);
                using var sender = OtlpSender.Connect(protocol, url);
                long started = Stopwatch.GetTimestamp();
                ReplayTotals totals = default;
                await AnsiConsole.Status().StartAsync($"Sending to {url}", async screen =>
                {
                    var replay = new LogReplay(store, sender, wishes, sent => screen.Status = Show(sent, Stopwatch.GetElapsedTime(started)));
                    totals = await replay.RunAsync(plan, cancellation).ConfigureAwait(false);
                }).ConfigureAwait(false);
                Console.WriteLine(Show(totals, Stopwatch.GetElapsedTime(started)));
                return totals.Rejected + totals.Refused == 0 ? 0 : SomeRefused;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return ArchivePlace.Fail([wishes.PositionFile is { } file ? $"Stopped. Replay again with --position {file}, and it goes on from there." : "Stopped. With --position FILE the next one could go on from there."]);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                return ArchivePlace.Fail([e.Message]);
            }
        }
    }

    private static string Show(ReplayTotals totals, TimeSpan elapsed) => string.Create(
        CultureInfo.InvariantCulture,
        $"{totals.Spans} spans sent ({totals.Bytes / 1e6:F1} MB in {elapsed.TotalSeconds:F1} s: {totals.Bytes / 1e6 / Math.Max(0.001, elapsed.TotalSeconds):F1} MB/s), {totals.Rejected} rejected, {totals.Refused} requests refused");
}

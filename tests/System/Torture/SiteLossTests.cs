using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using TraceStore.Storage.Restore;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems.Torture;

/// <summary>
/// Sites are lost under load, each at a random moment: the processes killed, the data deleted. Each is restored, and its restore killed on the way;
/// then what is there is held against a ledger of what was acknowledged, and when: nothing is missing but the last of it, nothing is doubled or
/// made up, and the restore has said how much there is. Few by default; tests/README.md has the command for many.
/// </summary>
public sealed class SiteLossTests(ITestOutputHelper output)
{
    private const int SpansPerRequest = 100, Clients = 4, MaxKills = 3;

    private static readonly int s_rounds = Setting("SITE_LOSSES", otherwise: 2);
    private static readonly int s_rate = Setting("SITE_LOSS_RATE", otherwise: 2_000);
    private static readonly int s_seed = Setting("SITE_LOSS_SEED", otherwise: Environment.TickCount);

    /// <summary>It is a second or so; this is for machines that are busy with other tests.</summary>
    private static readonly TimeSpan s_longestLoss = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_lost_site_comes_back_but_for_what_was_acknowledged_last()
    {
        Say($"seed {s_seed}, {s_rounds} sites, {s_rate} spans/s");
        var random = new Random(s_seed);
        List<double> losses = [];
        (long acknowledged, long missing, int kills) = (0, 0, 0);
        for (int round = 0; round < s_rounds; round++)
        {
            Loss loss = await LoseAndRestoreAsync(round, random, isArchiveAwaited: round == s_rounds - 1 && missing == acknowledged); // sites that have just begun may be lost whole; not all of them
            losses.Add(loss.Seconds);
            (acknowledged, missing, kills) = (acknowledged + loss.Acknowledged, missing + loss.Missing, kills + loss.Kills);
            if (round % 10 == 9) Say($"{round + 1} sites, {acknowledged} spans acknowledged, {missing} missing");
        }

        Assert.True(missing < acknowledged, "nothing was archived, of any site");
        losses.Sort();
        Say(string.Create(CultureInfo.InvariantCulture, $"{s_rounds} sites lost, {kills} restores killed: {acknowledged} spans acknowledged, {missing} of the last missing, 0 doubled, 0 made up; seconds of acknowledged load that are missing: median {losses[losses.Count / 2]:F2}, 99 of 100 {losses[(int)Math.Ceiling(0.99 * losses.Count) - 1]:F2}, most {losses[^1]:F2}"));
    }

    private sealed record Loss(long Acknowledged, long Missing, double Seconds, int Kills);

    private async Task<Loss> LoseAndRestoreAsync(int round, Random random, bool isArchiveAwaited)
    {
        using var place = new TemporaryDirectory();
        string archive = Path.Combine(place.Path, "archive"), first = Path.Combine(place.Path, "first"), second = Path.Combine(place.Path, "second");
        var acknowledged = new ConcurrentDictionary<int, (long Ticks, DateTimeOffset Time)>(); // a request's first span, and when
        int sent = 0;
        string[] waits = ["0s", "300ms", "20s"];
        long killed;
        using (TraceStoreProcess lost = await TraceStoreProcess.ServeAsync(first, "--archive", archive, "--set", "Archive:SnapshotEvery=1s", "--set", $"ClickHouse:MaxBlockAge={waits[random.Next(waits.Length)]}"))
        {
            using var end = new CancellationTokenSource();
            Task[] clients = [.. Enumerable.Range(0, Clients).Select(_ => Task.Run(() => SendAsync(lost.OtlpPort, () => Interlocked.Add(ref sent, SpansPerRequest) - SpansPerRequest + 1, acknowledged, end.Token)))];
            if (isArchiveAwaited) await Eventually.BeTrueAsync("the first object of the log", () => Task.FromResult(Directory.Exists(Path.Combine(archive, "log"))));
            await Task.Delay(random.Next(300, 4_000));
            IReadOnlyList<int> engine = lost.Children();
            lost.Kill();
            killed = Stopwatch.GetTimestamp();
            foreach (int process in engine) TortureSite.Send(process, Signal.Kill);
            await end.CancelAsync();
            await Task.WhenAll(clients);
            await Eventually.BeTrueAsync("the engine's end", () => Task.FromResult(!engine.Any(TraceStoreProcess.IsRunning)));
        }

        Directory.Delete(first, recursive: true);
        DateTimeOffset? complete = Directory.Exists(Path.Combine(archive, "log")) ? await ArchiveLook.CompleteThroughAsync(archive) : null;
        if (!Directory.Exists(Path.Combine(archive, "log"))) return new Loss(acknowledged.Count * SpansPerRequest, acknowledged.Count * SpansPerRequest, LossOf(acknowledged, killed, _ => true), 0); // before the first object

        int kills = random.Next(MaxKills + 1);
        string said = "";
        for (int i = 0; i <= kills && (i == 0 || RestoreJournal.IsIn(second) || !File.Exists(Path.Combine(second, "restored.json"))); i++)
        {
            using TraceStoreProcess restore = TraceStoreProcess.Begin("restore", "--from", archive, "--data", second);
            if (i < kills)
            {
                await Task.Delay(random.Next(100, 1_500));
                restore.Kill();
            }
            else Assert.True(await restore.EndAsync() == 0, $"round {round}: {restore.Errors}");
            said = restore.Output;
        }

        using TraceStoreProcess back = await TraceStoreProcess.ServeAsync(second);
        HashSet<int> numbers = [.. (await EngineQuestion.AskAsync(second, "SELECT reinterpretAsUInt32(reverse(substring(span_id, 5, 4))) FROM tracestore.spans")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
        string count = await EngineQuestion.AskAsync(second, "SELECT count() FROM tracestore.spans");
        string about = $"round {round} of seed {s_seed}";
        Assert.True(count == $"{numbers.Count}", $"{about}: {count} spans, {numbers.Count} different ones");
        Assert.True(said.Contains($"Restored {count} spans", StringComparison.Ordinal) || !said.Contains("Restored ", StringComparison.Ordinal), $"{about}: {count} spans, and the restore said {said}");
        Assert.True(numbers.Count == 0 || (numbers.Min() >= 1 && numbers.Max() <= sent), $"{about}: spans that nobody sent");
        Assert.True(numbers.Count % SpansPerRequest == 0, $"{about}: half a request");
        bool IsMissing(int request) => !numbers.Contains(request);
        Assert.All(acknowledged.Where(request => request.Value.Time <= complete), request => Assert.False(IsMissing(request.Key), $"{about}: {request.Key} was acknowledged at {request.Value.Time:O}, and the archive said that it has all up to {complete:O}"));
        double seconds = LossOf(acknowledged, killed, IsMissing);
        Assert.True(seconds < s_longestLoss.TotalSeconds, $"{about}: {seconds} s are missing");
        return new Loss(acknowledged.Count * SpansPerRequest, acknowledged.Keys.Count(IsMissing) * SpansPerRequest, seconds, kills);
    }

    /// <summary>How long before the end the first of what is missing was acknowledged.</summary>
    private static double LossOf(ConcurrentDictionary<int, (long Ticks, DateTimeOffset Time)> acknowledged, long killed, Func<int, bool> isMissing) =>
        acknowledged.Where(request => isMissing(request.Key)).Select(request => Math.Max(0, Stopwatch.GetElapsedTime(request.Value.Ticks, killed).TotalSeconds)).DefaultIfEmpty(0).Max();

    private static async Task SendAsync(int port, Func<int> next, ConcurrentDictionary<int, (long Ticks, DateTimeOffset Time)> acknowledged, CancellationToken end)
    {
        using var otlp = new OtlpClient(port);
        TimeSpan every = TimeSpan.FromSeconds(SpansPerRequest * Clients / (double)s_rate);
        long started = Stopwatch.GetTimestamp();
        for (int number = 1; !end.IsCancellationRequested; number++)
        {
            int first = next();
            byte[] request = Request(Resource($"service-{first % 7}", Enumerable.Range(first, SpansPerRequest).Select(span => Span(trace: first, span: span)))).ToByteArray();
            try
            {
                await otlp.ExportAsync(request);
            }
            catch (RpcException)
            {
                return; // lost
            }

            acknowledged[first] = (Stopwatch.GetTimestamp(), DateTimeOffset.UtcNow);
            TimeSpan early = (number * every) - Stopwatch.GetElapsedTime(started);
            if (early > TimeSpan.Zero) await Task.Delay(early, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        if (s_rounds > 10) Console.WriteLine(line); // a run of many minutes shows that it goes on
    }

    private static int Setting(string variable, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}

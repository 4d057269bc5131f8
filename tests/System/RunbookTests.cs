using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using OpenTelemetry.Proto.Trace.V1;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

/// <summary>Makes each disaster happen and performs its runbook, command by command as it is written, as somebody would who has never done it.</summary>
public sealed partial class RunbookTests : IDisposable
{
    private const int Before = 2_000, After = 20;

    private readonly TemporaryDirectory _place = new();
    private readonly Dictionary<string, string> _environment;

    public RunbookTests() => _environment = new Dictionary<string, string>
    {
        ["DATA"] = Path.Combine(_place.Path, "data"),
        ["ARCHIVE"] = Path.Combine(_place.Path, "archive"),
        ["KEY"] = Path.Combine(_place.Path, "key"),
        ["TRACESTORE_OTLP__GRPCPORT"] = $"{FreePort()}",
        ["TRACESTORE_OTLP__HTTPPORT"] = "0",
        ["TRACESTORE_TEMPO__PORT"] = $"{FreePort()}",
        ["TRACESTORE_JAEGER__PORT"] = "0",
        ["TRACESTORE_ARCHIVE__MAXDELAY"] = "200ms",
        ["TRACESTORE_CLICKHOUSE__MAXBLOCKAGE"] = "200ms",
        ["PATH"] = $"{Path.GetDirectoryName(TraceStoreProcess.Binary)}:{Environment.GetEnvironmentVariable("PATH")}",
    };

    private string Data => _environment["DATA"];

    private string Archive => _environment["ARCHIVE"];

    private int OtlpPort => int.Parse(_environment["TRACESTORE_OTLP__GRPCPORT"], CultureInfo.InvariantCulture);

    [Fact]
    public void Every_runbook_has_a_test()
    {
        string[] runbooks = [.. Directory.GetFiles(Path.Combine(RepositoryRoot.Path, "deploy", "runbooks"), "*.md").Select(path => Path.GetFileName(path)!).Where(name => name != "README.md").Order(StringComparer.Ordinal)];
        string source = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "tests", "System", "RunbookTests.cs"));
        Assert.All(runbooks, runbook => Assert.Contains($"PerformAsync(\"{runbook}\"", source, StringComparison.Ordinal));
        string index = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "deploy", "runbooks", "README.md"));
        Assert.All(runbooks, runbook => Assert.Contains($"({runbook})", index, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_process_is_gone()
    {
        using (TraceStoreProcess lost = await BeginAsync()) lost.Kill();
        await PerformAsync("lost-process.md");
        await ExpectSpansAsync(Before + After);
    }

    [Fact]
    public async Task The_disk_is_gone()
    {
        using (TraceStoreProcess lost = await BeginAsync()) await LoseAsync(lost);
        await PerformAsync("lost-disk.md");
        await ExpectSpansAsync(Before + After);
    }

    [Fact]
    public async Task The_disk_of_the_log_is_gone()
    {
        using (TraceStoreProcess lost = await BeginAsync())
        {
            lost.Kill();
            await Eventually.BeTrueAsync("the end", () => Task.FromResult(Processes().Count == 0));
            Directory.Delete(Path.Combine(Data, "wal"), recursive: true);
        }

        await PerformAsync("lost-log.md");
        await ExpectSpansAsync(Before + After);
    }

    [Fact]
    public async Task The_machine_is_gone()
    {
        using (TraceStoreProcess lost = await BeginAsync()) await LoseAsync(lost);
        await PerformAsync("lost-machine.md");
        await ExpectSpansAsync(Before + After);
    }

    [Fact]
    public async Task The_site_is_gone()
    {
        Assert.Equal(0, (await TraceStoreProcess.RunAsync("archive", "key", _environment["KEY"])).ExitCode);
        using (TraceStoreProcess lost = await BeginAsync("--set", $"Archive:KeyFile={_environment["KEY"]}")) await LoseAsync(lost);
        await PerformAsync("lost-site.md");
        await ExpectSpansAsync(Before + After);
    }

    [Fact]
    public async Task A_table_was_emptied()
    {
        using TraceStoreProcess server = await BeginAsync();
        await EngineQuestion.AskAsync(Data, "TRUNCATE TABLE tracestore.spans");
        await PerformAsync("dropped-table.md");
        await ExpectSpansAsync(Before + After);
    }

    [Fact]
    public async Task A_part_has_rotted()
    {
        using TraceStoreProcess server = await BeginAsync(); // the newest part is in no snapshot yet
        string path = await EngineQuestion.AskAsync(Data, "SELECT path FROM system.parts WHERE active AND database = 'tracestore' AND table = 'spans' ORDER BY modification_time DESC, name DESC LIMIT 1");
        string file = new DirectoryInfo(path).GetFiles("*.bin").MaxBy(file => file.Length)!.FullName;
        byte[] content = await File.ReadAllBytesAsync(file);
        content[content.Length / 2] ^= 0x10;
        await File.WriteAllBytesAsync(file, content);
        await PerformAsync("rotten-part.md");
        await ExpectSpansAsync(Before + After);
    }

    [Fact]
    public async Task An_object_of_the_archive_has_rotted()
    {
        using TraceStoreProcess server = await BeginAsync();
        string pack = Directory.GetFiles(Path.Combine(Archive, "packs")).MaxBy(file => new FileInfo(file).Length)!;
        byte[] content = await File.ReadAllBytesAsync(pack);
        content[700] ^= 1;
        await File.WriteAllBytesAsync(pack, content);
        await PerformAsync("rotten-archive-object.md");
        await ExpectSpansAsync(Before + After);
    }

    [Fact]
    public async Task The_log_is_full()
    {
        using TraceStoreProcess server = await BeginAsync("--set", "Wal:MaxBytes=64MiB", "--set", "Wal:MaxSegmentBytes=1MiB");
        TakeStoreAway();
        using var otlp = new OtlpClient(OtlpPort);
        int more = 0;
        try
        {
            for (; ; more++)
            {
                Span large = Span(9_000 + more);
                large.Attributes.Add(Attribute("noise", Convert.ToBase64String(RandomNumberGenerator.GetBytes(400_000))));
                await otlp.ExportAsync(Request(Resource("runbook", large)));
            }
        }
        catch (Grpc.Core.RpcException e) when (e.StatusCode is Grpc.Core.StatusCode.Unavailable or Grpc.Core.StatusCode.ResourceExhausted)
        {
            // full
        }

        await PerformAsync("full-log.md");
        await ExpectSpansAsync(Before + After + more);
    }

    [Fact]
    public async Task The_store_is_away()
    {
        using TraceStoreProcess server = await BeginAsync();
        TakeStoreAway();
        using var tempo = new HttpClient { BaseAddress = server.TempoUrl };
        await ExportAsync(1_000, 5);
        await Eventually.BeTrueAsync("readiness to say so", async () => !(await tempo.GetStringAsync("/readyz")).Contains("archiving: ok", StringComparison.Ordinal));
        await PerformAsync("store-away.md", between: () =>
        {
            File.Delete(Archive);
            Directory.Move(Archive + ".away", Archive);
        });
        await ExpectSpansAsync(Before + After + 5);
    }

    [Fact]
    public async Task The_key_is_lost()
    {
        Assert.Equal(0, (await TraceStoreProcess.RunAsync("archive", "key", _environment["KEY"])).ExitCode);
        using TraceStoreProcess server = await BeginAsync("--set", $"Archive:KeyFile={_environment["KEY"]}");
        File.Delete(_environment["KEY"]);
        await PerformAsync("lost-key.md");
        await ExpectSpansAsync(Before + After);
    }

    [Fact]
    public async Task The_clock_was_wrong()
    {
        using TraceStoreProcess server = await BeginAsync();
        await PerformAsync("wrong-clock.md");
        await ExpectSpansAsync(Before + After);
    }

    [Fact]
    public async Task Somebody_has_encrypted_the_data()
    {
        using (TraceStoreProcess lost = await BeginAsync())
        {
            _environment["INSTANT"] = DateTimeOffset.UtcNow.ToString("O", CultureInfo.InvariantCulture);
            await Task.Delay(10, TestContext.Current.CancellationToken);
            await ExportAsync(1_000, 5); // what comes after the instant
            Assert.Equal(0, await lost.StopAsync());
        }

        foreach (string file in Directory.GetFiles(Data, "*", SearchOption.AllDirectories)) await File.WriteAllBytesAsync(file, [1, 2, 3]);
        await PerformAsync("ransom.md");
        _environment["DATA"] += ".clean";
        await ExpectSpansAsync(Before + After);
    }

    public void Dispose()
    {
        foreach (int process in Processes()) Process.GetProcessById(process).Kill();
        _place.Dispose();
    }

    /// <summary>A TraceStore with spans in a snapshot, and some that came behind it.</summary>
    private async Task<TraceStoreProcess> BeginAsync(params string[] more)
    {
        TraceStoreProcess server = await TraceStoreProcess.ServeAsync(
            Data, OtlpPort, ["--archive", Archive, "--set", "Archive:MaxDelay=200ms", "--set", "ClickHouse:MaxBlockAge=200ms", "--set", $"Tempo:Port={_environment["TRACESTORE_TEMPO__PORT"]}", .. more]);
        await TraceStoreProcess.RunAsync("load", "--url", $"http://127.0.0.1:{OtlpPort}", "--spans", $"{Before}");
        await EngineQuestion.UntilAsync(Data, "SELECT count() FROM tracestore.spans", $"{Before}");
        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync(["snapshot", "create", "--data", Data, "--archive", Archive, .. more]);
        Assert.True(exitCode == 0, errors);
        await ExportAsync(1, After);
        await EngineQuestion.UntilAsync(Data, "SELECT count() FROM tracestore.spans", $"{Before + After}");
        using var tempo = new HttpClient { BaseAddress = server.TempoUrl };
        await tempo.WaitForMetricAsync("tracestore_archive_segments_waiting", value => value == 0);
        return server;
    }

    private async Task ExportAsync(int first, int count)
    {
        using var otlp = new OtlpClient(OtlpPort);
        for (int i = first; i < first + count; i++) await otlp.ExportAsync(Request(Resource("runbook", Span(5_000 + i))));
    }

    private async Task LoseAsync(TraceStoreProcess server)
    {
        server.Kill();
        await Eventually.BeTrueAsync("the end", () => Task.FromResult(Processes().Count == 0));
        Directory.Delete(Data, recursive: true);
    }

    private void TakeStoreAway()
    {
        Directory.Move(Archive, Archive + ".away");
        File.WriteAllText(Archive, "not mounted");
    }

    private async Task ExpectSpansAsync(int count) => await Eventually.BeTrueAsync(
        $"{count} spans", async () => await EngineQuestion.AskAsync(Data, "SELECT concat(toString(count()), ' ', toString(uniqExact(trace_id, span_ids))) FROM tracestore.spans") == $"{count} {count}", seconds: 60);

    /// <summary>Performs a runbook's commands, block by block; each line that it expects is in what they print.</summary>
    private async Task PerformAsync(string runbook, Action? between = null)
    {
        string text = await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Path, "deploy", "runbooks", runbook));
        string output = "";
        foreach (Match block in Block().Matches(text))
        {
            if (block.Groups[1].Value == "sh")
            {
                if (output.Length > 0) between?.Invoke();
                output = await RunAsync(block.Groups[2].Value);
                continue;
            }

            string flat = Flat(output);
            foreach (string line in block.Groups[2].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                string pattern = string.Join(".*", Flat(line).Split('…').Select(Regex.Escape));
                Assert.True(Regex.IsMatch(flat, pattern), $"{runbook} expects: {line}\nbut its commands printed:\n{output}");
            }
        }

        static string Flat(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    private async Task<string> RunAsync(string commands)
    {
        string script = Path.Combine(_place.Path, "commands.sh"), printed = Path.Combine(_place.Path, "printed");
        await File.WriteAllTextAsync(script, $"exec > {printed} 2>&1\ncd {_place.Path}\n{commands}");
        var start = new ProcessStartInfo("timeout", ["--foreground", "120", "sh", "-e", "-u", script]);
        foreach ((string name, string value) in _environment) start.Environment[name] = value;
        start.Environment["TEMPO"] = $"http://127.0.0.1:{_environment["TRACESTORE_TEMPO__PORT"]}";
        using Process shell = Process.Start(start)!;
        await shell.WaitForExitAsync();
        string output = await File.ReadAllTextAsync(printed);
        string log = Path.Combine(_place.Path, "tracestore.log");
        Assert.True(shell.ExitCode == 0, $"exit code {shell.ExitCode}:\n{commands}\nprinted:\n{output}\n{(File.Exists(log) ? await File.ReadAllTextAsync(log) : "")}");
        return output;
    }

    /// <summary>A port that is free now, and that the system gives to nobody else before it is taken.</summary>
    private static int FreePort()
    {
        while (true)
        {
            int port = Random.Shared.Next(20_000, 30_000);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // another's
            }
        }
    }

    /// <summary>Everything that runs on this test's folder.</summary>
    private List<int> Processes() =>
    [
        .. from folder in Directory.GetDirectories("/proc")
           where int.TryParse(Path.GetFileName(folder), out _)
           let commandLine = TryRead(Path.Combine(folder, "cmdline"))
           where commandLine.Contains(_place.Path, StringComparison.Ordinal)
           select int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture),
    ];

    private static string TryRead(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return "";
        }
    }

    [GeneratedRegex(@"^```(sh|text)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

public sealed class ServeTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task Start_says_where_it_listens_where_the_data_is_and_what_to_try()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);

        Assert.StartsWith("TraceStore is ready.", server.Output, StringComparison.Ordinal);
        Assert.Contains(_data.Path, server.Output, StringComparison.Ordinal);
        Assert.Contains($"tracestore demo --otlp http://127.0.0.1:{server.OtlpPort} --url {server.TempoUrl.ToString().TrimEnd('/')}", server.Output, StringComparison.Ordinal);
        Assert.Equal("", server.Errors); // quiet while all is well
    }

    [Fact]
    public async Task A_clean_stop_stores_everything_and_leaves_no_process()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path, "--set", "Wal:MaxSegmentAge=60s");
        using (var otlp = new OtlpClient(server.OtlpPort)) await otlp.ExportAsync(Request(Resource("stop", Span(701))));
        int engine = Assert.Single(server.Children());

        Assert.Equal(0, await server.StopAsync());

        Assert.False(TraceStoreProcess.IsRunning(engine));
        Assert.Equal("", server.Errors);
        using TraceStoreProcess again = await TraceStoreProcess.ServeAsync(_data.Path);
        using var tempo = new HttpClient { BaseAddress = again.TempoUrl };
        Assert.Single(await tempo.ReadTraceAsync(Hex(TraceId(701)))); // at once: it was stored before the stop
    }

    [Fact]
    public async Task A_service_managers_sigterm_to_every_process_is_a_clean_stop_too()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path, "--set", "Wal:MaxSegmentAge=60s");
        using (var otlp = new OtlpClient(server.OtlpPort)) await otlp.ExportAsync(Request(Resource("stop", Span(702))));
        int engine = Assert.Single(server.Children());

        using (Process kill = Process.Start("kill", ["-TERM", $"{engine}"])) await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, await server.StopAsync());

        Assert.Equal("", server.Errors);
        using TraceStoreProcess again = await TraceStoreProcess.ServeAsync(_data.Path);
        using var tempo = new HttpClient { BaseAddress = again.TempoUrl };
        Assert.Single(await tempo.ReadTraceAsync(Hex(TraceId(702))));
    }

    [Fact]
    public async Task After_kill_9_the_engine_ends_too_and_a_new_start_takes_over_at_once()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);
        int engine = Assert.Single(server.Children());

        server.Kill();
        using TraceStoreProcess again = await TraceStoreProcess.ServeAsync(_data.Path);

        await Eventually.BeTrueAsync("the old engine's end", () => Task.FromResult(!TraceStoreProcess.IsRunning(engine)));
    }

    [Fact]
    public async Task All_configuration_errors_come_at_once_with_exit_code_1()
    {
        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync(
            "--data", _data.Path, "--jaeger-port", "x", "--set", "Wal:MaxBytes=1", "--set", "Nonsense=1");

        Assert.Equal(1, exitCode);
        Assert.Equal("", output);
        Assert.Equal(
            """
            TraceStore can't start:
              Jaeger:Port = 'x': expected a port from 0 (any free one) to 65535.
              Wal:MaxBytes = '1': expected a size such as 10GiB, 64MiB or more.
              Nonsense = '1': there is no such setting.
            """,
            errors);
    }

    [Fact]
    public async Task A_data_directory_that_cannot_be_written_is_named_with_what_to_do()
    {
        string file = Path.Combine(_data.Path, "a file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);

        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("--data", file);

        Assert.Equal(1, exitCode);
        Assert.Contains($"Can't use {file}", errors, StringComparison.Ordinal);
        Assert.Contains("choose another data directory with --data.", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("absent.json", null, "--config absent.json: there is no such file.")]
    [InlineData("bad.json", "{ \"Wal\": }", "bad.json can't be read: '}' is an invalid start of a value.")]
    public async Task A_config_file_that_cannot_be_read_is_named_with_the_reason(string name, string? content, string message)
    {
        string file = content is null ? name : Path.Combine(_data.Path, name);
        if (content is not null) await File.WriteAllTextAsync(file, content, TestContext.Current.CancellationToken);

        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("--config", file);

        Assert.Equal(1, exitCode);
        Assert.Contains(message, errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ports_that_are_taken_are_named_all_at_once_with_how_to_change_them()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        int port = ((IPEndPoint)other.LocalEndpoint).Port;
        using var another = new TcpListener(IPAddress.Loopback, 0);
        another.Start();
        int second = ((IPEndPoint)another.LocalEndpoint).Port;

        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync(
            "--data", _data.Path, "--otlp-grpc-port", "0", "--otlp-http-port", $"{port}", "--jaeger-port", "0", "--tempo-port", $"{second}");

        Assert.Equal(1, exitCode);
        Assert.Equal(
            $"""
            TraceStore can't start:
              Port {port} (OTLP HTTP) on 127.0.0.1 is taken by another program. Stop that one, or choose another port with --otlp-http-port.
              Port {second} (Tempo API) on 127.0.0.1 is taken by another program. Stop that one, or choose another port with --tempo-port.
            """,
            errors);
        Assert.Empty(Directory.GetFileSystemEntries(_data.Path)); // nothing was begun
    }

    [Fact]
    public async Task A_mistake_on_the_command_line_is_not_followed_by_all_the_help()
    {
        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync("--no-such-option");

        Assert.Equal(1, exitCode);
        Assert.Contains("--no-such-option", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("--jaeger-port", output + errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_are_listed_with_their_values_and_where_those_come_from()
    {
        string file = Path.Combine(_data.Path, "tracestore.json");
        await File.WriteAllTextAsync(file, "{ \"Retention\": { \"MaxAge\": \"3d\" } }", TestContext.Current.CancellationToken);

        (int exitCode, string output, _) = await TraceStoreProcess.RunAsync("settings", "--config", file, "--tempo-port", "3300");

        Assert.Equal(0, exitCode);
        Assert.Matches(@"Tempo:Port\s+3300\s+command line", output);
        Assert.Matches(@"Retention:MaxAge\s+3d\s+tracestore.json", output);
        Assert.Matches(@"Wal:MaxBytes\s+10GiB\s+a log this large", output);
    }

    [Fact]
    public async Task A_limit_of_open_files_that_is_too_low_is_said_at_the_start()
    {
        using Process shell = Process.Start(new ProcessStartInfo("sh", ["-c", $"ulimit -n 256; exec {Path.Combine(AppContext.BaseDirectory, "tracestore")} serve --data {_data.Path}"]) { RedirectStandardError = true })!;
        string errors = await shell.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(1, shell.ExitCode);
        Assert.Contains("This process may have 256 files and connections open at once, which isn't enough", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_kept_is_for_its_owner_alone_and_a_folder_that_was_open_is_warned_of()
    {
        File.SetUnixFileMode(_data.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path, "--set", "Wal:MaxSegmentAge=60s");
        using var otlp = new OtlpClient(server.OtlpPort);
        await otlp.ExportAsync(OtlpSamples.Request(OtlpSamples.Resource("modes", OtlpSamples.Span(2601))));

        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        string[] files = Directory.GetFiles(_data.Path, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint });
        Assert.Contains(files, file => file.EndsWith(".wal", StringComparison.Ordinal));
        Assert.All(files.Where(File.Exists), file => Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(file) & others));
        Assert.Contains($"Other users of this machine can look into {_data.Path}", server.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_names_every_command_and_option()
    {
        (int exitCode, string output, _) = await TraceStoreProcess.RunAsync("--help");

        Assert.Equal(0, exitCode);
        Assert.All(
            (string[])["serve", "demo", "trace", "--data", "--listen", "--otlp-grpc-port", "--otlp-http-port", "--tempo-port", "--jaeger-port", "--clickhouse", "--config", "--set"],
            word => Assert.Contains(word, output, StringComparison.Ordinal));
        Assert.DoesNotContain("demo-service", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_clients_do_wrong_over_http_is_no_error_of_the_servers()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path, "--set", "Otlp:ReceiveTimeout=1s");
        byte[] head = Encoding.ASCII.GetBytes("POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
        using var tempo = new HttpClient { BaseAddress = server.TempoUrl };
        foreach (string how in (string[])["reset", "closed", "slow", "not chunked"])
        {
            using (var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
            {
                await socket.ConnectAsync(IPAddress.Loopback, server.OtlpHttpUrl.Port);
                await socket.SendAsync(how == "not chunked"
                    ? Encoding.ASCII.GetBytes("POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{")
                    : head);
                if (how is "slow" or "not chunked") await Record.ExceptionAsync(() => socket.ReceiveAsync(new byte[1_000])); // an answer, or the end
                else await WaitForReceivingAsync(1);
                if (how == "reset") socket.LingerState = new LingerOption(true, 0);
            }

            await WaitForReceivingAsync(0);
        }

        using var http = new HttpClient { BaseAddress = server.OtlpHttpUrl };
        using var deflated = new ByteArrayContent([0x78, 0xBB, 1, 2, 3, 4, 5, 6]) { Headers = { { "Content-Type", "application/json" }, { "Content-Encoding", "deflate" } } };
        Assert.Equal(HttpStatusCode.BadRequest, (await http.PostAsync("/v1/traces", deflated)).StatusCode);
        await server.StopAsync();
        Assert.Equal("", server.Errors);

        Task WaitForReceivingAsync(int exports) => tempo.WaitForMetricAsync("tracestore_ingest_requests_active", value => value == exports);
    }
}

using System.Net;
using TraceStore.Storage.ClickHouse;

namespace TraceStore.Tests.Integration;

public class EngineTests(EngineFixture fixture)
{
    [Fact]
    public async Task Nobody_gets_in_without_the_key()
    {
        using var http = new HttpClient();
        foreach (int port in ListeningPorts(fixture.Engine.ProcessId))
        {
            foreach (string path in (string[])["/", "/ping", "/?query=SELECT+1", "/play", "/replicas_status", "/?user=default&query=SELECT+1"])
            {
                using HttpResponseMessage bare = await http.GetAsync(new Uri($"http://127.0.0.1:{port}{path}"));
                Assert.Equal(HttpStatusCode.NotFound, bare.StatusCode);

                using var guess = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{port}{path}");
                guess.Headers.Add("X-TraceStore-Key", new string('0', 64));
                using HttpResponseMessage guessed = await http.SendAsync(guess);
                Assert.Equal(HttpStatusCode.NotFound, guessed.StatusCode);
            }
        }
    }

    [Fact]
    public void It_listens_on_one_port_on_loopback_alone() => Assert.Single(ListeningPorts(fixture.Engine.ProcessId));

    [Fact]
    public void The_key_is_not_on_the_command_line()
    {
        string commandLine = File.ReadAllText($"/proc/{fixture.Engine.ProcessId}/cmdline");
        string key = System.Xml.Linq.XElement.Load(Directory.GetFiles(fixture.Directory, "config.xml", SearchOption.AllDirectories).Single())
            .Descendants("X-TraceStore-Key").Single().Value;

        Assert.DoesNotContain(key, commandLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_allocator_is_told_to_give_back_what_is_free() =>
        Assert.Contains("JE_MALLOC_CONF=background_thread:true,", File.ReadAllText($"/proc/{fixture.Engine.ProcessId}/environ"), StringComparison.Ordinal);

    [Fact]
    public async Task Memory_is_bounded()
    {
        var failure = await Assert.ThrowsAsync<ClickHouseUnavailableException>(() => fixture.Database.ReadLinesAsync(
            new SqlQuery("SELECT length(groupArray(number)) FROM numbers(1000000000)"), TestContext.Current.CancellationToken));

        Assert.Contains("memory", failure.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Times_are_utc() =>
        Assert.Equal(["1970-01-01 00:00:00"], await fixture.Database.ReadLinesAsync(new SqlQuery("SELECT toString(toDateTime(0))"), TestContext.Current.CancellationToken));

    /// <summary>Ports on which a process listens, read as the system tells them; each must be on loopback.</summary>
    private static List<int> ListeningPorts(int process)
    {
        const string listening = "0A";
        HashSet<string> sockets = [.. Directory.GetFiles($"/proc/{process}/fd")
            .Select(descriptor => new FileInfo(descriptor).LinkTarget ?? "")
            .Where(target => target.StartsWith("socket:", StringComparison.Ordinal))
            .Select(target => target["socket:[".Length..^1])];
        List<int> ports = [];
        foreach (string table in (string[])["tcp", "tcp6"])
        {
            foreach (string[] fields in File.ReadLines($"/proc/{process}/net/{table}").Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            {
                if (fields[3] != listening || !sockets.Contains(fields[9])) continue;
                string[] address = fields[1].Split(':');
                Assert.Equal("0100007F", address[0]);
                ports.Add(Convert.ToInt32(address[1], 16));
            }
        }

        return ports;
    }
}

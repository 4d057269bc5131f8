using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using TraceStore.Tests.Integration;

namespace TraceStore.Tests.Fuzz;

/// <summary>
/// Asks a whole server whatever can be asked. FUZZ_QUERIES says how often (400 by default), FUZZ_SEED begins elsewhere; a
/// failure names the seed that asks the same again, alone.
/// </summary>
public class QueryFuzzTests(ITestOutputHelper output)
{
    private const int AtOnce = 8;
    private const int MaxKindsShown = 30;

    private static readonly int s_queries = Fuzzer.Read("FUZZ_QUERIES", otherwise: 400);

    /// <summary>No honest query takes nearly as long, on the slowest machine; an answer that would is past any deadline of the server's.</summary>
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Whatever_is_asked_is_answered_soon_and_in_our_own_words()
    {
        await using TestServer server = await TestServer.StartAsync();
        foreach (byte[] request in HostileSpans.Requests()) await server.Otlp.ExportAsync(request);
        await server.Tempo.WaitForEmptyLogAsync();

        using var client = new HostileClient(server.Tempo.BaseAddress!, server.Jaeger.BaseAddress!);
        ConcurrentBag<(string Endpoint, int Status)> answers = [];
        ConcurrentBag<(string Kind, int Seed, string Example)> breaches = [];
        await Parallel.ForEachAsync(Enumerable.Range(0, s_queries), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (execution, _) =>
        {
            int seed = unchecked(Fuzzer.Seed + execution);
            HostileRequest request = HostileQueries.Of(seed);
            (int status, string? breach, string body) = await AskAsync(client, request);
            answers.Add((request.Endpoint, status));
            if (breach is not null) breaches.Add(($"{request.Endpoint}: {breach}", seed, $"{request}\n    {body}"));
        });

        foreach ((string name, int asked, int valid) in Counts(answers))
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {asked:N0}, {valid:N0} of them valid"));
        }

        Assert.True(breaches.IsEmpty, Describe(breaches));
        IEnumerable<(string Name, int Asked, int Valid)> often = Counts(answers).Where(endpoint => endpoint.Asked > 100 && !endpoint.Name.EndsWith("elsewhere", StringComparison.Ordinal));
        Assert.All(often, endpoint => Assert.InRange(endpoint.Valid, endpoint.Asked / 20, endpoint.Asked)); // else nothing but refusals was tried
    }

    [Fact]
    public void A_seed_always_makes_the_same_request() =>
        Assert.Equal(Enumerable.Range(Fuzzer.Seed, 1_000).Select(HostileQueries.Of), Enumerable.Range(Fuzzer.Seed, 1_000).Select(HostileQueries.Of));

    private static async Task<(int Status, string? Breach, string Body)> AskAsync(HostileClient client, HostileRequest request)
    {
        using var deadline = new CancellationTokenSource(s_deadline);
        try
        {
            HostileAnswer answer = await client.SendAsync(request, deadline.Token);
            return (answer.Status, QueryExpectations.Breach(request, answer), Excerpt(answer.Body));
        }
        catch (OperationCanceledException)
        {
            return (0, $"no answer within {s_deadline.TotalSeconds} s", "");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return (0, "no answer, or half of one", $"{e.GetType().Name}: {e.Message} {e.InnerException?.Message}");
        }
    }

    private static string Excerpt(byte[] body) =>
        string.Concat(Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 500))).Select(character => char.IsControl(character) ? '·' : character));

    private static IEnumerable<(string Name, int Asked, int Valid)> Counts(IEnumerable<(string Endpoint, int Status)> answers) => answers
        .GroupBy(answer => answer.Endpoint, answer => answer.Status)
        .OrderBy(endpoint => endpoint.Key, StringComparer.Ordinal)
        .Select(endpoint => (endpoint.Key, endpoint.Count(), endpoint.Count(status => status == 200)));

    /// <summary>Each kind of breach, the most frequent first, with the shortest request that shows it.</summary>
    private static string Describe(IEnumerable<(string Kind, int Seed, string Example)> breaches)
    {
        var kinds = breaches.GroupBy(breach => breach.Kind).OrderByDescending(kind => kind.Count()).ToList();
        var text = new StringBuilder($"{kinds.Count} kinds of failure:\n");
        foreach (var kind in kinds.Take(MaxKindsShown))
        {
            (_, int seed, string example) = kind.MinBy(breach => (breach.Example.Length, breach.Seed));
            text.Append(CultureInfo.InvariantCulture, $"{kind.Key} ({kind.Count()} times)\n    FUZZ_SEED={seed} FUZZ_QUERIES=1: {example}\n");
        }

        return text.ToString();
    }
}

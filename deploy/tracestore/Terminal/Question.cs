using System.CommandLine;
using Google.Protobuf;
using TraceStore.Query.TraceQl;

namespace TraceStore.Terminal;

/// <summary>The time that is asked about, seconds since 1970.</summary>
internal readonly record struct AskedTime(string Since, long Start, long End)
{
    /// <summary>As the Tempo API takes it.</summary>
    public override string ToString() => $"start={Start}&end={End}";
}

/// <summary>A question to a TraceStore's Tempo API: of how far back, to which server, answered for people or for programs.</summary>
internal sealed class Question
{
    private readonly Option<string> _since = new("--since") { HelpName = "TIME", Description = "How far back to look: 15m, 1h, 2d", DefaultValueFactory = _ => "1h" };
    private readonly Option<bool> _json = new("--json") { Description = "Print what Tempo's API answers, for other programs" };
    private readonly Option<string> _url = TraceCommand.UrlOption();

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_since, _json, _url]) command.Options.Add(option);
    }

    /// <summary>What is added to a command that is to ask the same server.</summary>
    public string SameServer(ParseResult arguments) => arguments.GetValue(_url) is { } url and not TraceCommand.DefaultUrl ? $" --url {url}" : "";

    /// <summary>Asks, and shows the answer.</summary>
    /// <param name="arguments">The command's.</param>
    /// <param name="path">What is asked for, of a time.</param>
    /// <param name="show">Shows the answer to people.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> AskAsync<TAnswer>(ParseResult arguments, Func<AskedTime, string> path, Action<TAnswer, AskedTime> show, CancellationToken cancellation)
        where TAnswer : IMessage, new()
    {
        try
        {
            string since = arguments.GetValue(_since)!;
            if (!DurationText.TryParse(since, out long nanoseconds) || nanoseconds <= 0) throw new TraceClientException($"--since {since}: a time such as 15m, 1h or 2d was expected.");
            long end = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1;
            var time = new AskedTime(since, Math.Max(1, end - 1 - (nanoseconds / 1_000_000_000)), end);
            using var client = new TraceClient(arguments.GetValue(_url)!);
            string answer = await client.AskAsync(path(time), cancellation).ConfigureAwait(false);
            if (arguments.GetValue(_json)) Console.WriteLine(answer);
            else show(JsonParser.Default.Parse<TAnswer>(answer), time);
            return 0;
        }
        catch (TraceClientException e)
        {
            await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            return 1;
        }
    }
}

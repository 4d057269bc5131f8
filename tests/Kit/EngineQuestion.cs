using System.Xml;
using System.Xml.Linq;

namespace TraceStore.Tests;

/// <summary>Asks ClickHouse itself: what is stored, not what is shown.</summary>
public static class EngineQuestion
{
    /// <summary>Asks an embedded engine, with the key that only its owner can read.</summary>
    public static async Task<string> AskAsync(string dataDirectory, string sql)
    {
        using HttpClient http = Open(dataDirectory);
        return await AskAsync(http, sql);
    }

    /// <summary>Asks an embedded engine until it answers so.</summary>
    public static Task UntilAsync(string dataDirectory, string sql, string expected) => UntilAsync(() => AskAsync(dataDirectory, sql), sql, expected);

    /// <summary>Asks an external ClickHouse until it answers so.</summary>
    public static Task UntilAsync(Uri url, string sql, string expected) => UntilAsync(() => AskAsync(url, sql), sql, expected);

    /// <summary>Gives an embedded engine an INSERT and its rows.</summary>
    public static async Task InsertAsync(string dataDirectory, string statement, byte[] rows)
    {
        using HttpClient http = Open(dataDirectory);
        using var body = new ByteArrayContent(rows);
        using HttpResponseMessage response = await http.PostAsync($"?query={Uri.EscapeDataString(statement)}", body);
        if (!response.IsSuccessStatusCode) throw new InvalidOperationException(await response.Content.ReadAsStringAsync());
    }

    /// <summary>Asks an external ClickHouse.</summary>
    public static async Task<string> AskAsync(Uri url, string sql)
    {
        using var http = new HttpClient { BaseAddress = url };
        return await AskAsync(http, sql);
    }

    /// <summary>It may be starting, and its tables be made or migrated: then it is asked again.</summary>
    private static async Task UntilAsync(Func<Task<string>> ask, string sql, string expected)
    {
        string answer = "nothing yet";
        try
        {
            await Eventually.BeTrueAsync(sql, async () => (answer = await AskOnceAsync()) == expected, seconds: 90);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{sql} is to answer {expected}, and answers {answer}.", e);
        }

        async Task<string> AskOnceAsync()
        {
            try
            {
                return await ask();
            }
            catch (Exception e) when (e is IOException or XmlException or HttpRequestException or InvalidOperationException)
            {
                return e.Message;
            }
        }
    }

    private static HttpClient Open(string dataDirectory)
    {
        XElement config = XElement.Load(Path.Combine(dataDirectory, "engine", "config", "config.xml"));
        var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{config.Element("http_port")!.Value}/"), Timeout = TimeSpan.FromMinutes(10) };
        http.DefaultRequestHeaders.Add("X-TraceStore-Key", config.Descendants("X-TraceStore-Key").Single().Value);
        return http;
    }

    private static async Task<string> AskAsync(HttpClient http, string sql)
    {
        using var body = new StringContent(sql);
        using HttpResponseMessage response = await http.PostAsync("", body);
        string answer = (await response.Content.ReadAsStringAsync()).Trim();
        return response.IsSuccessStatusCode ? answer : throw new InvalidOperationException(answer);
    }
}

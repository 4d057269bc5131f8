using System.Xml.Linq;

namespace TraceStore.Tests;

/// <summary>Asks ClickHouse itself: what is stored, not what is shown.</summary>
public static class EngineQuestion
{
    /// <summary>Asks an embedded engine, with the key that only its owner can read.</summary>
    public static async Task<string> AskAsync(string dataDirectory, string sql)
    {
        XElement config = XElement.Load(Path.Combine(dataDirectory, "engine", "config", "config.xml"));
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{config.Element("http_port")!.Value}/") };
        http.DefaultRequestHeaders.Add("X-TraceStore-Key", config.Descendants("X-TraceStore-Key").Single().Value);
        return await AskAsync(http, sql);
    }

    /// <summary>Asks an external ClickHouse.</summary>
    public static async Task<string> AskAsync(Uri url, string sql)
    {
        using var http = new HttpClient { BaseAddress = url };
        return await AskAsync(http, sql);
    }

    private static async Task<string> AskAsync(HttpClient http, string sql)
    {
        using var body = new StringContent(sql);
        using HttpResponseMessage response = await http.PostAsync("", body);
        string answer = (await response.Content.ReadAsStringAsync()).Trim();
        return response.IsSuccessStatusCode ? answer : throw new InvalidOperationException(answer);
    }
}

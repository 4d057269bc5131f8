using System.Xml.Linq;

namespace TraceStore.Tests;

/// <summary>Asks an embedded engine itself, with the key that only its owner can read: what is stored, not what is shown.</summary>
public static class EngineQuestion
{
    public static async Task<string> AskAsync(string dataDirectory, string sql)
    {
        XElement config = XElement.Load(Path.Combine(dataDirectory, "engine", "config", "config.xml"));
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add("X-TraceStore-Key", config.Descendants("X-TraceStore-Key").Single().Value);
        using var body = new StringContent(sql);
        using HttpResponseMessage response = await http.PostAsync(new Uri($"http://127.0.0.1:{config.Element("http_port")!.Value}/"), body);
        string answer = (await response.Content.ReadAsStringAsync()).Trim();
        return response.IsSuccessStatusCode ? answer : throw new InvalidOperationException(answer);
    }
}

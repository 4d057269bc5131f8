using System.Net.Http.Headers;
using System.Text;
using ClickHouse.Driver;

namespace TraceStore.Storage.ClickHouse;

/// <summary>
/// Sends a query with an <see cref="ExternalTable"/>, which the driver doesn't: as a form (RFC 7578) whose fields are the
/// statement and whose file is the table.
/// </summary>
internal static class ExternalTableRequest
{
    /// <summary>ClickHouse takes fields of 128 KiB (http_max_field_value_size), and puts several of one name together.</summary>
    private const int MaxFieldChars = 30_000;

    /// <param name="http">How to reach ClickHouse.</param>
    /// <param name="options">Which one it is.</param>
    /// <param name="statement">The query.</param>
    /// <param name="table">The table.</param>
    /// <param name="settings">ClickHouse's settings and the query's parameters.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ClickHouseServerException">ClickHouse answered with an error.</exception>
    public static async Task<HttpResponseMessage> SendAsync(
        HttpClient http, ClickHouseOptions options, string statement, ExternalTable table, IReadOnlyDictionary<string, object> settings, CancellationToken cancellation)
    {
        using var form = new MultipartFormDataContent();
        foreach (string piece in Pieces(statement)) form.Add(new StringContent(piece), "\"query\"");
        using var rows = new ReadOnlyMemoryContent(table.Rows);
        form.Add(rows, $"\"{table.Name}\"", $"\"{table.Name}\"");
        using var request = new HttpRequestMessage(HttpMethod.Post, UrlOf(options, table, settings)) { Content = form };
        string credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{options.User}:{options.Password}"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", credentials);
        HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        if (response.IsSuccessStatusCode) return response;
        using (response) throw ClickHouseServerException.FromServerResponse(await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false), statement);
    }

    /// <summary>Not cut within a character of two.</summary>
    private static IEnumerable<string> Pieces(string statement)
    {
        for (int start = 0, end; start < statement.Length; start = end)
        {
            end = Math.Min(start + MaxFieldChars, statement.Length);
            if (end < statement.Length && char.IsHighSurrogate(statement[end - 1])) end--;
            yield return statement[start..end];
        }
    }

    private static Uri UrlOf(ClickHouseOptions options, ExternalTable table, IReadOnlyDictionary<string, object> settings)
    {
        IEnumerable<(string Name, string Value)> parameters = settings
            .Select(setting => (setting.Key, FormattableString.Invariant($"{setting.Value}")))
            .Append(("database", options.Database))
            .Append(($"{table.Name}_format", "Native"))
            .Append(($"{table.Name}_structure", table.Structure));
        var url = new UriBuilder(options.HttpUrl)
        {
            Query = string.Join('&', parameters.Select(parameter => $"{parameter.Name}={Uri.EscapeDataString(parameter.Value)}")),
        };
        return url.Uri;
    }
}

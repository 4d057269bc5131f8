using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Endpoints;

/// <summary>Reads a request's parameters; one that can't be read is a <see cref="BadRequestException"/> that names it.</summary>
internal static class RequestParameters
{
    private const int MaxShownCharacters = 200;

    /// <summary>A parameter's value; null when it is absent or empty.</summary>
    public static string? Text(this IQueryCollection query, string name) =>
        query[name].LastOrDefault() is { Length: > 0 } text ? text : null;

    public static long? Number(this IQueryCollection query, string name, long min, long max)
    {
        if (query.Text(name) is not { } text) return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= min && number <= max
            ? number
            : throw new BadRequestException($"{Show(name, text)}: a whole number from {min} to {max} was expected.");
    }

    /// <summary>A Go duration, in nanoseconds.</summary>
    public static long? Duration(this IQueryCollection query, string name)
    {
        if (query.Text(name) is not { } text) return null;
        return DurationText.TryParse(text, out long nanoseconds)
            ? nanoseconds
            : throw new BadRequestException($"{Show(name, text)}: a duration such as 100ms, 1.5s or 1h30m was expected.");
    }

    /// <summary>The least and the most that a duration may be, nanoseconds; null where there is no bound, as at a most of 0.</summary>
    public static (long? Least, long? Most) Durations(this IQueryCollection query)
    {
        long? least = query.Duration("minDuration");
        long? most = query.Duration("maxDuration") is { } bound and > 0 ? bound : null;
        return least > most ? throw new BadRequestException($"minDuration={query.Text("minDuration")} is more than maxDuration={query.Text("maxDuration")}.") : (least, most);
    }

    public static TraceId ParseTraceId(string? text) =>
        TraceId.TryParse(text, out TraceId id)
            ? id
            : throw new BadRequestException($"Invalid trace ID '{Shorten(text ?? "")}': 1 to 32 hexadecimal digits were expected.");

    /// <summary>A parameter as it came, but for what is too long to be shown.</summary>
    public static string Show(string name, string value) => $"{name}={Shorten(value)}";

    /// <summary>
    /// The segment of the path behind another, decoded once. Routing leaves some escapes as they are: what it gives can't be
    /// told from a name that has such an escape in it.
    /// </summary>
    public static string? RawPathSegment(this HttpContext context, string behind)
    {
        string target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        string[] segments = target.Split('?')[0].Split('/');
        int at = Array.IndexOf(segments, behind);
        return at >= 0 && at + 1 < segments.Length && segments[at + 1].Length > 0 ? Uri.UnescapeDataString(segments[at + 1]) : null;
    }

    /// <summary>Whether a client would rather have one media type than another (RFC 9110, "Accept"); either is given to who doesn't say.</summary>
    public static bool Prefers(this HttpRequest request, string type, string over)
    {
        StringValues accept = request.Headers.Accept;
        if (!MediaTypeHeaderValue.TryParseList([.. accept.OfType<string>()], out IList<MediaTypeHeaderValue>? ranges)) return false;
        double quality = QualityOf(type, ranges);
        double other = QualityOf(over, ranges);
        return quality > other || (quality == other && quality > 0 && FirstNamed(ranges, type, over) == type);
    }

    /// <summary>The quality that the most specific range gives a type; 0 where none does.</summary>
    private static double QualityOf(string type, IEnumerable<MediaTypeHeaderValue> ranges)
    {
        var wanted = new MediaTypeHeaderValue(type);
        return ranges
            .Where(range => wanted.IsSubsetOf(WithoutQuality(range)))
            .OrderByDescending(range => range.MatchesAllTypes ? 0 : range.MatchesAllSubTypes ? 1 : 2)
            .Select(range => range.Quality ?? 1)
            .FirstOrDefault();
    }

    private static MediaTypeHeaderValue WithoutQuality(MediaTypeHeaderValue range) => new(range.MediaType);

    private static string? FirstNamed(IEnumerable<MediaTypeHeaderValue> ranges, params string[] types) =>
        ranges.Select(range => range.MediaType.Value).FirstOrDefault(type => types.Contains(type, StringComparer.OrdinalIgnoreCase))?.ToLowerInvariant();

    private static string Shorten(string text) => text.Length <= MaxShownCharacters ? text : text[..MaxShownCharacters] + "…";
}

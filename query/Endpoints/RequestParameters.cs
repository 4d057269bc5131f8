using System.Globalization;
using Microsoft.AspNetCore.Http;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Endpoints;

/// <summary>Reads a request's parameters; one that can't be read is a <see cref="BadRequestException"/> that names it.</summary>
internal static class RequestParameters
{
    /// <summary>A parameter's value; null when it is absent or empty.</summary>
    public static string? Text(this IQueryCollection query, string name) =>
        query[name].LastOrDefault() is { Length: > 0 } text ? text : null;

    public static long? Number(this IQueryCollection query, string name, long min, long max)
    {
        if (query.Text(name) is not { } text) return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= min && number <= max
            ? number
            : throw new BadRequestException($"{name}={text}: a whole number from {min} to {max} was expected.");
    }

    /// <summary>A Go duration, in nanoseconds.</summary>
    public static long? Duration(this IQueryCollection query, string name)
    {
        if (query.Text(name) is not { } text) return null;
        return DurationText.TryParse(text, out long nanoseconds)
            ? nanoseconds
            : throw new BadRequestException($"{name}={text}: a duration such as 100ms, 1.5s or 1h30m was expected.");
    }

    public static TraceId ParseTraceId(string text) =>
        TraceId.TryParse(text, out TraceId id)
            ? id
            : throw new BadRequestException($"Invalid trace ID '{text}': 1 to 32 hexadecimal digits were expected.");
}

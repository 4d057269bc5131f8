using System.Globalization;

namespace TraceStore.Recovery;

/// <summary>Instants as people write them: RFC 3339, always with the offset from UTC, so that nobody is an hour off in a disaster; and days.</summary>
internal static class Instants
{
    /// <summary>Null where there is none, or none that is valid, which is noted.</summary>
    public static DateTimeOffset? Read(string option, string? text, List<string> problems)
    {
        if (text is null) return null;
        bool hasOffset = text.Length > 11 && (text.EndsWith('Z') || text[11..].IndexOfAny(['+', '-']) >= 0);
        if (hasOffset && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTimeOffset instant)) return instant;
        problems.Add($"{option} {text}: expected an instant with its offset from UTC, such as 2026-11-26T10:15:00Z or 2026-11-26T11:15:00+01:00.");
        return null;
    }

    /// <summary>Null where there is none, or none that is valid, which is noted.</summary>
    public static DateOnly? ReadDay(string option, string? text, List<string> problems)
    {
        if (text is null) return null;
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day)) return day;
        problems.Add($"{option} {text}: expected a day of UTC, such as 2026-11-26.");
        return null;
    }
}

using System.Globalization;

namespace TraceStore.Storage.Archive;

/// <summary>What objects of an archive are called. Numbers have a fixed width, so that the order of names is theirs.</summary>
public static class ArchiveNames
{
    /// <summary>Who the archive belongs to and how far it goes: the one object that is replaced.</summary>
    public const string Head = "head.json";

    /// <summary>All groups of segments.</summary>
    public const string AllLogs = "log/";

    /// <summary>Groups of segments of an epoch.</summary>
    public static string LogOf(uint epoch) => string.Create(CultureInfo.InvariantCulture, $"log/{epoch:x8}/");

    /// <summary>The group that begins with a segment, or where it would be. So the name of the next follows from where a group ends.</summary>
    public static string Group(uint epoch, ulong firstSegment) => string.Create(CultureInfo.InvariantCulture, $"log/{epoch:x8}/{firstSegment:D20}");

    /// <summary>The first segment of a group, by its name; null where it is no group's.</summary>
    public static ulong? FirstOf(string group) =>
        ulong.TryParse(group.AsSpan(group.LastIndexOf('/') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ulong first) ? first : null;
}

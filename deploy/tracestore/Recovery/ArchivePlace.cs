using Microsoft.Extensions.Configuration;
using TraceStore.Settings;

namespace TraceStore.Recovery;

/// <summary>The archive that a command is about.</summary>
internal static class ArchivePlace
{
    /// <summary>Where it is, as the settings say; null, and the problems, where they don't.</summary>
    public static ArchiveSettings? Read(IConfiguration configuration, List<string> problems)
    {
        (TraceStoreSettings? settings, IReadOnlyList<string> invalid) = TraceStoreSettings.Read(configuration);
        problems.AddRange(invalid);
        if (settings is { Archive: null }) problems.Add("Archive:Url isn't set: say with --archive where the archive is, a directory or s3://bucket/prefix.");
        return settings?.Archive;
    }

    /// <summary>Says what is wrong.</summary>
    public static int Fail(params IReadOnlyList<string> problems)
    {
        foreach (string problem in problems) Console.Error.WriteLine(problem);
        return 1;
    }
}

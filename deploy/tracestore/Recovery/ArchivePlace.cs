using Microsoft.Extensions.Configuration;
using TraceStore.Settings;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;

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

    /// <exception cref="RestoreRefusedException">There is no archive, or it doesn't reach there.</exception>
    public static async Task<RestorePlan> PlanAsync(IObjectStore store, DateTimeOffset? instant, CancellationToken cancellation)
    {
        StoredObject head = await store.GetAsync(ArchiveNames.Head, cancellation).ConfigureAwait(false) ?? throw new RestoreRefusedException($"There is no archive in {store.Address}: {ArchiveNames.Head} is missing.");
        return RestorePlan.Of(ArchiveHead.Decode(store, head.Content.Span), instant);
    }

    /// <summary>Says what is wrong.</summary>
    public static int Fail(params IReadOnlyList<string> problems)
    {
        foreach (string problem in problems) Console.Error.WriteLine(problem);
        return 1;
    }
}

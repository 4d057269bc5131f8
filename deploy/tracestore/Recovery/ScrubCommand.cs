using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Spectre.Console;
using TraceStore.Serving;
using TraceStore.Settings;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Recovery;

/// <summary><c>tracestore archive scrub</c>: reads the archive for damage, before a disaster has to.</summary>
internal static class ScrubCommand
{
    public static Command Create()
    {
        var command = new Command("scrub", $"Read the newest snapshot whole, and of the rest of the archive what is today's turn (each object once in {ArchiveScrub.Days} days), and name what is damaged. A TraceStore that runs does it once a day. Takes the options of serve.");
        Func<ParseResult, (IConfiguration, IReadOnlyList<string>)> read = ServeCommand.AddOptions(command);
        var all = new Option<bool>("--all") { Description = "Read everything" };
        command.Add(all);
        command.SetAction((arguments, cancellation) =>
        {
            (IConfiguration configuration, IReadOnlyList<string> unread) = read(arguments);
            return ScrubAsync(configuration, [.. unread], arguments.GetValue(all), cancellation);
        });
        return command;
    }

    private static async Task<int> ScrubAsync(IConfiguration configuration, List<string> problems, bool isAll, CancellationToken cancellation)
    {
        ArchiveSettings? archive = ArchivePlace.Read(configuration, problems);
        if (archive is null || problems.Count > 0) return ArchivePlace.Fail(problems);
        IObjectStore store = ObjectStores.Open(archive.Store);
        await using (store.ConfigureAwait(false))
        {
            try
            {
                using ILoggerFactory logs = LogOutput.Create(configuration);
                (long objects, long bytes, List<string> damaged) = (0, 0, []);
                DateOnly today = DateOnly.FromDateTime(DateTime.UtcNow);
                await AnsiConsole.Status().StartAsync("Reading", async screen =>
                {
                    for (int day = 0; day < (isAll ? ArchiveScrub.Days : 1); day++)
                    {
                        long before = objects;
                        ScrubReport report = await new ArchiveScrub(store, logs.CreateLogger<ArchiveScrub>())
                            .RunAsync(today.AddDays(day), read => screen.Status = string.Create(CultureInfo.InvariantCulture, $"Reading: {before + read} objects"), cancellation).ConfigureAwait(false);
                        (objects, bytes) = (objects + report.Objects, bytes + report.Bytes);
                        damaged.AddRange(report.Damaged);
                    }
                }).ConfigureAwait(false);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{objects} objects were read, {bytes / 1e6:F1} MB: {damaged.Distinct().Count()} damaged."));
                return damaged.Count == 0 ? 0 : 1;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return ArchivePlace.Fail("Stopped.");
            }
            catch (IOException e)
            {
                return ArchivePlace.Fail(e.Message);
            }
        }
    }
}

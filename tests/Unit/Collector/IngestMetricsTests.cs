using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Collector.Pipeline;
using TraceStore.Collector.Protection;
using TraceStore.Recovery;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Collector;

public sealed partial class IngestMetricsTests
{
    [Fact]
    public async Task Every_metric_is_documented_and_every_documented_one_is_there()
    {
        using var directory = new TemporaryDirectory();
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        IMeterFactory factory = services.GetRequiredService<IMeterFactory>();
        List<string> published = [];
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => { if (instrument.Meter.Scope == factory) published.Add(instrument.Name); } };
        listener.Start();
        await using (WriteAheadLog wal = WriteAheadLog.Open(new WalOptions { Directory = directory.Path }, TimeProvider.System, NullLogger.Instance))
        {
            _ = new IngestMetrics(factory, wal, new Quarantine(directory.Path));
            var store = new DirectoryStore(Path.Combine(directory.Path, "archive"));
            await using var archiver = new LogArchiver(store, wal, wal.OpenCursor("archive", CursorClaim.Required), directory.Path, new ArchiveOptions(), NullLogger<LogArchiver>.Instance);
            _ = new ArchiveMetrics(factory, archiver, TimeProvider.System);
            _ = new SnapshotMetrics(factory, TimeProvider.System);
            _ = new RecoveryMetrics(factory, TimeProvider.System);
        }

        string table = await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Path, "collector", "Pipeline", "METRICS.md"), TestContext.Current.CancellationToken);
        Assert.Equal(published.Order(StringComparer.Ordinal), Row().Matches(table).Select(row => row.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"^\| `(tracestore\.[\w.]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}

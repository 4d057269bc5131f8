using TraceStore.Load;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using TraceStore.Tests;

namespace TraceStore.Benchmarks.EndToEnd;

/// <summary>
/// What the engine alone costs: the same spans in the same blocks, encoded before the clock starts, inserted by the same
/// engine into the same tables with nothing else running.
/// </summary>
internal static class Floor
{
    /// <summary>Measures the engine's CPU seconds until all is inserted, and until all is merged.</summary>
    /// <param name="blockSizes">Spans of each block, as the measured run had them.</param>
    /// <param name="shape">The shape of the measured run's load.</param>
    /// <param name="connections">How many connections that load had.</param>
    public static async Task<(double Stored, double Settled)> MeasureAsync(IReadOnlyList<int> blockSizes, LoadShape shape, int connections)
    {
        using var blocks = new TemporaryDirectory();
        IReadOnlyList<(string Table, string Columns, string File)> files = Encode(blockSizes, shape, connections, blocks.Path);

        using var data = new TemporaryDirectory();
        using MeasuredServer server = await MeasuredServer.StartAsync(data.Path);
        double before = server.Cpu().Engine;
        foreach ((string table, string columns, string file) in files)
        {
            string deduplication = table == SpanColumns.Spans.Name ? $", insert_deduplicate = 1, insert_deduplication_token = '{Path.GetFileName(file)}'" : "";
            await server.InsertAsync($"INSERT INTO tracestore.{table} ({columns}) SETTINGS async_insert = 0, input_format_skip_unknown_fields = 0{deduplication} FORMAT Native", await File.ReadAllBytesAsync(file));
        }

        double stored = server.Cpu().Engine - before;
        await server.SettleAsync();
        double settled = server.Cpu().Engine - before;
        await server.StopAsync();
        return (stored, settled);
    }

    private static List<(string Table, string Columns, string File)> Encode(IReadOnlyList<int> blockSizes, LoadShape shape, int connections, string directory)
    {
        using IEnumerator<ReadOnlyMemory<byte>> requests = Requests(shape, connections).GetEnumerator();
        var segment = new DecodedSegment();
        var decoder = new OtlpDecoder(segment);
        var block = new ByteList();
        List<(string, string, string)> files = [];
        for (int number = 1; number <= blockSizes.Count; number++)
        {
            decoder.Begin(wal: 1, (ulong)number, DateOnly.FromDateTime(DateTime.UtcNow), TimeBuckets.LengthFor(blockSizes[number - 1], within: 0));
            while (segment.Spans.Count < blockSizes[number - 1] && requests.MoveNext()) decoder.Decode(requests.Current.Span, tenant: []);
            if (number == 1)
            {
                Write(SpanColumns.Resources, segment.Resources, number);
                Write(SpanColumns.Scopes, segment.Scopes, number);
                Write(SpanColumns.Operations, segment.Operations, number);
            }

            Write(SpanColumns.Spans, segment.Spans, number);
        }

        return files;

        void Write<TBatch>(BlockTable<TBatch> table, TBatch batch, int number)
        {
            block.Clear();
            NativeBlockWriter.Write(table, batch, block);
            string file = Path.Combine(directory, $"{table.Name}-{number}");
            File.WriteAllBytes(file, block.All.ToArray());
            files.Add((table.Name, table.ColumnList, file));
        }
    }

    /// <summary>The requests of a load, from its connections in turns, for ever.</summary>
    private static IEnumerable<ReadOnlyMemory<byte>> Requests(LoadShape shape, int connections)
    {
        LoadConnection[] all = [.. Enumerable.Range(0, connections).Select(connection => new LoadConnection(shape, connection, isJson: false))];
        while (true)
        {
            foreach (LoadConnection connection in all) yield return connection.NextRequest().Bytes;
        }
    }
}

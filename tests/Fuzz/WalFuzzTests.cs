using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Fuzz;

public class WalFuzzTests
{
    /// <summary>However a segment is damaged, what is read of it is what was written to it.</summary>
    [Fact]
    public async Task A_damaged_segment_gives_back_no_record_that_was_not_written()
    {
        (byte[] segment, HashSet<string> requests) = await WriteSegmentAsync();
        (byte[] foreign, _) = await WriteSegmentAsync();
        Fuzzer.Run([segment, segment, segment, foreign], file =>
        {
            if (!file.AsSpan().StartsWith(segment.AsSpan(0, WalSegment.HeaderBytes))) return false; // another log's
            try
            {
                WalSegmentContent? content = WalReader.Parse("fuzzed", file);
                foreach (WalRecord record in content?.Records ?? [])
                {
                    byte[] request = new byte[record.RequestBytes];
                    record.CopyRequestTo(request);
                    Assert.Contains(Convert.ToHexString(request), requests);
                }

                return content?.Records.Count > 0;
            }
            catch (InvalidDataException)
            {
                return false;
            }
        });
    }

    private static async Task<(byte[] Segment, HashSet<string> Requests)> WriteSegmentAsync()
    {
        using var directory = new TemporaryDirectory();
        HashSet<string> requests = [];
        await using (WriteAheadLog wal = WriteAheadLog.Open(new WalOptions { Directory = directory.Path, MaxSegmentAge = TimeSpan.FromMinutes(1) }, TimeProvider.System, NullLogger.Instance))
        {
            List<Task> appends = []; // those that wait for each other's write are written at once, and stand together
            foreach (byte[] request in Samples.Requests.Select(request => request.ToByteArray()).Where(request => request.Length is > 0 and < 2_000))
            {
                requests.Add(Convert.ToHexString(request));
                appends.Add(wal.AppendAsync(request, spanCount: 1, tenant: []));
            }

            await Task.WhenAll(appends);
        }

        return (await File.ReadAllBytesAsync(Directory.EnumerateFiles(directory.Path, "*.wal").Single()), requests);
    }
}

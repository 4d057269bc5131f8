using System.Buffers.Binary;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Assembly;

/// <summary>Hashes of rows: two rows that hold the same span have the same.</summary>
public static class SpanContent
{
    /// <summary>Takes in all that OTLP carried. For rows of which every column was read.</summary>
    public static Func<int, UInt128> Whole(SpanBatch spans)
    {
        var writer = new OtlpSpanWriter();
        return row => Hash([.. spans.ResourceHash(row), .. spans.ScopeHash(row), .. writer.Write(spans, row)]);
    }

    private static UInt128 Hash(ReadOnlySpan<byte> content) => BinaryPrimitives.ReadUInt128BigEndian(ContentHash.Of(content));
}

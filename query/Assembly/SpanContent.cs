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

    /// <summary>Takes in what a summary shows. For rows of which only a summary's columns were read.</summary>
    public static Func<int, UInt128> Summary(SpanBatch spans) => row =>
    {
        var content = new WireWriter();
        content.Bytes(1, spans.ParentSpanId(row));
        content.Bytes(2, spans.Service[row]);
        content.Bytes(3, spans.Name[row]);
        content.Fixed64(4, spans.StartTimeUnixNano[row]);
        content.Fixed64(5, spans.EndTimeUnixNano(row));
        content.Varint(6, (ulong)spans.StatusCode[row]);
        return Hash(content.Written);
    };

    private static UInt128 Hash(ReadOnlySpan<byte> content) => BinaryPrimitives.ReadUInt128BigEndian(ContentHash.Of(content));
}

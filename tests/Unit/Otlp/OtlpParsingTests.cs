using System.Text;
using Google.Protobuf;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Storage.Otlp;

namespace TraceStore.Tests.Unit.Otlp;

public sealed class OtlpParsingTests
{
    [Fact]
    public void Text_that_is_UTF8_only_with_what_stands_behind_it_is_mended()
    {
        var span = new Span
        {
            TraceId = ByteString.CopyFromUtf8("0123456789abcdef"),
            SpanId = ByteString.CopyFromUtf8("01234567"),
            Status = new Status { Message = "?" },
            Flags = 1,
        };
        byte[] message = span.ToByteArray();
        message[Array.IndexOf(message, (byte)'?')] = 0xC3; // half a character; the tag of flags, 0x85, would be its other half
        Assert.Contains("\u00C5", Encoding.UTF8.GetString(message), StringComparison.Ordinal);

        Assert.Equal("\uFFFD", Span.Parser.ParseFrom(OtlpParsing.MendSpan(message)).Status.Message);
    }
}

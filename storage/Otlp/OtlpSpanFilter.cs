using static TraceStore.Storage.Otlp.OtlpFields;

namespace TraceStore.Storage.Otlp;

/// <summary>Writes an export request again without its rejected spans; every other byte stays as the client sent it.</summary>
public static class OtlpSpanFilter
{
    /// <summary>The request without <paramref name="rejected"/>, which come from a scan of it.</summary>
    public static byte[] Without(ReadOnlySpan<byte> request, RejectedSpans rejected)
    {
        int ordinal = 0;
        var output = new WireWriter();
        CopyFields(new WireReader(request), Request_ResourceSpans, output, (resourceSpans, resourceOutput) =>
            CopyFields(resourceSpans, ResourceSpans_ScopeSpans, resourceOutput, (scopeSpans, scopeOutput) =>
                CopySpans(scopeSpans, scopeOutput, () => rejected.Contains(ordinal++))));
        return output.Written.ToArray();
    }

    private delegate void CopyMessage(WireReader message, WireWriter output);

    /// <summary>Copies a message field by field; the message field <paramref name="rewritten"/> goes through <paramref name="copy"/>.</summary>
    private static void CopyFields(WireReader message, int rewritten, WireWriter output, CopyMessage copy)
    {
        while (!message.AtEnd)
        {
            int start = message.Position;
            message.TryReadTag(out int field, out WireType type);
            if (field == rewritten && type == WireType.Bytes)
            {
                message.TryReadMessage(out WireReader inner);
                var innerOutput = new WireWriter();
                copy(inner, innerOutput);
                output.Bytes(field, innerOutput.Written);
            }
            else
            {
                message.TrySkip(field, type);
                output.Raw(message.Raw(start, message.Position));
            }
        }
    }

    private static void CopySpans(WireReader scopeSpans, WireWriter output, Func<bool> isRejected)
    {
        while (!scopeSpans.AtEnd)
        {
            int start = scopeSpans.Position;
            scopeSpans.TryReadTag(out int field, out WireType type);
            scopeSpans.TrySkip(field, type);
            if (field == ScopeSpans_Spans && type == WireType.Bytes && isRejected()) continue;
            output.Raw(scopeSpans.Raw(start, scopeSpans.Position));
        }
    }
}

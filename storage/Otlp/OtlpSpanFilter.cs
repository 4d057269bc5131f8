using static TraceStore.Storage.Otlp.OtlpFields;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Writes an export request again without its rejected spans, and without the resources and scopes that have none left;
/// every other byte stays as the client sent it.
/// </summary>
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

    /// <summary>Copies a message, and says whether there was something to copy and nothing of it is left.</summary>
    private delegate bool CopyMessage(WireReader message, WireWriter output);

    /// <summary>Copies a message field by field; the message field <paramref name="rewritten"/> goes through <paramref name="copy"/>.</summary>
    private static bool CopyFields(WireReader message, int rewritten, WireWriter output, CopyMessage copy)
    {
        int copied = 0, emptied = 0;
        while (!message.AtEnd)
        {
            int start = message.Position;
            message.TryReadTag(out int field, out WireType type);
            if (field == rewritten && type == WireType.Bytes)
            {
                message.TryReadMessage(out WireReader inner);
                var innerOutput = new WireWriter();
                bool isEmptied = copy(inner, innerOutput);
                if (isEmptied) emptied++;
                else copied++;
                if (!isEmptied) output.Bytes(field, innerOutput.Written);
            }
            else
            {
                message.TrySkip(field, type);
                output.Raw(message.Raw(start, message.Position));
            }
        }

        return emptied > 0 && copied == 0;
    }

    private static bool CopySpans(WireReader scopeSpans, WireWriter output, Func<bool> isRejected)
    {
        int copied = 0, rejected = 0;
        while (!scopeSpans.AtEnd)
        {
            int start = scopeSpans.Position;
            scopeSpans.TryReadTag(out int field, out WireType type);
            scopeSpans.TrySkip(field, type);
            bool isSpan = field == ScopeSpans_Spans && type == WireType.Bytes;
            if (isSpan && isRejected())
            {
                rejected++;
                continue;
            }

            if (isSpan) copied++;
            output.Raw(scopeSpans.Raw(start, scopeSpans.Position));
        }

        return rejected > 0 && copied == 0;
    }
}

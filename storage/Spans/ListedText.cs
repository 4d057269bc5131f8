using System.Text;

namespace TraceStore.Storage.Spans;

/// <summary>
/// Text that is listed and kept in dictionaries: names of spans, services and scopes. A column holds the start of one that is
/// very long: ClickHouse has whole dictionaries in memory, in every insert, merge and read.
/// </summary>
public static class ListedText
{
    /// <summary>The longest that a column holds, UTF-8.</summary>
    public const int MaxBytes = 4 << 10;

    /// <summary>The text as a column holds it: all of it mostly, and whole characters.</summary>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> text)
    {
        if (text.Length <= MaxBytes) return text;
        int length = MaxBytes;
        while (length > MaxBytes - 4 && (text[length] & 0xC0) == 0x80) length--;
        return text[..length];
    }

    /// <inheritdoc cref="Of(ReadOnlySpan{byte})"/>
    public static string Of(string text) =>
        Encoding.UTF8.GetMaxByteCount(text.Length) <= MaxBytes ? text : Encoding.UTF8.GetString(Of(Encoding.UTF8.GetBytes(text)));
}

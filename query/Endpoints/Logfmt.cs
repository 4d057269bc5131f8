using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Endpoints;

/// <summary>The <c>key=value key2="a value"</c> of Tempo's tags parameter.</summary>
internal static class Logfmt
{
    /// <summary>Reads the pairs. A key without a value is passed over: who types it hasn't come to the value yet.</summary>
    /// <exception cref="BadRequestException">It isn't logfmt, or a key stands twice.</exception>
    public static IReadOnlyDictionary<string, string> Parse(string text)
    {
        Dictionary<string, string> pairs = [];
        for (int position = 0; TrySkipSpaces(text, ref position);)
        {
            string key = ReadPlain(text, ref position, upToEquals: true);
            bool hasValue = position < text.Length && text[position] == '=';
            if (hasValue) position++;
            if (hasValue && key.Length == 0) throw new BadRequestException($"{RequestParameters.Show("tags", text)}: a key was expected in front of '='.");
            string value = !hasValue ? "" : position < text.Length && text[position] == '"' ? ReadQuoted(text, ref position) : ReadPlain(text, ref position, upToEquals: false);
            if (value.Length > 0 && !pairs.TryAdd(key, value)) throw new BadRequestException($"{RequestParameters.Show("tags", text)}: the key {key} stands twice.");
        }

        return pairs;
    }

    private static bool TrySkipSpaces(string text, ref int position)
    {
        while (position < text.Length && char.IsWhiteSpace(text[position])) position++;
        return position < text.Length;
    }

    private static string ReadPlain(string text, ref int position, bool upToEquals)
    {
        int start = position;
        while (position < text.Length && !char.IsWhiteSpace(text[position]) && !(upToEquals && text[position] == '=')) position++;
        return text[start..position];
    }

    private static string ReadQuoted(string text, ref int position) =>
        QuotedText.Read(text, ref position, out string problem) ?? throw new BadRequestException($"{RequestParameters.Show("tags", text)}: {problem}.");
}

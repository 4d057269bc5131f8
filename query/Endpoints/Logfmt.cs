using System.Text;

namespace TraceStore.Query.Endpoints;

/// <summary>The <c>key=value key2="a value"</c> of Tempo's tags parameter.</summary>
internal static class Logfmt
{
    /// <exception cref="BadRequestException">It isn't logfmt, or a key stands twice.</exception>
    public static IReadOnlyDictionary<string, string> Parse(string text)
    {
        Dictionary<string, string> pairs = [];
        for (int position = 0; TrySkipSpaces(text, ref position);)
        {
            int equals = text.IndexOf('=', position);
            if (equals <= position) throw new BadRequestException($"tags={text}: key=value was expected at '{text[position..]}'.");
            string key = text[position..equals];
            position = equals + 1;
            string value = position < text.Length && text[position] == '"' ? ReadQuoted(text, ref position) : ReadPlain(text, ref position);
            if (!pairs.TryAdd(key, value)) throw new BadRequestException($"tags={text}: the key {key} stands twice.");
        }

        return pairs;
    }

    private static bool TrySkipSpaces(string text, ref int position)
    {
        while (position < text.Length && char.IsWhiteSpace(text[position])) position++;
        return position < text.Length;
    }

    private static string ReadPlain(string text, ref int position)
    {
        int start = position;
        while (position < text.Length && !char.IsWhiteSpace(text[position])) position++;
        return text[start..position];
    }

    private static string ReadQuoted(string text, ref int position)
    {
        var value = new StringBuilder();
        for (position++; position < text.Length; position++)
        {
            if (text[position] == '"')
            {
                position++;
                return value.ToString();
            }

            if (text[position] == '\\' && position + 1 < text.Length) position++;
            value.Append(text[position]);
        }

        throw new BadRequestException($"tags={text}: a quoted value has no end.");
    }
}

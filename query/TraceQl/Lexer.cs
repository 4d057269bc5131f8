using System.Buffers;
using System.Text;

namespace TraceStore.Query.TraceQl;

/// <summary>Splits a query into tokens.</summary>
internal sealed class Lexer(string query)
{
    /// <summary>Longest first, so that <c>>=</c> isn't read as <c>></c>.</summary>
    private static readonly string[] s_symbols = ["&&", "||", "!=", "!~", "=~", "<=", ">=", "{", "}", "(", ")", "=", "<", ">", "!", "|", "-", ","];

    /// <summary>What ends a name. Attribute names are free otherwise: <c>k8s/pod-name</c> is one.</summary>
    private static readonly SearchValues<char> s_nameEnds = SearchValues.Create(" \t\r\n{}()=~!<>&|^,\"`");

    private int _position;

    public List<TraceQlToken> ReadAll()
    {
        List<TraceQlToken> tokens = [];
        do tokens.Add(Read());
        while (tokens[^1].Kind != TraceQlTokenKind.End);
        return tokens;
    }

    private TraceQlToken Read()
    {
        while (_position < query.Length && char.IsWhiteSpace(query[_position])) _position++;
        int start = _position;
        if (start == query.Length) return new TraceQlToken(TraceQlTokenKind.End, start, "");

        char first = query[start];
        if (first is '"' or '`') return new TraceQlToken(TraceQlTokenKind.String, start, ReadString());
        if (char.IsAsciiDigit(first) || (first == '.' && start + 1 < query.Length && char.IsAsciiDigit(query[start + 1]))) return ReadNumber();
        foreach (string symbol in s_symbols)
        {
            if (string.CompareOrdinal(query, start, symbol, 0, symbol.Length) != 0) continue;
            _position += symbol.Length;
            return new TraceQlToken(TraceQlTokenKind.Symbol, start, symbol);
        }

        string name = ReadName();
        return name.Length > 0
            ? new TraceQlToken(TraceQlTokenKind.Name, start, name)
            : throw new TraceQlException(start, $"'{first}' has no meaning here");
    }

    /// <summary>
    /// A name runs to the next operator or space; parts of an attribute's that need other characters are quoted, wherever
    /// they stand: <c>span."a b"</c>, <c>span.my" "key</c>.
    /// </summary>
    private string ReadName()
    {
        var name = new StringBuilder();
        bool isAttribute = false;
        while (_position < query.Length)
        {
            if (query[_position] == '"' && isAttribute)
            {
                name.Append(ReadString());
                continue;
            }

            int length = query.AsSpan(_position).IndexOfAny(s_nameEnds);
            if (length < 0) length = query.Length - _position;
            if (length == 0) break;
            isAttribute |= query.AsSpan(_position, length).Contains('.');
            name.Append(query, _position, length);
            _position += length;
        }

        return name.ToString();
    }

    private TraceQlToken ReadNumber()
    {
        int start = _position;
        bool isHexadecimal = query.AsSpan(start).StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        for (; _position < query.Length; _position++)
        {
            char next = query[_position];
            bool isExponentsSign = next is '+' or '-' && _position > start && (isHexadecimal ? query[_position - 1] is 'p' or 'P' : query[_position - 1] is 'e' or 'E');
            if (!char.IsLetterOrDigit(next) && next is not ('.' or '_') && !isExponentsSign) break;
        }

        string text = query[start.._position];
        if (NumberText.Read(text) is not null) return new TraceQlToken(TraceQlTokenKind.Number, start, text);
        return DurationText.TryParse(text, out _)
            ? new TraceQlToken(TraceQlTokenKind.Duration, start, text)
            : throw new TraceQlException(start, $"'{text}' is neither a number nor a duration such as 100ms");
    }

    private string ReadString() => QuotedText.Read(query, ref _position, out string problem) ?? throw new TraceQlException(_position, problem);
}

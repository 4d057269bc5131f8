using System.Buffers;
using System.Globalization;
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
        if (char.IsAsciiDigit(first)) return ReadNumber();
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

    /// <summary>A name runs to the next operator or space; parts that need other characters are quoted: <c>span."a b"</c>.</summary>
    private string ReadName()
    {
        var name = new StringBuilder();
        while (_position < query.Length)
        {
            if (query[_position] == '"' && name.Length > 0 && name[^1] == '.')
            {
                name.Append(ReadString());
                continue;
            }

            int length = query.AsSpan(_position).IndexOfAny(s_nameEnds);
            if (length < 0) length = query.Length - _position;
            if (length == 0) break;
            name.Append(query, _position, length);
            _position += length;
        }

        return name.ToString();
    }

    private TraceQlToken ReadNumber()
    {
        int start = _position;
        while (_position < query.Length && (char.IsLetterOrDigit(query[_position]) || query[_position] == '.')) _position++;
        string text = query[start.._position];
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out _))
        {
            return new TraceQlToken(TraceQlTokenKind.Number, start, text);
        }

        return DurationText.TryParse(text, out _)
            ? new TraceQlToken(TraceQlTokenKind.Duration, start, text)
            : throw new TraceQlException(start, $"'{text}' is neither a number nor a duration such as 100ms");
    }

    private string ReadString()
    {
        int start = _position;
        char quote = query[_position++];
        var content = new StringBuilder();
        for (; _position < query.Length; _position++)
        {
            char next = query[_position];
            if (next == quote)
            {
                _position++;
                return content.ToString();
            }

            content.Append(next == '\\' && quote == '"' ? ReadEscape() : next);
        }

        throw new TraceQlException(start, "this string has no end");
    }

    private char ReadEscape()
    {
        if (++_position == query.Length) throw new TraceQlException(_position, "this string has no end");
        return query[_position] switch
        {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            '\\' => '\\',
            '"' => '"',
            char other => throw new TraceQlException(_position - 1, $"'\\{other}' is no escape; write '\\\\' for a backslash, or put the string in backticks"),
        };
    }
}

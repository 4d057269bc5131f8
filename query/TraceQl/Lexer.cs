using System.Buffers;
using System.Text;

namespace TraceStore.Query.TraceQl;

/// <summary>Splits a query into tokens. Between them may stand spaces and comments: <c>// to the line's end</c>, <c>/* … */</c>.</summary>
internal sealed class Lexer(string query)
{
    /// <summary>Longest first, so that <c>>=</c> isn't read as <c>></c>.</summary>
    private static readonly string[] s_symbols =
    [
        "!>>", "!<<", "&>>", "&<<",
        "&&", "||", "!=", "!~", "=~", "<=", ">=", ">>", "<<", "!>", "!<", "&>", "&<", "&~",
        "{", "}", "(", ")", "=", "<", ">", "!", "|", "-", ",", "+", "*", "/", "%", "^", "~",
    ];

    /// <summary>What ends an attribute's name, which is free otherwise: <c>k8s/pod-name</c> is one.</summary>
    private static readonly SearchValues<char> s_nameEnds = SearchValues.Create(" \t\r\n{}()=~!<>&|^,\"`");

    private int _position;

    /// <param name="isLenient">Whether what can't be read ends it.</param>
    public List<TraceQlToken> ReadAll(bool isLenient)
    {
        List<TraceQlToken> tokens = [];
        try
        {
            do tokens.Add(Read());
            while (tokens[^1].Kind != TraceQlTokenKind.End);
        }
        catch (TraceQlException) when (isLenient)
        {
            tokens.Add(new TraceQlToken(TraceQlTokenKind.End, query.Length, ""));
        }

        return tokens;
    }

    private TraceQlToken Read()
    {
        SkipSpace();
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

        return ReadName(start);
    }

    private void SkipSpace()
    {
        while (_position < query.Length)
        {
            ReadOnlySpan<char> rest = query.AsSpan(_position);
            if (char.IsWhiteSpace(rest[0]))
            {
                _position++;
            }
            else if (rest.StartsWith("//", StringComparison.Ordinal))
            {
                int end = rest.IndexOf('\n');
                _position += end < 0 ? rest.Length : end;
            }
            else if (rest.StartsWith("/*", StringComparison.Ordinal))
            {
                int end = rest.IndexOf("*/", StringComparison.Ordinal);
                if (end < 0) throw new TraceQlException(_position, "this comment has no end");
                _position += end + 2;
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>A word, <c>span:name</c>, or an attribute: a scope, a dot and what follows.</summary>
    private TraceQlToken ReadName(int start)
    {
        string word = ReadWord();
        char next = _position < query.Length ? query[_position] : '\0';
        if (next == ':' && word.Length > 0)
        {
            _position++;
            return new TraceQlToken(TraceQlTokenKind.Word, start, $"{word}:{ReadWord()}");
        }

        if (next != '.' && word.Length > 0) return new TraceQlToken(TraceQlTokenKind.Word, start, word);
        if (next != '.') throw new TraceQlException(start, $"'{query[start]}' has no meaning here");

        bool ofParent = word == FieldNames.Parent;
        if (!ofParent && !FieldNames.Scopes.ContainsKey(word))
        {
            ReadAttributeName();
            return new TraceQlToken(TraceQlTokenKind.Word, start, query[start.._position]);
        }

        _position++;
        AttributeScope scope = ofParent ? ReadScopeOfParent() : FieldNames.Scopes[word];
        string name = ReadAttributeName();
        if (name.Length == 0) throw new TraceQlException(_position, $"an attribute's name was expected behind '{query[start.._position]}'");
        return new TraceQlToken(TraceQlTokenKind.Attribute, start, query[start.._position], new AttributeField(start, scope, name, ofParent));
    }

    private string ReadWord()
    {
        int start = _position;
        while (_position < query.Length && (char.IsLetterOrDigit(query[_position]) || query[_position] == '_')) _position++;
        return query[start.._position];
    }

    private AttributeScope ReadScopeOfParent()
    {
        foreach (AttributeScope scope in (AttributeScope[])[AttributeScope.Span, AttributeScope.Resource])
        {
            string name = FieldNames.Of(scope);
            if (!query.AsSpan(_position).StartsWith(name, StringComparison.Ordinal)) continue;
            _position += name.Length;
            return scope;
        }

        return AttributeScope.Any;
    }

    /// <summary>It runs to the next operator or space; parts that need other characters are quoted, wherever they stand: <c>span."a b"</c>, <c>span.my" "key</c>.</summary>
    private string ReadAttributeName()
    {
        var name = new StringBuilder();
        while (_position < query.Length)
        {
            if (query[_position] == '"')
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

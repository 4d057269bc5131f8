namespace TraceStore.Query.TraceQl;

/// <summary>Goes through a query's tokens.</summary>
/// <param name="query">The query.</param>
/// <param name="isLenient">Whether what can't be read ends it.</param>
internal sealed class TokenReader(string query, bool isLenient = false)
{
    /// <summary>Brackets and signs nest no deeper than this, and no more operators are there that make one more level each: together they bound the stack of all that walks a query.</summary>
    private const int MaxDepth = 200, MaxLinks = 1_000;

    private readonly List<TraceQlToken> _tokens = new Lexer(query).ReadAll(isLenient);
    private int _next;
    private int _depth, _links;

    public TraceQlToken Next => _tokens[_next];

    public TraceQlToken BehindNext => Peek(1);

    public TraceQlToken Peek(int ahead) => _tokens[Math.Min(_next + ahead, _tokens.Count - 1)];

    public TraceQlToken Take() => _tokens[Next.Kind == TraceQlTokenKind.End ? _next : _next++];

    public bool TryTake(string symbol, out TraceQlToken token)
    {
        token = Next;
        if (!token.Is(symbol)) return false;
        _next++;
        return true;
    }

    public bool TryTake(string symbol) => TryTake(symbol, out _);

    public void Expect(string symbol)
    {
        if (!TryTake(symbol, out TraceQlToken found)) throw new TraceQlException(found.Position, $"'{symbol}' was expected, not {found}");
    }

    public bool IsFunction(string name) => Next.Kind == TraceQlTokenKind.Word && Next.Text == name && BehindNext.Is("(");

    /// <summary>Reads what nests in what is being read.</summary>
    public T Nested<T>(Func<T> read)
    {
        if (++_depth > MaxDepth) throw new TraceQlException(Next.Position, $"expressions nest at most {MaxDepth} deep");
        try
        {
            return read();
        }
        finally
        {
            _depth--;
        }
    }

    /// <summary>Operators of one rank, from the left. Each makes what is walked one deeper.</summary>
    public T Chain<T>(Func<T> readOperand, Func<TraceQlToken, bool> isOperator, Func<TraceQlToken, T, T, T> combine)
    {
        T left = readOperand();
        for (bool isFirst = true; isOperator(Next); isFirst = false)
        {
            if (!isFirst && ++_links > MaxLinks) throw new TraceQlException(Next.Position, $"a query has at most {MaxLinks} operators in rows, not counting && and || between conditions");
            TraceQlToken between = Take();
            left = combine(between, left, readOperand());
        }

        return left;
    }
}

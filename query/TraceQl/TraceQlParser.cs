namespace TraceStore.Query.TraceQl;

/// <summary>
/// Reads TraceQL by recursive descent, one method per rule, loosest binding first:
/// <code>
/// query      = "{" [ or ] "}"
/// or         = and { "||" and }
/// and        = comparison { "&amp;&amp;" comparison }
/// comparison = operand [ ( "=" | "!=" | "&lt;" | "&lt;=" | "&gt;" | "&gt;=" | "=~" | "!~" ) operand ]
/// operand    = "(" or ")" | "!" operand | "-" ( number | duration ) | literal | field
/// </code>
/// </summary>
public sealed class TraceQlParser
{
    /// <summary>Longer queries are refused (Tempo's default).</summary>
    public const int MaxQueryLength = 128 * 1024;

    /// <summary>Brackets and negations nest no deeper than this: it bounds the stack.</summary>
    private const int MaxDepth = 200;

    /// <summary>The digits of the smallest 64-bit integer, which has no positive.</summary>
    private const string SmallestDigits = "9223372036854775808";

    private static readonly Dictionary<string, BinaryOperator> s_comparisons = new()
    {
        ["="] = BinaryOperator.Equal,
        ["!="] = BinaryOperator.NotEqual,
        ["<"] = BinaryOperator.Less,
        ["<="] = BinaryOperator.LessOrEqual,
        [">"] = BinaryOperator.Greater,
        [">="] = BinaryOperator.GreaterOrEqual,
        ["=~"] = BinaryOperator.Matches,
        ["!~"] = BinaryOperator.NotMatches,
    };

    private static readonly Dictionary<string, Intrinsic> s_intrinsics = new()
    {
        ["name"] = Intrinsic.Name,
        ["span:name"] = Intrinsic.Name,
        ["status"] = Intrinsic.Status,
        ["span:status"] = Intrinsic.Status,
        ["statusMessage"] = Intrinsic.StatusMessage,
        ["span:statusMessage"] = Intrinsic.StatusMessage,
        ["kind"] = Intrinsic.Kind,
        ["span:kind"] = Intrinsic.Kind,
        ["duration"] = Intrinsic.Duration,
        ["span:duration"] = Intrinsic.Duration,
    };

    /// <summary>Tempo's fields that there is nothing for yet; their names mustn't be taken for misspelt attributes.</summary>
    private static readonly HashSet<string> s_notYet =
    [
        "rootName", "rootServiceName", "traceDuration", "nestedSetLeft", "nestedSetRight", "nestedSetParent", "parent", "childCount", "nil",
        "span:id", "span:parentID", "span:childCount", "trace:id", "trace:duration", "trace:rootName", "trace:rootService",
        "event:name", "event:timeSinceStart", "link:traceID", "link:spanID", "instrumentation:name", "instrumentation:version",
    ];

    private static readonly Dictionary<string, AttributeScope> s_scopes = new()
    {
        [""] = AttributeScope.Any,
        ["span"] = AttributeScope.Span,
        ["resource"] = AttributeScope.Resource,
        ["event"] = AttributeScope.Event,
        ["link"] = AttributeScope.Link,
        ["instrumentation"] = AttributeScope.Instrumentation,
    };

    private static readonly Dictionary<string, object> s_words = new()
    {
        ["true"] = true,
        ["false"] = false,
        ["ok"] = StatusValue.Ok,
        ["error"] = StatusValue.Error,
        ["unset"] = StatusValue.Unset,
        ["server"] = KindValue.Server,
        ["client"] = KindValue.Client,
        ["internal"] = KindValue.Internal,
        ["producer"] = KindValue.Producer,
        ["consumer"] = KindValue.Consumer,
        ["unspecified"] = KindValue.Unspecified,
    };

    private readonly List<TraceQlToken> _tokens;
    private int _next;
    private int _depth;

    private TraceQlParser(string query) => _tokens = new Lexer(query).ReadAll();

    private TraceQlToken Next => _tokens[_next];

    /// <exception cref="TraceQlException">The text is no query.</exception>
    public static TraceQlQuery Parse(string query)
    {
        if (query.Length > MaxQueryLength) throw new TraceQlException(MaxQueryLength, $"a query has at most {MaxQueryLength} characters");
        return new TraceQlParser(query).ParseQuery();
    }

    private TraceQlQuery ParseQuery()
    {
        Expect("{");
        FieldExpression? filter = IsNext("}") ? null : ParseOr();
        Expect("}");
        if (Next.Kind == TraceQlTokenKind.End) return new TraceQlQuery(filter);
        throw new TraceQlException(Next.Position, $"{Next} after the spanset isn't supported yet: a query is one {{ … }}");
    }

    private FieldExpression ParseOr() => ParseChain("||", LogicalOperator.Or, ParseAnd);

    private FieldExpression ParseAnd() => ParseChain("&&", LogicalOperator.And, ParseComparison);

    private FieldExpression ParseChain(string symbol, LogicalOperator logicalOperator, Func<FieldExpression> parseOperand)
    {
        FieldExpression first = parseOperand();
        if (!TryTake(symbol, out TraceQlToken between)) return first;
        List<FieldExpression> operands = [first];
        do operands.Add(parseOperand());
        while (TryTake(symbol, out _));
        return new LogicalExpression(between.Position, logicalOperator, operands);
    }

    private FieldExpression ParseComparison()
    {
        FieldExpression left = ParseOperand();
        if (Next.Kind != TraceQlTokenKind.Symbol || !s_comparisons.TryGetValue(Next.Text, out BinaryOperator comparison)) return left;
        int position = _tokens[_next++].Position;
        FieldExpression right = ParseOperand();
        return left is Literal && right is not Literal
            ? new BinaryExpression(position, Mirrored(comparison), right, left)
            : new BinaryExpression(position, comparison, left, right);
    }

    private static BinaryOperator Mirrored(BinaryOperator comparison) => comparison switch
    {
        BinaryOperator.Less => BinaryOperator.Greater,
        BinaryOperator.LessOrEqual => BinaryOperator.GreaterOrEqual,
        BinaryOperator.Greater => BinaryOperator.Less,
        BinaryOperator.GreaterOrEqual => BinaryOperator.LessOrEqual,
        var symmetric => symmetric,
    };

    private FieldExpression ParseOperand()
    {
        TraceQlToken token = _tokens[_next++];
        if (++_depth > MaxDepth) throw new TraceQlException(token.Position, $"expressions nest at most {MaxDepth} deep");
        FieldExpression operand = (token.Kind, token.Text) switch
        {
            (TraceQlTokenKind.Symbol, "(") => ParseBracketed(),
            (TraceQlTokenKind.Symbol, "!") => new NotExpression(token.Position, ParseOperand()),
            (TraceQlTokenKind.Symbol, "-") => ParseNegative(token),
            (TraceQlTokenKind.String, _) => new Literal(token.Position, token.Text),
            (TraceQlTokenKind.Number, _) => new Literal(token.Position, NumberOf(token)),
            (TraceQlTokenKind.Duration, _) => new Literal(token.Position, DurationOf(token)),
            (TraceQlTokenKind.Name, _) => NameOf(token),
            _ => throw new TraceQlException(token.Position, $"a field or a value was expected, not {token}"),
        };
        _depth--;
        return operand;
    }

    private FieldExpression ParseBracketed()
    {
        FieldExpression inner = ParseOr();
        Expect(")");
        return inner;
    }

    private Literal ParseNegative(TraceQlToken minus)
    {
        TraceQlToken token = Next;
        object negative = token.Kind switch
        {
            TraceQlTokenKind.Duration => new DurationValue(-DurationOf(token).Nanoseconds),
            TraceQlTokenKind.Number when token.Text == SmallestDigits => long.MinValue,
            TraceQlTokenKind.Number => NumberOf(token) is long integer ? (object)-integer : -(double)NumberOf(token),
            _ => throw new TraceQlException(token.Position, $"a number was expected after '-', not {token}"),
        };
        _next++;
        return new Literal(minus.Position, negative);
    }

    private static object NumberOf(TraceQlToken token) => NumberText.Read(token.Text)!;

    private static DurationValue DurationOf(TraceQlToken token) =>
        DurationText.TryParse(token.Text, out long nanoseconds)
            ? new DurationValue(nanoseconds)
            : throw new TraceQlException(token.Position, $"{token} is no duration");

    private static FieldExpression NameOf(TraceQlToken token)
    {
        if (s_words.TryGetValue(token.Text, out object? word)) return new Literal(token.Position, word);
        if (s_intrinsics.TryGetValue(token.Text, out Intrinsic intrinsic)) return new IntrinsicField(token.Position, intrinsic);
        if (s_notYet.Contains(token.Text)) throw new TraceQlException(token.Position, $"{token} isn't supported yet");
        int dot = token.Text.IndexOf('.', StringComparison.Ordinal);
        if (dot >= 0 && dot < token.Text.Length - 1 && s_scopes.TryGetValue(token.Text[..dot], out AttributeScope scope))
        {
            return new AttributeField(token.Position, scope, token.Text[(dot + 1)..]);
        }

        throw new TraceQlException(token.Position, $"{token} is no field; attributes are written .{token.Text}, span.{token.Text} or resource.{token.Text}");
    }

    private void Expect(string symbol)
    {
        if (!TryTake(symbol, out TraceQlToken found)) throw new TraceQlException(found.Position, $"'{symbol}' was expected, not {found}");
    }

    private bool IsNext(string symbol) => Next.Kind == TraceQlTokenKind.Symbol && Next.Text == symbol;

    private bool TryTake(string symbol, out TraceQlToken token)
    {
        token = Next;
        if (!IsNext(symbol)) return false;
        _next++;
        return true;
    }
}

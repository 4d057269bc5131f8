using static TraceStore.Query.TraceQl.SpansetOperator;

namespace TraceStore.Query.TraceQl;

/// <summary>
/// Reads TraceQL by recursive descent (Grafana Tempo's documentation of TraceQL; where it leaves open what binds tighter, as Grafana's editor has it):
/// <code>
/// query     = pipeline [ hints ]
/// pipeline  = stage { "|" stage }
/// stage     = "by" "(" field ")" | "coalesce" "(" ")" | "select" "(" field { "," field } ")" | metrics | ( "topk" | "bottomk" ) "(" number ")" | operation
/// operation = operand { operator operand }     "||" loosest, then "&amp;&amp;", then relations and comparisons, then + -, then * / %, then ^
/// operand   = "{" [ field ] "}" | aggregate | number | "(" pipeline ")"
/// </code>
/// Operations are between spansets, numbers or series, and what stands on an operator's sides says which: so <c>></c> is a child or a comparison.
/// </summary>
public sealed class TraceQlParser
{
    /// <summary>Longer queries are refused (Tempo's default).</summary>
    public const int MaxQueryLength = 128 * 1024;

    private static readonly Dictionary<string, SpansetOperator> s_relations = new()
    {
        [">"] = Child, ["<"] = SpansetOperator.Parent, [">>"] = Descendant, ["<<"] = Ancestor, ["~"] = Sibling,
        ["!>"] = NotChild, ["!<"] = NotParent, ["!>>"] = NotDescendant, ["!<<"] = NotAncestor, ["!~"] = NotSibling,
        ["&>"] = UnionChild, ["&<"] = UnionParent, ["&>>"] = UnionDescendant, ["&<<"] = UnionAncestor, ["&~"] = UnionSibling,
    };

    private static readonly Dictionary<string, AggregateFunction> s_aggregates = new()
    {
        ["count"] = AggregateFunction.Count,
        ["min"] = AggregateFunction.Min,
        ["max"] = AggregateFunction.Max,
        ["avg"] = AggregateFunction.Avg,
        ["sum"] = AggregateFunction.Sum,
    };

    private readonly TokenReader _tokens;
    private readonly FieldParser _fields;
    private readonly MetricsParser _metrics;

    private TraceQlParser(TokenReader tokens)
    {
        _tokens = tokens;
        _fields = new FieldParser(tokens);
        _metrics = new MetricsParser(tokens, _fields);
    }

    /// <exception cref="TraceQlException">The text is no query, or one that has no meaning.</exception>
    public static TraceQlQuery Parse(string query)
    {
        try
        {
            if (query.Length > MaxQueryLength) throw new TraceQlException(MaxQueryLength, $"a query has at most {MaxQueryLength} characters");
            var parsed = new TraceQlParser(new TokenReader(query)).ParseQuery(query);
            TraceQlCheck.Check(parsed);
            return parsed;
        }
        catch (TraceQlException e)
        {
            throw e.In(query);
        }
    }

    /// <summary>
    /// Of a query that is being written, what its first spanset's condition says so far; null for nothing. What is half-written in it is left out.
    /// </summary>
    public static FieldExpression? ParseLeniently(string query)
    {
        if (query.Length > MaxQueryLength) return null;
        var tokens = new TokenReader(query, isLenient: true);
        while (tokens.Next.Kind != TraceQlTokenKind.End && !tokens.Next.Is("{")) tokens.Take();
        if (!tokens.TryTake("{") || tokens.Next.Is("}")) return null;
        return new FieldParser(tokens, isLenient: true).ParseOrNothing();
    }

    private TraceQlQuery ParseQuery(string query)
    {
        Expression root = ParsePipeline();
        List<Hint> hints = _tokens.IsFunction("with") ? _metrics.ParseHints() : [];
        if (_tokens.Next.Kind != TraceQlTokenKind.End) throw new TraceQlException(_tokens.Next.Position, $"an operator, '|' or the end of the query was expected, not {_tokens.Next}");
        return root is not ScalarExpression number
            ? new TraceQlQuery(root, hints, query)
            : throw new TraceQlException(number.Position, "a number alone finds nothing: compare it, as in count() > 2");
    }

    private Expression ParsePipeline()
    {
        int position = _tokens.Next.Position;
        List<SpansetExpression> stages = [];
        Expression last;
        do
        {
            if (_metrics.IsFunction())
            {
                MetricsExpression series = _metrics.ParsePipeline(position, AsOne(position, stages));
                return _tokens.Next.Is("|") ? _metrics.ParseSecondStages(series) : series;
            }

            last = ParseStage(isFirst: stages.Count == 0);
            if (last is MetricsExpression metrics) return stages.Count == 0 ? _metrics.ParseSecondStages(metrics) : throw new TraceQlException(metrics.Position, "series begin a query, and nothing stands before them");
            if (last is SpansetExpression spans) stages.Add(spans);
            else if (_tokens.Next.Is("|")) throw new TraceQlException(_tokens.Next.Position, "behind a number nothing can follow: compare it first, as in count() > 2");
        }
        while (_tokens.TryTake("|"));

        return last is ScalarExpression number && stages.Count > 0 ? new ScalarPipeline(position, AsOne(position, stages), number)
            : last is ScalarExpression ? last
            : AsOne(position, stages);
    }

    private static SpansetExpression AsOne(int position, List<SpansetExpression> stages) => stages.Count switch
    {
        0 => new SpansetFilter(position, null), // a query may begin with a function
        1 => stages[0],
        _ => new SpansetPipeline(position, stages),
    };

    private Expression ParseStage(bool isFirst)
    {
        int position = _tokens.Next.Position;
        if (_tokens.IsFunction("by"))
        {
            _tokens.Take();
            return new GroupStage(position, _fields.ParseArgument());
        }

        if (_tokens.IsFunction("select"))
        {
            _tokens.Take();
            return new SelectStage(position, _fields.ParseArguments());
        }

        if (!isFirst && _tokens.IsFunction("coalesce"))
        {
            _tokens.Take();
            _tokens.Expect("(");
            _tokens.Expect(")");
            return new CoalesceStage(position);
        }

        return ParseUnion();
    }

    private Expression ParseUnion() => _tokens.Chain(ParseBoth, token => token.Is("||"), Combine);

    private Expression ParseBoth() => _tokens.Chain(ParseRelation, token => token.Is("&&"), Combine);

    private Expression ParseRelation() => _tokens.Chain(ParseSum, token => FieldParser.IsComparison(token) || (token.Kind == TraceQlTokenKind.Symbol && s_relations.ContainsKey(token.Text)), Combine);

    private Expression ParseSum() => _tokens.Chain(ParseProduct, FieldParser.IsSum, Combine);

    private Expression ParseProduct() => _tokens.Chain(ParsePower, FieldParser.IsProduct, Combine);

    private Expression ParsePower()
    {
        Expression left = ParseOperand();
        return _tokens.TryTake("^", out TraceQlToken between) ? Combine(between, left, _tokens.Nested(ParsePower)) : left;
    }

    private Expression ParseOperand() => _tokens.Nested<Expression>(() =>
    {
        TraceQlToken token = _tokens.Next;
        if (token.Kind is TraceQlTokenKind.Number or TraceQlTokenKind.Duration || token.Is("-")) return new ScalarLiteral(token.Position, _fields.ParseNumber());
        if (token.Kind == TraceQlTokenKind.Word && s_aggregates.TryGetValue(token.Text, out AggregateFunction function) && _tokens.BehindNext.Is("(")) return ParseAggregate(function);
        if (token.Is("{")) return ParseFilter();
        if (!_tokens.TryTake("(")) throw new TraceQlException(token.Position, $"a spanset such as {{ name = \"x\" }} or a function such as count() was expected, not {token}");
        Expression inner = ParsePipeline();
        _tokens.Expect(")");
        return inner;
    });

    private Aggregate ParseAggregate(AggregateFunction function)
    {
        int position = _tokens.Take().Position;
        if (function != AggregateFunction.Count) return new Aggregate(position, function, _fields.ParseArgument());
        _tokens.Expect("(");
        _tokens.Expect(")");
        return new Aggregate(position, function, null);
    }

    private SpansetFilter ParseFilter()
    {
        int position = _tokens.Take().Position;
        FieldExpression? condition = _tokens.Next.Is("}") ? null : _fields.Parse();
        _tokens.Expect("}");
        return new SpansetFilter(position, condition);
    }

    /// <summary>What an operator means between what stands on its sides.</summary>
    private static Expression Combine(TraceQlToken between, Expression left, Expression right)
    {
        int position = between.Position;
        switch (left, right)
        {
            case (SpansetExpression ours, SpansetExpression theirs) when between.Is("&&"):
                return new SpansetOperation(position, And, ours, theirs);
            case (SpansetExpression ours, SpansetExpression theirs) when between.Is("||"):
                return new SpansetOperation(position, Union, ours, theirs);
            case (SpansetExpression ours, SpansetExpression theirs) when s_relations.TryGetValue(between.Text, out SpansetOperator relation):
                return new SpansetOperation(position, relation, ours, theirs);
            case (ScalarExpression ours, ScalarExpression theirs) when FieldParser.IsComparison(between) && !between.Is("=~") && !between.Is("!~"):
                return new ScalarFilter(position, FieldParser.ComparisonOf(between), ours, theirs);
            case (ScalarExpression ours, ScalarExpression theirs) when FieldParser.IsArithmetic(between):
                return new ScalarOperation(position, FieldParser.ArithmeticOf(between), ours, theirs);
            default:
                return MetricsParser.Combine(between, left, right)
                    ?? throw new TraceQlException(position, $"{between} can't stand between {Kind(left)} and {Kind(right)}");
        }
    }

    private static string Kind(Expression expression) => expression switch
    {
        SpansetExpression => "a spanset",
        MetricsExpression => "series",
        _ => "a number",
    };
}

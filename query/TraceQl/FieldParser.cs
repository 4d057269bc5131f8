namespace TraceStore.Query.TraceQl;

/// <summary>
/// Reads expressions over a span's fields, one method per rule, loosest binding first:
/// <code>
/// or         = and { "||" and }
/// and        = comparison { "&amp;&amp;" comparison }
/// comparison = sum { ( "=" | "!=" | "&lt;" | "&lt;=" | "&gt;" | "&gt;=" | "=~" | "!~" ) sum }
/// sum        = product { ( "+" | "-" ) product }
/// product    = power { ( "*" | "/" | "%" ) power }
/// power      = operand [ "^" power ]
/// operand    = "(" or ")" | "!" operand | "-" product | value | field
/// </code>
/// </summary>
/// <param name="tokens">Where they stand.</param>
/// <param name="isLenient">Whether what is half-written is left out.</param>
internal sealed class FieldParser(TokenReader tokens, bool isLenient = false)
{
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

    private static readonly Dictionary<string, ArithmeticOperator> s_arithmetic = new()
    {
        ["+"] = ArithmeticOperator.Add,
        ["-"] = ArithmeticOperator.Subtract,
        ["*"] = ArithmeticOperator.Multiply,
        ["/"] = ArithmeticOperator.Divide,
        ["%"] = ArithmeticOperator.Modulo,
        ["^"] = ArithmeticOperator.Power,
    };

    public static bool IsComparison(TraceQlToken token) => token.Kind == TraceQlTokenKind.Symbol && s_comparisons.ContainsKey(token.Text);

    public static BinaryOperator ComparisonOf(TraceQlToken token) => s_comparisons[token.Text];

    public static bool IsSum(TraceQlToken token) => token.Is("+") || token.Is("-");

    public static bool IsProduct(TraceQlToken token) => token.Is("*") || token.Is("/") || token.Is("%");

    public static bool IsArithmetic(TraceQlToken token) => token.Kind == TraceQlTokenKind.Symbol && s_arithmetic.ContainsKey(token.Text);

    public static ArithmeticOperator ArithmeticOf(TraceQlToken token) => s_arithmetic[token.Text];

    /// <summary>The same comparison with its sides changed.</summary>
    public static BinaryOperator Mirrored(BinaryOperator comparison) => comparison switch
    {
        BinaryOperator.Less => BinaryOperator.Greater,
        BinaryOperator.LessOrEqual => BinaryOperator.GreaterOrEqual,
        BinaryOperator.Greater => BinaryOperator.Less,
        BinaryOperator.GreaterOrEqual => BinaryOperator.LessOrEqual,
        var symmetric => symmetric,
    };

    /// <summary>An expression; null where all of it is half-written, which only who is lenient gets.</summary>
    public FieldExpression? ParseOrNothing() => ParseLogical("||", LogicalOperator.Or, () => ParseLogical("&&", LogicalOperator.And, ParseComparisonOrNothing));

    public FieldExpression Parse() => ParseOrNothing() ?? throw new TraceQlException(tokens.Next.Position, "BUG: nothing");

    /// <summary>One expression in brackets.</summary>
    public FieldExpression ParseArgument()
    {
        tokens.Expect("(");
        FieldExpression argument = Parse();
        tokens.Expect(")");
        return argument;
    }

    /// <summary>One or more, with commas between them.</summary>
    public IReadOnlyList<FieldExpression> ParseArguments()
    {
        tokens.Expect("(");
        List<FieldExpression> arguments = [];
        do arguments.Add(Parse());
        while (tokens.TryTake(","));
        tokens.Expect(")");
        return arguments;
    }

    /// <summary>A number or duration, with its sign.</summary>
    public object ParseNumber()
    {
        bool isNegative = tokens.TryTake("-");
        TraceQlToken token = tokens.Take();
        return token.Kind switch
        {
            TraceQlTokenKind.Number => isNegative ? Negative(token) : NumberOf(token),
            TraceQlTokenKind.Duration => isNegative ? new DurationValue(-DurationOf(token).Nanoseconds) : DurationOf(token),
            _ => throw new TraceQlException(token.Position, $"a number was expected, not {token}"),
        };
    }

    /// <summary>A value that stands in the query; false for anything else.</summary>
    public bool TryParseLiteral(out object value)
    {
        (TraceQlToken next, value) = (tokens.Next, true);
        if (next.Kind is TraceQlTokenKind.Number or TraceQlTokenKind.Duration || IsNegativeNumber(next))
        {
            value = ParseNumber();
            return true;
        }

        if (next.Kind == TraceQlTokenKind.String || (next.Kind == TraceQlTokenKind.Word && FieldNames.Values.TryGetValue(next.Text, out value!)))
        {
            tokens.Take();
            if (next.Kind == TraceQlTokenKind.String) value = next.Text;
            return true;
        }

        return false;
    }

    /// <summary>Chains become one node. Where operands are missing, it is what is left.</summary>
    private FieldExpression? ParseLogical(string symbol, LogicalOperator logicalOperator, Func<FieldExpression?> parseOperand)
    {
        int position = tokens.Next.Position;
        List<FieldExpression> operands = [];
        bool isChain = false;
        while (true)
        {
            if (parseOperand() is { } operand) operands.Add(operand);
            if (!tokens.TryTake(symbol, out TraceQlToken between)) break;
            if (!isChain) (position, isChain) = (between.Position, true);
        }

        return operands.Count > 1 ? new LogicalExpression(position, logicalOperator, operands) : operands.SingleOrDefault();
    }

    private FieldExpression? ParseComparisonOrNothing()
    {
        if (!isLenient) return ParseComparison();
        try
        {
            FieldExpression read = ParseComparison();
            if (tokens.Next.Kind == TraceQlTokenKind.End || tokens.Next.Is("&&") || tokens.Next.Is("||") || tokens.Next.Is("}") || tokens.Next.Is(")")) return read;
        }
        catch (TraceQlException)
        {
            // Half-written
        }

        for (int open = 0; tokens.Next.Kind != TraceQlTokenKind.End; tokens.Take())
        {
            if (tokens.Next.Is("}") || (open == 0 && (tokens.Next.Is("&&") || tokens.Next.Is("||") || tokens.Next.Is(")")))) break;
            open += tokens.Next.Is("(") ? 1 : tokens.Next.Is(")") ? -1 : 0;
        }

        return null;
    }

    private FieldExpression ParseComparison() => tokens.Chain(ParseSum, IsComparison, (between, left, right) =>
        left is Literal && right is not Literal
            ? new BinaryExpression(between.Position, Mirrored(ComparisonOf(between)), right, left)
            : new BinaryExpression(between.Position, ComparisonOf(between), left, right));

    private FieldExpression ParseSum() => tokens.Chain(ParseProduct, IsSum, Reckon);

    private FieldExpression ParseProduct() => tokens.Chain(ParsePower, IsProduct, Reckon);

    private FieldExpression ParsePower()
    {
        FieldExpression left = ParseOperand();
        return tokens.TryTake("^", out TraceQlToken between) ? Reckon(between, left, tokens.Nested(ParsePower)) : left;
    }

    private static FieldExpression Reckon(TraceQlToken between, FieldExpression left, FieldExpression right) =>
        new ArithmeticExpression(between.Position, ArithmeticOf(between), left, right);

    private FieldExpression ParseOperand() => tokens.Nested<FieldExpression>(() =>
    {
        TraceQlToken token = tokens.Next;
        if (TryParseLiteral(out object value)) return new Literal(token.Position, value);
        if (tokens.TryTake("(")) return ParseBracketed();
        if (tokens.TryTake("!")) return new NotExpression(token.Position, ParseOperand());
        if (tokens.TryTake("-")) return new NegativeExpression(token.Position, ParseProduct());
        return token.Kind switch
        {
            TraceQlTokenKind.Attribute => tokens.Take().Attribute!,
            TraceQlTokenKind.Word => FieldOf(tokens.Take()),
            _ => throw new TraceQlException(token.Position, $"a field or a value was expected, not {token}"),
        };
    });

    private FieldExpression ParseBracketed()
    {
        FieldExpression inner = ParseOrNothing() ?? throw new TraceQlException(tokens.Next.Position, "half-written");
        tokens.Expect(")");
        return inner;
    }

    /// <summary>A sign belongs to the number, but where the number is raised to a power: -2 ^ 2 is -4.</summary>
    private bool IsNegativeNumber(TraceQlToken token) =>
        token.Is("-") && tokens.BehindNext.Kind is TraceQlTokenKind.Number or TraceQlTokenKind.Duration && !tokens.Peek(2).Is("^");

    private static object Negative(TraceQlToken token) => NumberOf(token) switch
    {
        _ when token.Text == SmallestDigits => long.MinValue,
        long integer => (object)-integer,
        var real => -(double)real,
    };

    private static object NumberOf(TraceQlToken token) => NumberText.Read(token.Text)!;

    private static DurationValue DurationOf(TraceQlToken token) =>
        DurationText.TryParse(token.Text, out long nanoseconds)
            ? new DurationValue(nanoseconds)
            : throw new TraceQlException(token.Position, $"{token} is no duration");

    private static IntrinsicField FieldOf(TraceQlToken token) => FieldNames.Intrinsics.TryGetValue(token.Text, out Intrinsic intrinsic)
        ? new IntrinsicField(token.Position, intrinsic)
        : throw new TraceQlException(token.Position, $"{token} is no field; attributes are written .{token.Text}, span.{token.Text} or resource.{token.Text}");
}

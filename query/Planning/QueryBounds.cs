using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;

namespace TraceStore.Query.Planning;

/// <summary>A query asks for more than one query may; the message says what it has and how much is allowed.</summary>
public sealed class QueryBoundsException(string message) : Exception(message);

/// <summary>
/// How much one query may ask for, in whatever way it came: as TraceQL, as tags, or as parameters of their own. The bounds
/// are those of what runs it: ClickHouse takes some milliseconds to analyse each condition and bounds what a parameter may be.
/// </summary>
internal static class QueryBounds
{
    /// <summary>Comparisons, and truth values that stand alone.</summary>
    public const int MaxConditions = 100;

    /// <summary>Of them on attributes of spans or resources: each takes ClickHouse tens of milliseconds to analyse, in every statement.</summary>
    public const int MaxOnAttributes = 40;

    /// <summary>From so many conditions on, their analysis costs more than what they read.</summary>
    public const int ManyConditions = 10;

    /// <summary>One name or value, escaped as it is sent. ClickHouse takes 128 KiB.</summary>
    public const int MaxTextBytes = 120 << 10;

    /// <summary>One that is given as a tag: it is looked for in more than one form.</summary>
    public const int MaxTagBytes = 32 << 10;

    /// <summary>All names and values together. They stand in a request line, some more than once, of which ClickHouse takes 1 MiB.</summary>
    public const int MaxTextsBytes = 128 << 10;

    /// <summary>Fields that a query names, where it is tried on traces in memory.</summary>
    public const int MaxFields = 500;

    /// <exception cref="QueryBoundsException">It names too many.</exception>
    public static void Check(SpansetExpression query)
    {
        int fields = ShownFields.CountOf(query);
        if (fields > MaxFields) throw new QueryBoundsException($"A query names at most {MaxFields} fields; this one names {fields}.");
    }

    /// <summary>How many conditions a filter has.</summary>
    public static int Conditions(FieldExpression? filter) => filter switch
    {
        null => 0,
        LogicalExpression logical => logical.Operands.Sum(Conditions),
        NotExpression not => Conditions(not.Operand),
        _ => 1,
    };

    /// <exception cref="QueryBoundsException">It asks for too much.</exception>
    public static void Check(FieldExpression? filter)
    {
        int conditions = Conditions(filter);
        if (conditions > MaxConditions) throw new QueryBoundsException($"A query has at most {MaxConditions} conditions; this one has {conditions}.");
        int onAttributes = Comparisons(filter).Count(IsOnAttributes);
        if (onAttributes > MaxOnAttributes) throw new QueryBoundsException($"A query has at most {MaxOnAttributes} conditions on attributes; this one has {onAttributes}.");
        long bytes = 0;
        foreach ((string text, int most) in Texts(filter)) bytes += Check(text, most);
        if (bytes > MaxTextsBytes) throw new QueryBoundsException($"The names and values in a query have at most {MaxTextsBytes} bytes; these have {bytes}.");
    }

    /// <summary>Checks one name or value, and says how long it is, escaped.</summary>
    /// <exception cref="QueryBoundsException">It is too long.</exception>
    public static int Check(string text, int most = MaxTagBytes)
    {
        int bytes = Uri.EscapeDataString(SqlParameters.Escape(text)).Length;
        return bytes <= most ? bytes : throw new QueryBoundsException($"A name or value in a query has at most {most} bytes, escaped; '{text[..20]}…' has {bytes}.");
    }

    /// <summary>Every comparison in a filter.</summary>
    public static IEnumerable<BinaryExpression> Comparisons(FieldExpression? filter) => filter switch
    {
        LogicalExpression logical => logical.Operands.SelectMany(Comparisons),
        NotExpression not => Comparisons(not.Operand),
        BinaryExpression comparison => [comparison],
        _ => [],
    };

    /// <summary>Whether it looks into maps of attributes: events are looked through as bytes, and a resource's service has a column.</summary>
    private static bool IsOnAttributes(BinaryExpression comparison) => comparison.Left switch
    {
        AttributeField { Scope: AttributeScope.Event } => false,
        AttributeField { Scope: AttributeScope.Resource } => !Filters.IsOfService(comparison),
        AttributeField => true,
        _ => false,
    };

    private static IEnumerable<(string Text, int Most)> Texts(FieldExpression? filter) =>
        (from comparison in Comparisons(filter)
        from side in (FieldExpression[])[comparison.Left, comparison.Right]
        let text = side switch
        {
            AttributeField field => (field.Name, MaxTagBytes),
            Literal { Value: string value } => (value, MaxTextBytes),
            Literal { Value: AnyTypeText value } => (value.Text, MaxTagBytes),
            _ => ("", 0),
        }
        select text).Concat(Mentions(filter).Select(mention => (mention.Text, MaxTagBytes)));

    private static IEnumerable<MentionExpression> Mentions(FieldExpression? filter) => filter switch
    {
        LogicalExpression logical => logical.Operands.SelectMany(Mentions),
        NotExpression not => Mentions(not.Operand),
        MentionExpression mention => [mention],
        _ => [],
    };
}

using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Planning;

/// <summary>What a query asks about: who looks at a span that matched wants to see these.</summary>
/// <param name="Attributes">Attributes of spans and resources.</param>
/// <param name="Status">Whether it asks for the status.</param>
/// <param name="Kind">Whether it asks for the kind.</param>
public sealed record AskedFields(IReadOnlyList<AttributeField> Attributes, bool Status, bool Kind)
{
    /// <summary>More are not shown: each is read for every span.</summary>
    private const int MaxAttributes = 10;

    public static AskedFields Of(FieldExpression? filter)
    {
        FieldExpression[] fields = [.. QueryBounds.Comparisons(filter).Select(comparison => comparison.Left)];
        return new AskedFields(
            [
                .. fields.OfType<AttributeField>()
                    .Where(field => field.Scope is AttributeScope.Any or AttributeScope.Span or AttributeScope.Resource)
                    .Select(field => field with { Position = 0 }).Distinct().Take(MaxAttributes),
            ],
            fields.Any(field => field is IntrinsicField { Intrinsic: Intrinsic.Status }),
            fields.Any(field => field is IntrinsicField { Intrinsic: Intrinsic.Kind }));
    }
}

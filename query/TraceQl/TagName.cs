namespace TraceStore.Query.TraceQl;

/// <summary>The name of a tag, as lists of values are asked for by it: as in TraceQL, <c>resource.service.name</c> or <c>kind</c>, or an attribute's key alone.</summary>
public static class TagName
{
    private const string ParentPrefix = $"{FieldNames.Parent}.";

    /// <summary>The field of that name; what is no other is an attribute's key.</summary>
    public static FieldExpression Read(string name)
    {
        if (FieldNames.Intrinsics.TryGetValue(name, out Intrinsic intrinsic)) return new IntrinsicField(0, intrinsic);
        if (name.StartsWith(ParentPrefix, StringComparison.Ordinal)) name = name[ParentPrefix.Length..]; // parents have what spans have
        foreach ((string written, AttributeScope scope) in FieldNames.Scopes)
        {
            if (name.Length > written.Length + 1 && name.StartsWith($"{written}.", StringComparison.Ordinal)) return new AttributeField(0, scope, Unquote(name[(written.Length + 1)..]));
        }

        return new AttributeField(0, AttributeScope.Any, Unquote(name));
    }

    private static string Unquote(string key)
    {
        int position = 0;
        return key.StartsWith('"') && QuotedText.Read(key, ref position, out _) is { } inner && position == key.Length ? inner : key;
    }
}

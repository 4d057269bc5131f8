using TraceStore.Query.Planning;
using TraceStore.Query.Sql;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Execution;

/// <summary>A value that a tag has somewhere.</summary>
/// <param name="Type">string, int, float or bool; keyword for what TraceQL has a word for.</param>
/// <param name="Value">As text.</param>
public readonly record struct TagValue(string Type, string Value);

/// <summary>Lists tags and their values.</summary>
public sealed class TagReader
{
    private static readonly Dictionary<Intrinsic, TagValue[]> s_keywords = new()
    {
        [Intrinsic.Status] = [.. Enum.GetNames<StatusValue>().Select(Keyword)],
        [Intrinsic.Kind] = [.. Enum.GetNames<KindValue>().Select(Keyword)],
    };

    private readonly ClickHouseDatabase _database;
    private readonly QueryGate _gate;
    private readonly TagSql _sql;

    internal TagReader(ClickHouseDatabase database, QueryGate gate, TagSql sql) => (_database, _gate, _sql) = (database, gate, sql);

    /// <summary>The names of a scope's attributes, in order.</summary>
    public async Task<IReadOnlyList<string>> NamesAsync(AttributeScope scope, TagsPlan plan, CancellationToken cancellation)
    {
        var names = new BytesColumn();
        await ReadAsync(plan, some => _sql.Names(scope, some), () => Of(("name", names)), cancellation).ConfigureAwait(false);
        return [.. Enumerable.Range(0, names.Count).Select(row => System.Text.Encoding.UTF8.GetString(names[row]))];
    }

    /// <summary>The values of a field, by type and in order; none of one whose values nobody picks from a list.</summary>
    public async Task<IReadOnlyList<TagValue>> ValuesAsync(FieldExpression field, TagsPlan plan, CancellationToken cancellation)
    {
        if (field is IntrinsicField intrinsic && s_keywords.TryGetValue(intrinsic.Intrinsic, out TagValue[]? keywords)) return [.. keywords.Take(plan.Limit)];
        if (field is not AttributeField { Scope: AttributeScope.Any } attribute) return await ReadValuesAsync(field, plan, cancellation).ConfigureAwait(false);
        IReadOnlyList<TagValue> ofSpans = await ReadValuesAsync(attribute with { Scope = AttributeScope.Span }, plan, cancellation).ConfigureAwait(false);
        IReadOnlyList<TagValue> ofResources = await ReadValuesAsync(attribute with { Scope = AttributeScope.Resource }, plan, cancellation).ConfigureAwait(false);
        return [.. ofSpans.Union(ofResources).OrderBy(value => value.Type, StringComparer.Ordinal).ThenBy(value => value.Value, StringComparer.Ordinal).Take(plan.Limit)];
    }

    private async Task<IReadOnlyList<TagValue>> ReadValuesAsync(FieldExpression field, TagsPlan plan, CancellationToken cancellation)
    {
        BytesColumn types = new(), values = new();
        await ReadAsync(plan, some => _sql.Values(field, some), () => Of(("type", types), ("value", values)), cancellation).ConfigureAwait(false);
        return [.. Enumerable.Range(0, values.Count).Select(row => new TagValue(System.Text.Encoding.UTF8.GetString(types[row]), System.Text.Encoding.UTF8.GetString(values[row])))];
    }

    private async Task ReadAsync(TagsPlan plan, Func<TagsPlan, SqlQuery?> statement, Func<IReadOnlyDictionary<string, (string Type, Column Column)>> columns, CancellationToken cancellation)
    {
        using QueryGate.Turn turn = await _gate.LookUpAsync(cancellation).ConfigureAwait(false);
        try
        {
            await ReadAsync(statement(plan)).ConfigureAwait(false);
        }
        catch (ClickHouseRefusedException) when (plan.Filter is not null)
        {
            await ReadAsync(statement(plan with { Filter = null })).ConfigureAwait(false); // such as a regular expression that it doesn't take: then the list is longer
        }

        async Task ReadAsync(SqlQuery? query)
        {
            if (query is null) return;
            await turn.ReadAsync(
                async noteRead =>
                {
                    await _database.ReadAsync(query, columns(), noteRead, cancellation).ConfigureAwait(false);
                    return 0;
                },
                cancellation).ConfigureAwait(false);
        }
    }

    private static Dictionary<string, (string Type, Column Column)> Of(params (string Name, BytesColumn Column)[] columns) => columns.ToDictionary(column => column.Name, column => ("String", (Column)column.Column));

    private static TagValue Keyword(string name) => new("keyword", name.ToLowerInvariant());
}

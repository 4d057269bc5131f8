using System.Diagnostics;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;

namespace TraceStore.Query.Sql;

/// <summary>Writes what is asked of a whole trace as a SQL condition on its spans, grouped. Pure.</summary>
internal static class TracePredicateSql
{
    /// <summary>From the first start to the last end; a span that ends before it starts ends when it starts.</summary>
    private const string Duration = "max(greatest(start_time_unix_nano, start_time_unix_nano + duration)) - min(start_time_unix_nano)";

    private const string IsRoot = "parent_span_id = unhex('0000000000000000')";

    public static string Write(BinaryExpression comparison, SqlParameters parameters) => comparison switch
    {
        { Left: IntrinsicField { Intrinsic: Intrinsic.TraceDuration }, Operator: BinaryOperator.GreaterOrEqual, Right: Literal { Value: DurationValue least } } =>
            $"{Duration} >= {parameters.Add(least.Nanoseconds)}",
        { Left: IntrinsicField { Intrinsic: Intrinsic.TraceDuration }, Operator: BinaryOperator.LessOrEqual, Right: Literal { Value: DurationValue most } } =>
            $"{Duration} <= {parameters.Add(most.Nanoseconds)}",
        { Left: IntrinsicField { Intrinsic: Intrinsic.RootName }, Operator: BinaryOperator.Equal, Right: Literal { Value: string name } } =>
            OfRoot("name", name, parameters),
        { Left: IntrinsicField { Intrinsic: Intrinsic.RootService }, Operator: BinaryOperator.Equal, Right: Literal { Value: string service } } =>
            OfRoot("service", service, parameters),
        _ => throw new UnreachableException($"BUG: nothing asks this of a trace: {comparison}"),
    };

    private static string OfRoot(string column, string text, SqlParameters parameters) =>
        $"(countIf({IsRoot}) > 0 AND {TextSql.CompareListed(parameters, $"argMinIf({column}, (start_time_unix_nano, span_ids), {IsRoot})", "=", text)})";
}

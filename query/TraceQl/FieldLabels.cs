namespace TraceStore.Query.TraceQl;

/// <summary>What fields are called in answers, which is shorter than in queries.</summary>
internal static class FieldLabels
{
    /// <summary>As a field is called in an answer: an attribute by its key.</summary>
    public static string InAnswers(FieldExpression field) => field switch
    {
        AttributeField attribute => attribute.Name,
        IntrinsicField { Intrinsic: Intrinsic.Name } => "name",
        IntrinsicField { Intrinsic: Intrinsic.Status } => "status",
        IntrinsicField { Intrinsic: Intrinsic.StatusMessage } => "statusMessage",
        IntrinsicField { Intrinsic: Intrinsic.Kind } => "kind",
        IntrinsicField { Intrinsic: Intrinsic.Duration } => "duration",
        IntrinsicField { Intrinsic: Intrinsic.ChildCount } => "childCount",
        IntrinsicField { Intrinsic: Intrinsic.RootName } => "rootName",
        IntrinsicField { Intrinsic: Intrinsic.RootService } => "rootServiceName",
        IntrinsicField { Intrinsic: Intrinsic.TraceDuration } => "traceDuration",
        _ => TraceQlPrinter.Print(field),
    };

    /// <summary>As series are labelled with a field: an attribute with its scope.</summary>
    public static string AsLabel(FieldExpression field) => field is IntrinsicField ? InAnswers(field) : TraceQlPrinter.Print(field);
}

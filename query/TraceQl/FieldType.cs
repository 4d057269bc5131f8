namespace TraceStore.Query.TraceQl;

/// <summary>What an expression over a span's fields gives.</summary>
internal enum FieldType
{
    /// <summary>Whatever the attribute is.</summary>
    Any,
    Text,
    Whole,
    Real,
    Duration,
    Truth,
    Status,
    Kind,
    Nil,
}

internal static class FieldTypes
{
    public static FieldType Of(Intrinsic intrinsic) => intrinsic switch
    {
        Intrinsic.Status => FieldType.Status,
        Intrinsic.Kind => FieldType.Kind,
        Intrinsic.Duration or Intrinsic.TraceDuration or Intrinsic.EventTimeSinceStart => FieldType.Duration,
        Intrinsic.ChildCount or Intrinsic.NestedSetLeft or Intrinsic.NestedSetRight or Intrinsic.NestedSetParent => FieldType.Whole,
        Intrinsic.Parent => FieldType.Nil,
        _ => FieldType.Text,
    };

    public static FieldType OfValue(object value) => value switch
    {
        string => FieldType.Text,
        long => FieldType.Whole,
        double => FieldType.Real,
        DurationValue => FieldType.Duration,
        bool => FieldType.Truth,
        StatusValue => FieldType.Status,
        KindValue => FieldType.Kind,
        NilValue => FieldType.Nil,
        _ => FieldType.Any,
    };

    public static bool IsNumber(this FieldType type) => type is FieldType.Whole or FieldType.Real or FieldType.Duration;

    /// <summary>For messages.</summary>
    public static string InWords(this FieldType type) => type switch
    {
        FieldType.Any => "an attribute",
        FieldType.Text => "a string",
        FieldType.Whole or FieldType.Real => "a number",
        FieldType.Duration => "a duration",
        FieldType.Truth => "true or false",
        FieldType.Status => "a status",
        FieldType.Kind => "a kind",
        _ => "nil",
    };
}

using OpenTelemetry.Proto.Common.V1;
using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Evaluation;

/// <summary>
/// Values of fields, as a <see cref="Literal"/> has them: string, long, double, bool, <see cref="DurationValue"/>, <see cref="StatusValue"/>,
/// <see cref="KindValue"/>. A field has none where it is missing, and several where it is an array, or of events.
/// </summary>
internal static class FieldValues
{
    /// <summary>An attribute's values: those of an array one by one. Maps, bytes and arrays in arrays have none.</summary>
    public static IEnumerable<object> Of(AnyValue? value) => value?.ValueCase == AnyValue.ValueOneofCase.ArrayValue
        ? value.ArrayValue.Values.Select(OfPlain).OfType<object>()
        : OfPlain(value) is { } plain ? [plain] : [];

    /// <summary>As a number; null for what is none. Durations are nanoseconds.</summary>
    public static double? NumberOf(object value) => value switch
    {
        long whole => whole,
        double real => real,
        DurationValue duration => duration.Nanoseconds,
        _ => null,
    };

    /// <summary>How two values compare; null where they can't: they are of different types, or one is not a number.</summary>
    public static int? Compare(object left, object right) => (left, right) switch
    {
        (string ours, string theirs) => Compare(ours, theirs),
        (bool ours, bool theirs) => ours.CompareTo(theirs),
        (StatusValue ours, StatusValue theirs) => ours.CompareTo(theirs),
        (KindValue ours, KindValue theirs) => ours.CompareTo(theirs),
        _ when WholeOf(left) is { } ours && WholeOf(right) is { } theirs => ours.CompareTo(theirs),
        _ when NumberOf(left) is { } ours && NumberOf(right) is { } theirs && !double.IsNaN(ours) && !double.IsNaN(theirs) => ours.CompareTo(theirs),
        _ => null,
    };

    /// <summary>Two numbers reckoned with; null for none: by zero nothing is divided.</summary>
    public static object? Reckon(ArithmeticOperator arithmetic, object left, object right)
    {
        if (WholeOf(left) is { } ours && WholeOf(right) is { } theirs && Reckon(arithmetic, ours, theirs) is { } whole) return left is DurationValue || right is DurationValue ? new DurationValue(whole) : whole;
        if (NumberOf(left) is not { } first || NumberOf(right) is not { } second) return null;
        double result = arithmetic switch
        {
            ArithmeticOperator.Add => first + second,
            ArithmeticOperator.Subtract => first - second,
            ArithmeticOperator.Multiply => first * second,
            ArithmeticOperator.Divide => first / second,
            ArithmeticOperator.Modulo => first % second,
            _ => Math.Pow(first, second),
        };
        if (!double.IsFinite(result)) return null;
        bool isDuration = arithmetic switch
        {
            ArithmeticOperator.Divide => left is DurationValue && right is not DurationValue,
            ArithmeticOperator.Multiply => left is DurationValue != right is DurationValue,
            ArithmeticOperator.Power => false,
            _ => left is DurationValue || right is DurationValue,
        };
        return isDuration ? new DurationValue((long)result) : result;
    }

    private static object? OfPlain(AnyValue? value) => value?.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.BoolValue => value.BoolValue,
        AnyValue.ValueOneofCase.IntValue => value.IntValue,
        AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue,
        _ => null,
    };

    /// <summary>By their bytes in UTF-8, as ClickHouse does: where UTF-16 has halves of characters it has another order.</summary>
    private static int Compare(string left, string right) => left.Any(char.IsSurrogate) || right.Any(char.IsSurrogate)
        ? System.Text.Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(right))
        : string.CompareOrdinal(left, right);

    /// <summary>Null where the result is no whole number of 64 bits.</summary>
    private static long? Reckon(ArithmeticOperator arithmetic, long left, long right)
    {
        try
        {
            return arithmetic switch
            {
                ArithmeticOperator.Add => checked(left + right),
                ArithmeticOperator.Subtract => checked(left - right),
                ArithmeticOperator.Multiply => checked(left * right),
                ArithmeticOperator.Modulo when right is not (0 or -1) => left % right,
                _ => null,
            };
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    private static long? WholeOf(object value) => value switch
    {
        long whole => whole,
        DurationValue duration => duration.Nanoseconds,
        _ => null,
    };
}

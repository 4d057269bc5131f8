using System.Globalization;

namespace TraceStore.Query.Evaluation;

/// <summary>A label: null for a field that the spans don't have.</summary>
public sealed record SeriesLabel(string Name, object? Value)
{
    /// <summary>As text that no other label has.</summary>
    public string Key => string.Create(CultureInfo.InvariantCulture, $"{Name}={Value?.GetType().Name} {Value}");
}

/// <summary>Numbers over time.</summary>
/// <param name="Labels">What they are of.</param>
/// <param name="Values">One for each step; NaN where there is none.</param>
/// <param name="Exemplars">Some of the spans that they were made of.</param>
public sealed record Series(IReadOnlyList<SeriesLabel> Labels, double[] Values, IReadOnlyList<Exemplar> Exemplars)
{
    /// <summary>What the series is called that is of nothing else.</summary>
    public const string NameLabel = "__name__";

    /// <summary>Its labels but for its name, as a key: two series with equal ones are reckoned with.</summary>
    public string Key => string.Join('\n', Labels.Where(label => label.Name != NameLabel).Select(label => label.Key).Order(StringComparer.Ordinal));
}

/// <summary>A query would give more numbers than an answer may have.</summary>
public sealed class TooManySeriesException() : Exception($"The query gives more than {Most} numbers: steps times series. Ask for less time, for larger steps, or by what has fewer values.")
{
    private const int Most = 2_000_000;

    /// <exception cref="TooManySeriesException">There are too many.</exception>
    internal static void Check(long series, int steps)
    {
        if (series * steps > Most) throw new TooManySeriesException();
    }
}

/// <summary>A span that stands for a number.</summary>
/// <param name="TraceId">Its trace.</param>
/// <param name="UnixNano">When it started.</param>
/// <param name="Value">What it gave.</param>
public sealed record Exemplar(string TraceId, ulong UnixNano, double Value);

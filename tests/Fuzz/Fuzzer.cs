using System.Globalization;

namespace TraceStore.Tests.Fuzz;

/// <summary>
/// Tries mutated inputs, one after the other. FUZZ_EXECUTIONS says how many (20,000 for each test by default), FUZZ_SEED
/// which; a failure names the seed that repeats it alone.
/// </summary>
internal static class Fuzzer
{
    private static readonly int s_executions = Read("FUZZ_EXECUTIONS", otherwise: 20_000);

    /// <summary>The first execution's seed; each one after it has the next.</summary>
    public static int Seed { get; } = Read("FUZZ_SEED", otherwise: 1);

    /// <summary>Mutates inputs of a corpus and tries each; says how many a try took as valid.</summary>
    public static void Run(IReadOnlyList<byte[]> corpus, Func<byte[], bool> isValid)
    {
        int valid = 0;
        for (int execution = 0; execution < s_executions; execution++)
        {
            int seed = unchecked(Seed + execution);
            byte[] input = Mutation.Of(corpus, new Random(seed));
            try
            {
                if (isValid(input)) valid++;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"FUZZ_SEED={seed} FUZZ_EXECUTIONS=1: {e.Message} Input: {Convert.ToHexStringLower(input.AsSpan(0, Math.Min(input.Length, 4_000)))}", e);
            }
        }

        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{s_executions:N0} executions from seed {Seed}, {valid:N0} of them valid"));
        Assert.InRange(valid, Math.Min(1, s_executions / 1_000), s_executions); // else nothing but refusals was tried
    }

    public static int Read(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}

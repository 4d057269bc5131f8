using System.Diagnostics;

namespace TraceStore.Tests;

/// <summary>Waits for what must come to be, and not a moment longer.</summary>
public static class Eventually
{
    /// <summary>Asks until the answer isn't null.</summary>
    /// <exception cref="TimeoutException">It stayed null; the message says what was waited for.</exception>
    public static async Task<T> GetAsync<T>(string what, Func<Task<T?>> ask, int seconds = 30)
        where T : class
    {
        for (long started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started).TotalSeconds < seconds;)
        {
            if (await ask() is { } answer) return answer;
            await Task.Delay(20);
        }

        throw new TimeoutException($"{what} didn't come within {seconds} s.");
    }

    public static Task BeTrueAsync(string what, Func<Task<bool>> ask, int seconds = 30) =>
        GetAsync(what, async () => await ask() ? "yes" : null, seconds);
}

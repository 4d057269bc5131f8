namespace TraceStore.Storage.Wal;

/// <summary>
/// Tells when everything that got its receive time before a moment is on its way to the log's writer: whoever receives enters, takes the
/// time, hands over, and leaves; <see cref="PassAsync"/> waits for those who were in. Any thread may enter; one at a time passes.
/// </summary>
internal sealed class ReceiveGate
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(1);

    // Those who entered in an even phase, and in an odd one: a pass begins a phase, and waits until nobody of the one before is left.
    private int _even;
    private int _odd;
    private int _phase;

    /// <summary>Returns what to leave with.</summary>
    public int Enter()
    {
        while (true)
        {
            int phase = Volatile.Read(ref _phase);
            Interlocked.Increment(ref InPhase(phase));
            if (Volatile.Read(ref _phase) == phase) return phase;
            Leave(phase); // a pass has begun meanwhile, and may not have seen us
        }
    }

    public void Leave(int phase) => Interlocked.Decrement(ref InPhase(phase));

    /// <summary>Completes when nobody is left who had entered before.</summary>
    public async Task PassAsync(CancellationToken cancellation)
    {
        int before = Interlocked.Increment(ref _phase) - 1;
        while (Volatile.Read(ref InPhase(before)) > 0) await Task.Delay(s_poll, cancellation).ConfigureAwait(false);
    }

    private ref int InPhase(int phase) => ref (phase & 1) == 0 ? ref _even : ref _odd;
}

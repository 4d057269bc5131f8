namespace TraceStore.Collector.Pipeline;

/// <summary>Watches ClickHouse from before an insert to after it. What fails throws an <see cref="IOException"/>: the insert is in doubt.</summary>
/// <param name="CheckAsync">Completes when nothing has gone wrong with what ClickHouse has written.</param>
/// <param name="ConfirmAsync">Completes when moreover all of it is on disk, to survive a power cut.</param>
public sealed record StoreWatch(Func<CancellationToken, Task> CheckAsync, Func<CancellationToken, Task> ConfirmAsync)
{
    /// <summary>What an external ClickHouse has answered OK is its own to keep.</summary>
    public static StoreWatch None { get; } = new(_ => Task.CompletedTask, _ => Task.CompletedTask);
}

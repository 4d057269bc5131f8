namespace TraceStore.Tests.S3;

/// <summary>A call to the S3 server, as a fault plan sees it.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Operation">As S3 names it: PutObject, GetObject, …</param>
/// <param name="Key">The object's; empty for calls to the bucket.</param>
public sealed record S3Call(int Number, string Operation, string Key);

/// <summary>What goes wrong with a call.</summary>
public abstract record S3Fault
{
    /// <summary>Nothing is done, and this is answered.</summary>
    public sealed record Refuse(int Status, string Code) : S3Fault;

    /// <summary>It is done, and this is answered nevertheless.</summary>
    public sealed record RefuseAfter(int Status, string Code) : S3Fault;

    /// <summary>Nothing is done, and the connection is cut.</summary>
    public sealed record Cut : S3Fault;

    /// <summary>It is done, and the connection is cut instead of an answer.</summary>
    public sealed record LoseAnswer : S3Fault;

    /// <summary>Who called is killed, before it is done or after, and hears nothing.</summary>
    public sealed record Die(Action Kill, bool IsDone) : S3Fault;

    /// <summary>Of an object's content only so much is sent, and then the connection is cut.</summary>
    public sealed record Truncate(int Bytes) : S3Fault;

    /// <summary>A byte of an object's content is sent changed.</summary>
    public sealed record Flip(int At) : S3Fault;

    /// <summary>Nothing is done or answered until the client has gone.</summary>
    public sealed record Stall : S3Fault;
}

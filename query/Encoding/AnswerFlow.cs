using System.IO.Pipelines;

namespace TraceStore.Query.Encoding;

/// <summary>Lets an answer out as it is written, at the client's pace, so that it is never held as a whole.</summary>
internal static class AnswerFlow
{
    private const long MuchBytes = 64 << 10;

    /// <summary>Sends what has been written, when it is much.</summary>
    /// <exception cref="OperationCanceledException">The client has gone, or takes too long.</exception>
    public static async ValueTask FlushWhenMuchAsync(this PipeWriter output, CancellationToken cancellation)
    {
        if (output.UnflushedBytes < MuchBytes) return;
        FlushResult flushed = await output.FlushAsync(cancellation).ConfigureAwait(false);
        if (flushed.IsCompleted || flushed.IsCanceled) throw new OperationCanceledException("The client has gone.", cancellation);
    }

    /// <summary>Writes text in UTF-8.</summary>
    public static void Write(this PipeWriter output, string text) => System.Text.EncodingExtensions.GetBytes(System.Text.Encoding.UTF8, text, output);
}

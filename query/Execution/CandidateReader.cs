using System.Runtime.CompilerServices;
using TraceStore.Query.Assembly;
using TraceStore.Query.Evaluation;
using TraceStore.Query.Planning;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Execution;

/// <summary>What a query has read so far.</summary>
public sealed class Inspected
{
    /// <summary>Traces that it was tried on.</summary>
    public int Traces { get; internal set; }

    public long Spans { get; internal set; }

    public long Bytes { get; internal set; }

    /// <summary>Whether there was more: it stopped because it had read as much as a query may, or a trace was too large to be read whole.</summary>
    public bool IsPartial { get; internal set; }
}

/// <summary>Reads the traces that a query may mean, newest first, each whole, for as long as somebody asks and it may.</summary>
internal sealed class CandidateReader(TraceSearch search, SpanReader spans, EnvelopeReader envelopes, QueryServiceOptions options)
{
    /// <summary>Traces that are read at once: few first, for often the first are meant.</summary>
    private const int FirstChunk = 20, LargestChunk = 200;

    /// <summary>What they may have together, so that no query takes much memory.</summary>
    private const long MaxChunkBytes = 48 << 20;

    public async IAsyncEnumerable<EvaluatedTrace> ReadAsync(SearchPlan plan, Inspected inspected, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var origins = new OriginCache();
        var waiting = new Queue<TraceId>();
        int chunk = FirstChunk;
        IAsyncEnumerator<TraceId> candidates = search.CandidatesAsync(plan, cancellation).GetAsyncEnumerator(cancellation);
        await using (candidates.ConfigureAwait(false))
        {
            bool hasMore = true;
            while (true)
            {
                while (hasMore && waiting.Count < chunk && (hasMore = await candidates.MoveNextAsync().ConfigureAwait(false))) waiting.Enqueue(candidates.Current);
                bool isTooMuch = waiting.Count > 0 && inspected.Bytes > options.MaxAnswerBytes;
                inspected.IsPartial |= isTooMuch;
                if (waiting.Count == 0 || isTooMuch) yield break;

                TraceId[] ids = [.. waiting.Take(chunk)];
                if (await ReadAsync(ids, inspected, cancellation).ConfigureAwait(false) is not { } rows)
                {
                    chunk = Math.Max(1, ids.Length / 4); // each is to be seen whole
                    continue;
                }

                inspected.IsPartial |= rows.Count > SpanReader.MaxSpans;
                foreach (TraceId _ in ids) waiting.Dequeue();
                (inspected.Traces, inspected.Spans) = (inspected.Traces + ids.Length, inspected.Spans + rows.Count);
                Envelopes all = await envelopes.ReadAsync(rows, cancellation).ConfigureAwait(false);
                IReadOnlyDictionary<TraceId, AssembledTrace> assembled = TraceAssembler.Assemble(rows, SpanContent.Whole(rows));
                foreach (TraceId id in ids.Where(assembled.ContainsKey))
                {
                    cancellation.ThrowIfCancellationRequested();
                    yield return EvaluatedTrace.Of(assembled[id], rows, all, origins);
                }

                rows.Clear();
                chunk = Math.Min(LargestChunk, chunk * 2);
            }
        }
    }

    /// <summary>Null where several traces are too large together.</summary>
    private async Task<SpanBatch?> ReadAsync(TraceId[] ids, Inspected inspected, CancellationToken cancellation)
    {
        long bytes = 0;
        try
        {
            SpanBatch rows = await spans.ReadAsync(ids, NoteRead, cancellation).ConfigureAwait(false);
            if (rows.Count > SpanReader.MaxSpans && ids.Length > 1)
            {
                rows.Clear();
                return null;
            }

            inspected.Bytes += bytes;
            return rows;
        }
        catch (ChunkTooLargeException)
        {
            return null;
        }

        void NoteRead(int read)
        {
            bytes += read;
            if (ids.Length > 1 && bytes > Math.Min(MaxChunkBytes, options.MaxAnswerBytes)) throw new ChunkTooLargeException();
            if (bytes > options.MaxAnswerBytes) throw new AnswerTooLargeException($"A trace that it could be has more than {options.MaxAnswerBytes >> 20} MiB (Query:MaxAnswerBytes).");
        }
    }

    private sealed class ChunkTooLargeException : Exception;
}

using System.Globalization;
using System.Text.Json;

namespace TraceStore.Load;

/// <summary>What a load has come to, also while it runs.</summary>
internal sealed class LoadResult
{
    private readonly Lock _lock = new();
    private readonly List<float> _milliseconds = [];
    private long _spans, _rejectedSpans, _lostSpans, _bytes, _retries;
    private TimeSpan _behind;
    private string? _lastFailure;

    /// <summary>How long the load took; set at its end.</summary>
    public TimeSpan Elapsed { get; set; }

    /// <summary>What this process spent on it; set at its end.</summary>
    public TimeSpan ProcessorTime { get; set; }

    /// <summary>Spans that were taken.</summary>
    public long Spans
    {
        get
        {
            lock (_lock) return _spans;
        }
    }

    /// <summary>Why a request wasn't taken at once, the last time that happened; null where it never did.</summary>
    public string? LastFailure
    {
        get
        {
            lock (_lock) return _lastFailure;
        }
    }

    /// <summary>Whether all that was sent was taken.</summary>
    public bool IsComplete => _rejectedSpans == 0 && _lostSpans == 0;

    public void NoteTaken(LoadRequest request, long rejectedSpans, TimeSpan latency)
    {
        lock (_lock)
        {
            _spans += request.Spans - rejectedSpans;
            _rejectedSpans += rejectedSpans;
            _bytes += request.Bytes.Length;
            _milliseconds.Add((float)latency.TotalMilliseconds);
        }
    }

    public void NoteRetry(string reason)
    {
        lock (_lock)
        {
            _retries++;
            _lastFailure = reason;
        }
    }

    public void NoteLost(LoadRequest request, string reason)
    {
        lock (_lock)
        {
            _lostSpans += request.Spans;
            _lastFailure = reason;
        }
    }

    /// <summary>A request was sent so much later than it was due, because the one before it took so long.</summary>
    public void NoteBehind(TimeSpan late)
    {
        lock (_lock)
        {
            if (late > _behind) _behind = late;
        }
    }

    public string ToText() => string.Create(CultureInfo.InvariantCulture,
        $"{_spans:N0} spans taken in {Elapsed.TotalSeconds:N1} s: {SpansPerSecond:N0} spans/s, {BytesPerSecond / 1e6:N1} MB/s, {(double)_bytes / Math.Max(1, _spans):N0} bytes each\n"
        + $"Export     p50 {Percentile(0.5):N1} ms   p90 {Percentile(0.9):N1} ms   p99 {Percentile(0.99):N1} ms   max {Percentile(1):N1} ms\n"
        + $"Rejected   {_rejectedSpans:N0} spans\n"
        + $"Given up   {_lostSpans:N0} spans\n"
        + $"Retried    {_retries:N0} requests{(_lastFailure is null ? "" : $", the last because of: {_lastFailure}")}\n"
        + $"Behind     {_behind.TotalMilliseconds:N0} ms at most\n"
        + $"This load  {ProcessorTime.TotalSeconds:N1} CPU s");

    public string ToJson() => JsonSerializer.Serialize(new
    {
        spans = _spans,
        seconds = Elapsed.TotalSeconds,
        spansPerSecond = SpansPerSecond,
        bytes = _bytes,
        exportMilliseconds = new { p50 = Percentile(0.5), p90 = Percentile(0.9), p99 = Percentile(0.99), max = Percentile(1) },
        rejectedSpans = _rejectedSpans,
        givenUpSpans = _lostSpans,
        retriedRequests = _retries,
        lastFailure = _lastFailure,
        behindMilliseconds = _behind.TotalMilliseconds,
        cpuSeconds = ProcessorTime.TotalSeconds,
    });

    private double SpansPerSecond => _spans / Math.Max(Elapsed.TotalSeconds, 1e-9);

    private double BytesPerSecond => _bytes / Math.Max(Elapsed.TotalSeconds, 1e-9);

    /// <summary>The smallest latency that so great a share of the exports stays within.</summary>
    private float Percentile(double share)
    {
        if (_milliseconds.Count == 0) return 0;
        _milliseconds.Sort();
        return _milliseconds[Math.Clamp((int)Math.Ceiling(share * _milliseconds.Count) - 1, 0, _milliseconds.Count - 1)];
    }
}

using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;

namespace TraceStore.Collector.Receivers;

/// <summary>
/// The memory that requests may take together, and each client of that. It is taken as bytes come in, not as they are
/// announced, so that who says much and sends nothing takes next to nothing. Any thread may call it.
/// </summary>
internal sealed class BytesInFlight(OtlpOptions options, UpDownCounter<long> active)
{
    /// <summary>What any request takes before a byte of it has come.</summary>
    public const int BytesPerRequest = 4 << 10;

    /// <summary>One client may take half: the other half is for the others.</summary>
    private const int ClientShare = 2;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _clients = [];
    private long _taken;

    /// <summary>When there may be room again.</summary>
    public static TimeSpan RetryAfter => TimeSpan.FromSeconds(1);

    /// <summary>Begins a request, which has no room yet.</summary>
    public RequestLease Begin(string client)
    {
        active.Add(1);
        return new RequestLease(this, client);
    }

    private void Take(string client, long bytes)
    {
        lock (_lock)
        {
            ref long ofClient = ref CollectionsMarshal.GetValueRefOrAddDefault(_clients, client, out _);
            bool isOfClient = ofClient + bytes > options.MaxBytesInFlight / ClientShare;
            if (isOfClient || _taken + bytes > options.MaxBytesInFlight)
            {
                if (ofClient == 0) _clients.Remove(client);
                throw isOfClient ? NoRoomException.For(client) : NoRoomException.ForAnyone();
            }

            ofClient += bytes;
            _taken += bytes;
        }
    }

    private void NoteEnd() => active.Add(-1);

    private void GiveBack(string client, long bytes)
    {
        if (bytes == 0) return;
        lock (_lock)
        {
            _taken -= bytes;
            ref long ofClient = ref CollectionsMarshal.GetValueRefOrNullRef(_clients, client);
            ofClient -= bytes;
            if (ofClient == 0) _clients.Remove(client);
        }
    }

    /// <summary>The room that one request takes, until it is answered. Used by one thread at a time.</summary>
    internal sealed class RequestLease(BytesInFlight owner, string client) : IDisposable
    {
        private long _bytes;

        /// <summary>The most that it has taken.</summary>
        public long PeakBytes { get; private set; }

        /// <summary>Takes more room, for bytes that came in or that decompression brought to light.</summary>
        /// <exception cref="NoRoomException">There is none.</exception>
        public void Grow(long bytes)
        {
            owner.Take(client, bytes);
            _bytes += bytes;
            PeakBytes = Math.Max(PeakBytes, _bytes);
        }

        public void Shrink(long bytes)
        {
            owner.GiveBack(client, bytes);
            _bytes -= bytes;
        }

        public void Dispose()
        {
            Shrink(_bytes);
            owner.NoteEnd();
        }
    }
}

/// <summary>There is no room for a request now; its client is told to send it again.</summary>
internal sealed class NoRoomException : Exception
{
    private NoRoomException(string reason, string message) : base(message) => Reason = reason;

    /// <summary>What it is counted under.</summary>
    public string Reason { get; }

    public static NoRoomException ForAnyone() => new("memory", "Too many exports at once: the memory for them is used up (Otlp:MaxBytesInFlight).");

    public static NoRoomException For(string client) => new("client_memory", $"Too many exports at once from {client}: its share of the memory for them is used up (half of Otlp:MaxBytesInFlight).");
}

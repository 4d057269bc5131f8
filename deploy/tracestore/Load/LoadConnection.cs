namespace TraceStore.Load;

/// <summary>The requests that one connection sends: a few, encoded once, again and again with fresh IDs and times.</summary>
internal sealed class LoadConnection
{
    private const int DistinctRequests = 16;

    private readonly LoadRequest[] _requests;
    private SplitMix64 _random;
    private int _turn;

    public LoadConnection(LoadShape shape, int number, bool isJson)
    {
        int seed = (int)((shape.Seed * 1_000) + number);
        var traces = new SyntheticTraces(shape, seed);
        _requests = [.. Enumerable.Range(0, DistinctRequests).Select(_ => LoadRequest.Encode(traces, isJson))];
        _random = new SplitMix64((ulong)seed);
    }

    /// <summary>The next request, which holds until the one after it is asked for.</summary>
    public LoadRequest NextRequest()
    {
        LoadRequest request = _requests[_turn++ % _requests.Length];
        request.Freshen(ref _random, (ulong)(DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick);
        return request;
    }
}

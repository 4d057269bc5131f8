using System.Diagnostics.Metrics;
using TraceStore.Collector.Receivers;

namespace TraceStore.Tests.Unit.Collector;

public sealed class BytesInFlightTests : IDisposable
{
    private const int Most = 1 << 20;

    private readonly Meter _meter = new("test");
    private readonly BytesInFlight _inFlight;

    public BytesInFlightTests() => _inFlight = new BytesInFlight(new OtlpOptions { MaxBytesInFlight = Most }, _meter.CreateUpDownCounter<long>("active"));

    [Theory]
    [InlineData((Most / 2) + 1)]
    [InlineData(4 * Most)]
    public void A_client_beyond_its_half_is_told_so_however_large_its_steps_are(int bytes)
    {
        using BytesInFlight.RequestLease lease = _inFlight.Begin("one");

        Assert.Equal("client_memory", Assert.Throws<NoRoomException>(() => lease.Grow(bytes)).Reason);
        Assert.Equal(0, lease.PeakBytes);
        lease.Grow(Most / 2);
    }

    [Fact]
    public void Clients_within_their_halves_share_the_whole()
    {
        using BytesInFlight.RequestLease one = _inFlight.Begin("one");
        using BytesInFlight.RequestLease other = _inFlight.Begin("other");
        using BytesInFlight.RequestLease third = _inFlight.Begin("third");
        one.Grow(Most / 2);
        other.Grow(Most / 2);

        Assert.Equal("memory", Assert.Throws<NoRoomException>(() => third.Grow(1)).Reason);
        one.Shrink(1);
        third.Grow(1);
    }

    [Fact]
    public void An_answered_request_gives_everything_back()
    {
        using (BytesInFlight.RequestLease first = _inFlight.Begin("one"))
        using (BytesInFlight.RequestLease second = _inFlight.Begin("one"))
        {
            first.Grow(Most / 4);
            second.Grow(Most / 4);
            Assert.Throws<NoRoomException>(() => second.Grow(1));
        }

        using BytesInFlight.RequestLease next = _inFlight.Begin("one");
        next.Grow(Most / 2);
    }

    public void Dispose() => _meter.Dispose();
}

using TraceStore.Storage.Engine;

namespace TraceStore.Tests.Unit.Engine;

public class RestartDelayTests
{
    [Theory]
    [InlineData(1, 200)]
    [InlineData(2, 400)]
    [InlineData(3, 800)]
    [InlineData(7, 10_000)]
    [InlineData(1_000_000, 10_000)]
    public void The_delay_doubles_up_to_ten_seconds(int failures, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), RestartDelay.After(failures));
}

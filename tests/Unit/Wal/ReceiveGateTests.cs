using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Wal;

public sealed class ReceiveGateTests
{
    [Fact]
    public async Task A_pass_waits_for_those_who_were_in_and_for_nobody_who_comes_later()
    {
        var gate = new ReceiveGate();
        for (int pass = 0; pass < 3; pass++)
        {
            int first = gate.Enter(), second = gate.Enter();
            Task passing = gate.PassAsync(TestContext.Current.CancellationToken);
            int later = gate.Enter();
            gate.Leave(first);
            Assert.False(passing.IsCompleted);
            gate.Leave(second);
            await passing;
            gate.Leave(later);
        }
    }
}

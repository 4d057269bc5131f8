using TraceStore.Query.Execution;

namespace TraceStore.Tests.Unit.Query;

public sealed class QueryGateTests
{
    private const int Large = 20 << 20;
    private const long Most = 64 << 20;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Look_ups_do_not_wait_behind_searches_and_a_search_that_waits_too_long_is_told_when_to_come_again()
    {
        using QueryGate gate = Gate(wait: TimeSpan.FromMilliseconds(20));
        using QueryGate.Turn search = await gate.SearchAsync(Stop);

        QueriesOverloadedException refused = await Assert.ThrowsAsync<QueriesOverloadedException>(() => gate.SearchAsync(Stop));
        using QueryGate.Turn lookUp = await gate.LookUpAsync(Stop);

        Assert.Equal(TimeSpan.FromSeconds(1), refused.RetryAfter);
        search.Dispose();
        search.Dispose(); // a turn is given back once
        using QueryGate.Turn next = await gate.SearchAsync(Stop);
        await Assert.ThrowsAsync<QueriesOverloadedException>(() => gate.SearchAsync(Stop));
    }

    [Fact]
    public async Task A_large_answer_keeps_no_small_one_waiting_and_is_read_in_one_go_when_it_is_alone()
    {
        using QueryGate gate = Gate();
        using QueryGate.Turn large = await gate.LookUpAsync(Stop);
        int reads = 0;

        Assert.Equal("all", await large.ReadAsync(Read, Stop));

        Assert.Equal(1, reads);
        using QueryGate.Turn small = await gate.LookUpAsync(Stop).WaitAsync(s_patience, Stop); // the only slot of look-ups is free again

        Task<string> Read(Action<int> note)
        {
            reads++;
            note(Large);
            return Task.FromResult("all");
        }
    }

    [Fact]
    public async Task A_second_large_answer_holds_nothing_while_it_waits_and_is_then_read_anew()
    {
        using QueryGate gate = Gate();
        QueryGate.Turn first = await gate.LookUpAsync(Stop);
        await first.ReadAsync(note => Noted(note, Large), Stop);
        using QueryGate.Turn second = await gate.LookUpAsync(Stop);
        int begun = 0, ended = 0;
        Task<bool> reading = second.ReadAsync(
            note =>
            {
                begun++;
                note(Large);
                ended++;
                return Task.FromResult(true);
            },
            Stop);

        Assert.False(reading.IsCompleted);
        Assert.Equal((1, 0), (begun, ended));
        using QueryGate.Turn small = await gate.LookUpAsync(Stop).WaitAsync(s_patience, Stop);
        first.Dispose();

        Assert.True(await reading.WaitAsync(s_patience, Stop));
        Assert.Equal((2, 1), (begun, ended));
    }

    [Fact]
    public async Task An_answer_larger_than_any_may_be_is_refused_also_when_it_comes_in_parts()
    {
        using QueryGate gate = Gate();
        using QueryGate.Turn turn = await gate.LookUpAsync(Stop);
        await turn.ReadAsync(note => Noted(note, Large), Stop);

        await Assert.ThrowsAsync<AnswerTooLargeException>(() => turn.ReadAsync(note => Noted(note, (int)Most), Stop));

        turn.Dispose();
        using QueryGate.Turn next = await gate.LookUpAsync(Stop);
        Assert.True(await next.ReadAsync(note => Noted(note, Large), Stop).WaitAsync(s_patience, Stop)); // its place among the large ones is free
    }

    [Fact]
    public async Task Of_many_large_answers_those_that_could_only_wait_long_are_refused()
    {
        using QueryGate gate = Gate();
        using QueryGate.Turn first = await gate.LookUpAsync(Stop);
        await first.ReadAsync(note => Noted(note, Large), Stop);
        using var leave = new CancellationTokenSource();
        var waiting = new List<Task>();
        for (int i = 0; i < 8; i++) waiting.Add(WaitAsync(await gate.LookUpAsync(Stop)));

        using QueryGate.Turn ninth = await gate.LookUpAsync(Stop);
        await Assert.ThrowsAsync<QueriesOverloadedException>(() => ninth.ReadAsync(note => Noted(note, Large), Stop));
        await leave.CancelAsync();
        await Task.WhenAll(waiting);

        async Task WaitAsync(QueryGate.Turn turn)
        {
            using (turn) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => turn.ReadAsync(note => Noted(note, Large), leave.Token));
        }
    }

    private static Task<bool> Noted(Action<int> note, int bytes)
    {
        note(bytes);
        return Task.FromResult(true);
    }

    private static QueryGate Gate(TimeSpan? wait = null) =>
        new(new QueryServiceOptions { MaxSearches = 1, MaxLookUps = 1, MaxWait = wait ?? s_patience, MaxAnswerBytes = Most });
}

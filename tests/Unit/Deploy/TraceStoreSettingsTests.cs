using Microsoft.Extensions.Configuration;
using TraceStore.Settings;

namespace TraceStore.Tests.Unit.Deploy;

public class TraceStoreSettingsTests
{
    [Fact]
    public void Without_any_setting_everything_has_a_default_that_works()
    {
        (TraceStoreSettings? settings, IReadOnlyList<string> problems) = Read();

        Assert.Empty(problems);
        Assert.Equal("127.0.0.1", settings!.ListenAddress.ToString());
        Assert.Equal((4317, 4318, 3200, 16686), (settings.OtlpGrpcPort, settings.OtlpHttpPort, settings.TempoPort, settings.JaegerPort));
        Assert.Equal(Path.GetFullPath("data"), settings.DataDirectory);
        Assert.NotNull(settings.Engine);
    }

    [Fact]
    public void An_external_clickhouse_needs_no_engine() => Assert.Null(Read(("ClickHouse:Url", "http://ch:8123")).Settings!.Engine);

    [Fact]
    public void All_problems_come_at_once_each_with_setting_value_and_what_is_valid()
    {
        (TraceStoreSettings? settings, IReadOnlyList<string> problems) = Read(
            ("ListenAddress", "everywhere"),
            ("Otlp:GrpcPort", "70000"),
            ("Wal:MaxBytes", "1MiB"),
            ("Wal:MaxSegmentAge", "soon"),
            ("Wal:MaxSegmentSpans", "1"),
            ("ClickHouse:Url", "ch:8123"),
            ("ClickHouse:Database", "drop table"),
            ("Wal:MaxByte", "5"));

        Assert.Null(settings);
        Assert.Equal(
            [
                "ClickHouse:Database = 'drop table': expected a name of letters, digits and underscores.",
                "ClickHouse:Url = 'ch:8123': expected an http:// or https:// URL such as http://clickhouse:8123.",
                "ListenAddress = 'everywhere': expected an IP address: 127.0.0.1 for this machine only, 0.0.0.0 for every network.",
                "Otlp:GrpcPort = '70000': expected a port from 0 (any free one) to 65535.",
                "Wal:MaxByte = '5': there is no such setting; did you mean Wal:MaxBytes?",
                "Wal:MaxBytes = '1MiB': expected a size such as 64MiB or 10GiB, 64MiB or more.",
                "Wal:MaxSegmentAge = 'soon': expected a duration such as 400ms or 30s, from 10ms to 60s.",
                "Wal:MaxSegmentSpans = '1': expected a whole number from 1000 to 500000.",
            ],
            problems.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Two_doors_cannot_share_a_port() =>
        Assert.Equal(["Otlp:GrpcPort and Tempo:Port = '4317': each needs a port of its own."], Read(("Tempo:Port", "4317")).Problems);

    [Theory]
    [InlineData("512MiB", 512L << 20)]
    [InlineData("10 GiB", 10L << 30)]
    [InlineData("1.5GB", 1_500_000_000)]
    [InlineData("67108864", 67_108_864)]
    public void Sizes_are_written_as_people_write_them(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out long parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("-1MiB")]
    [InlineData("99999999999999999999TiB")]
    public void What_is_no_size_is_refused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    private static (TraceStoreSettings? Settings, IReadOnlyList<string> Problems) Read(params (string Key, string Value)[] settings) =>
        TraceStoreSettings.Read(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value)))
            .Build());
}

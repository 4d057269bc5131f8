using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;
using TraceStore.Settings;

namespace TraceStore.Tests.Unit.Deploy;

public class TraceStoreSettingsTests
{
    private static readonly JsonSerializerOptions s_readable = new() { Converters = { new AddressConverter() } };

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
                "Wal:MaxBytes = '1MiB': expected a size such as 10GiB, 64MiB or more.",
                "Wal:MaxSegmentAge = 'soon': expected a duration such as 400ms, from 10ms to 60s.",
                "Wal:MaxSegmentSpans = '1': expected a whole number from 1000 to 500000.",
            ],
            problems.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_catalogue_has_every_setting_that_is_read_and_no_other()
    {
        var configuration = new ConfigurationBuilder().Build();
        var reader = new SettingsReader(configuration);
        TraceStoreSettings.Read(configuration, reader);

        Assert.Equal(reader.Known.Order(StringComparer.Ordinal), SettingsCatalogue.All.Select(setting => setting.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_catalogues_defaults_are_what_holds_without_a_setting()
    {
        string Shown(params (string Key, string Value)[] settings)
        {
            (TraceStoreSettings? read, IReadOnlyList<string> problems) = Read(settings);
            Assert.Empty(problems);
            return JsonSerializer.Serialize(read, s_readable);
        }

        Assert.All(
            SettingsCatalogue.All.Where(setting => setting.Default.Length > 0),
            setting => Assert.Equal(Shown(), Shown((setting.Key, setting.Default))));
    }

    [Fact]
    public void A_profile_sets_what_nobody_has_set()
    {
        (TraceStoreSettings? small, IReadOnlyList<string> problems) = Read(("Profile", "small"), ("Wal:MaxPendingBytes", "128MiB"));

        Assert.Empty(problems);
        Assert.Equal((384L << 20, 1), (small!.Engine!.MaxMemoryBytes, small.Query.MaxSearches));
        Assert.Equal(128L << 20, small.Wal.MaxPendingBytes);
        Assert.Equal(["Profile = 'tiny': expected default or small."], Read(("Profile", "tiny")).Problems);
    }

    [Fact]
    public void Every_setting_of_a_profile_is_one_and_differs_from_its_default()
    {
        (string Key, string Value)[] small = [.. SettingsProfile.Of(SettingsProfile.Small).Select(setting => (setting.Key, setting.Value))];

        Assert.All(small, setting => Assert.NotEqual(SettingsCatalogue.All.Single(described => described.Key == setting.Key).Default, setting.Value));
        Assert.Equal(JsonSerializer.Serialize(Read(small).Settings, s_readable), JsonSerializer.Serialize(Read((SettingsProfile.Key, SettingsProfile.Small)).Settings, s_readable));
    }

    [Fact]
    public void The_readmes_table_is_the_catalogue()
    {
        string readme = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "README.md"));

        string Cell(string? text) => string.IsNullOrEmpty(text) ? "|" : $"`{text}` |";
        Assert.All(SettingsCatalogue.All, setting => Assert.Contains(
            $"| `{setting.Key}` | {Cell(setting.Option)} {Cell(setting.Default)} {setting.Meaning} |\n", readme, StringComparison.Ordinal));
    }

    [Fact]
    public void An_empty_value_is_no_default_but_a_mistake() =>
        Assert.Equal(["DataDirectory = '': it is empty. Leave it out for the default."], Read(("DataDirectory", "")).Problems);

    [Fact]
    public void An_environment_variable_is_named()
    {
        Environment.SetEnvironmentVariable("TRACESTORE_WAL__MAXBYTES", "none");
        try
        {
            (_, IReadOnlyList<string> problems) = TraceStoreSettings.Read(new ConfigurationBuilder().AddEnvironmentVariables(TraceStoreSettings.EnvironmentPrefix).Build());

            Assert.Equal(["Wal:MaxBytes = 'none' (environment variable TRACESTORE_WAL__MAXBYTES): expected a size such as 10GiB, 64MiB or more."], problems);
        }
        finally
        {
            Environment.SetEnvironmentVariable("TRACESTORE_WAL__MAXBYTES", null);
        }
    }

    [Fact]
    public void Localhost_is_an_address() => Assert.Equal(IPAddress.Loopback, Read(("ListenAddress", "localhost")).Settings!.ListenAddress);

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

    private sealed class AddressConverter : JsonConverter<IPAddress>
    {
        public override IPAddress Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, IPAddress value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }
}

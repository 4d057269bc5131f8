using System.Xml.Linq;
using TraceStore.Storage.Engine;

namespace TraceStore.Tests.Unit.Engine;

public sealed class EngineConfigurationTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private EngineOptions Options => new()
    {
        Directory = Path.Combine(_directory.Path, "engine"),
        LibraryPath = "libchdb.so",
        HostCommand = ["tracestore"],
        MaxMemoryBytes = 123_456_789,
    };

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Only_the_owner_can_read_the_files()
    {
        EngineConfiguration.ForNewStart(1234).Write(Options);

        string[] files = Directory.GetFiles(Path.Combine(Options.Directory, "config"));
        Assert.Equal(3, files.Length);
        Assert.All(files, file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Options.Directory));
    }

    [Fact]
    public void The_engine_listens_on_loopback_by_http_only_and_for_the_key_only()
    {
        EngineConfiguration configuration = EngineConfiguration.ForNewStart(1234);
        configuration.Write(Options);

        XElement config = XElement.Load(Path.Combine(Options.Directory, "config", "config.xml"));
        Assert.Equal("127.0.0.1", config.Element("listen_host")?.Value);
        Assert.Equal("1234", config.Element("http_port")?.Value);
        Assert.DoesNotContain(config.Elements(), element => element.Name.LocalName.EndsWith("_port", StringComparison.Ordinal) && element.Name != "http_port");
        Assert.Equal(configuration.Key, config.Element("http_handlers")?.Element("rule")?.Element("headers")?.Element(EngineConfiguration.KeyHeader)?.Value);
        Assert.Single(config.Element("http_handlers")!.Elements());
        Assert.Equal("123456789", config.Element("max_server_memory_usage")?.Value);
    }

    [Fact]
    public void Every_start_has_a_key_of_its_own_of_256_bits()
    {
        string first = EngineConfiguration.ForNewStart(1).Key;

        Assert.Equal(64, first.Length);
        Assert.NotEqual(first, EngineConfiguration.ForNewStart(1).Key);
    }
}

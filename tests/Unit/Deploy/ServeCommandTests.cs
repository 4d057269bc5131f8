using Microsoft.Extensions.Configuration;

namespace TraceStore.Tests.Unit.Deploy;

public sealed class ServeCommandTests : IDisposable
{
    private const string EnvironmentPort = "TRACESTORE_TEMPO__PORT";

    private readonly TemporaryDirectory _directory = new();

    private string SettingsFile => Path.Combine(_directory.Path, "settings.json");

    public ServeCommandTests()
    {
        File.WriteAllText(SettingsFile, """{ "Tempo": { "Port": 1 }, "Jaeger": { "Port": 1 }, "Wal": { "MaxBytes": "1GiB" } }""");
        Environment.SetEnvironmentVariable(EnvironmentPort, "2");
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(EnvironmentPort, null);
        _directory.Dispose();
    }

    [Fact]
    public void The_command_line_wins_over_the_environment_and_that_over_the_file()
    {
        IConfiguration read = Read(["Jaeger:Port=3"]).Configuration;

        Assert.Equal(("2", "3", "1GiB"), (read["Tempo:Port"], read["Jaeger:Port"], read["Wal:MaxBytes"]));
    }

    [Fact]
    public void Every_assignment_that_is_none_is_named() =>
        Assert.Equal(["--set one: expected NAME=VALUE.", "--set =two: expected NAME=VALUE."], Read(["one", "=two", "Jaeger:Port=3"]).Problems);

    private (IConfiguration Configuration, IReadOnlyList<string> Problems) Read(string[] assignments) =>
        ServeCommand.ReadConfiguration(SettingsFile, [], assignments);
}

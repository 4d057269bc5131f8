using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace TraceStore.Serving;

/// <summary>Logs: one line each, on standard error, quiet while all is well. Levels can be set under Logging, as usual in .NET.</summary>
internal static class LogOutput
{
    public static ILoggerFactory Create(IConfiguration configuration) => LoggerFactory.Create(logging => logging
        .SetMinimumLevel(LogLevel.Warning)
        .AddFilter("TraceStore", LogLevel.Information)
        .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None) // a door that can't open is reported in our own words
        .AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.None) // what clients do wrong is theirs; doors say what they must
        .AddFilter("Grpc.AspNetCore.Server", LogLevel.None)
        .AddConfiguration(configuration.GetSection("Logging"))
        .AddConsole(console => console.FormatterName = PlainLines.FormatterName)
        .AddConsoleFormatter<PlainLines, ConsoleFormatterOptions>()
        .Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
}

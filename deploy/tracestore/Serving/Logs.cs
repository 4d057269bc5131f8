using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace TraceStore.Serving;

/// <summary>Logs: one line each, on standard error, quiet while all is well. Levels can be set under Logging, as usual in .NET.</summary>
internal static class Logs
{
    public static ILoggerFactory Create(IConfiguration configuration) => LoggerFactory.Create(logging => logging
        .SetMinimumLevel(LogLevel.Warning)
        .AddFilter("TraceStore", LogLevel.Information)
        .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None) // a door that can't open is reported in our own words
        .AddConfiguration(configuration.GetSection("Logging"))
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        })
        .Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
}

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;

namespace TraceStore.Settings;

/// <summary>Where a setting's value came from, in words.</summary>
internal static class SettingSource
{
    /// <summary>Null where it isn't set.</summary>
    public static string? Of(IConfiguration configuration, string key)
    {
        IConfigurationProvider? provider = (configuration as IConfigurationRoot)?.Providers.LastOrDefault(provider => provider.TryGet(key, out _));
        return provider switch
        {
            null => null,
            EnvironmentVariablesConfigurationProvider => $"environment variable {SettingsCatalogue.All.FirstOrDefault(setting => setting.Key.Equals(key, StringComparison.OrdinalIgnoreCase))?.Variable ?? key}",
            JsonConfigurationProvider file => Path.GetFileName(file.Source.Path) ?? "settings file",
            _ => "command line",
        };
    }
}

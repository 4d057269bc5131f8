using System.CommandLine;
using Microsoft.Extensions.Configuration;
using Spectre.Console;
using TraceStore.Settings;

namespace TraceStore;

/// <summary><c>tracestore settings</c>: every setting, its value, where that came from and what it means.</summary>
internal static class SettingsCommand
{
    public static Command Create()
    {
        var command = new Command("settings", "Show every setting: its value, where that comes from, and what it means. Takes the options of serve.");
        ServeCommand.Configure(command, Show);
        return command;
    }

    private static int Show(IConfiguration configuration, IReadOnlyList<string> problems)
    {
        IReadOnlyDictionary<string, string> profile = SettingsProfile.Of(configuration[SettingsProfile.Key]);
        var table = new Table().Border(TableBorder.None).AddColumns("Setting", "Value", "From", "Meaning");
        foreach (SettingDescription setting in SettingsCatalogue.All)
        {
            string? source = SettingSource.Of(configuration, setting.Key);
            bool isSecret = SettingsCatalogue.IsSecret(setting.Key);
            string? ofProfile = profile.GetValueOrDefault(setting.Key);
            if (ofProfile is not null) source ??= $"{SettingsProfile.Key}={configuration[SettingsProfile.Key]}";
            string value = source is null ? setting.Default : isSecret ? "(set)" : configuration[setting.Key] ?? ofProfile ?? "";
            table.AddRow(Markup.Escape(setting.Key), Markup.Escape(value), Markup.Escape(source ?? ""), Markup.Escape(setting.Meaning.Replace("`", "", StringComparison.Ordinal)));
        }

        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 240;
        AnsiConsole.Write(table);
        foreach (string problem in problems) Console.Error.WriteLine(problem);
        return problems.Count == 0 ? 0 : 1;
    }
}

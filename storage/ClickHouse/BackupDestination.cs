using System.Text.RegularExpressions;

namespace TraceStore.Storage.ClickHouse;

/// <summary>Where a ClickHouse backs itself up to, as its BACKUP statement says it: a disk, folder or bucket that it can reach. Each backup has a folder of its own there.</summary>
public sealed partial record BackupDestination
{
    private readonly string _kind;
    private readonly string[] _arguments;
    private readonly int _path;

    private BackupDestination(string kind, string[] arguments, int path) => (_kind, _arguments, _path) = (kind, arguments, path);

    /// <summary>Null where it isn't one.</summary>
    public static BackupDestination? Parse(string text)
    {
        Match match = Form().Match(text);
        if (!match.Success) return null;
        string kind = match.Groups["kind"].Value;
        string[] arguments = [.. match.Groups["argument"].Captures.Select(argument => argument.Value)];
        (int path, int most) = kind == "Disk" ? (1, 2) : (0, kind == "S3" ? 3 : 1);
        return arguments.Length <= most ? new BackupDestination(kind, arguments, path) : null;
    }

    /// <summary>A backup's place there, for BACKUP and RESTORE.</summary>
    /// <param name="name">Its folder: letters, digits, dots and dashes.</param>
    public string Of(string name)
    {
        string[] arguments = [.. _arguments];
        if (arguments.Length == _path) arguments = [.. arguments, name];
        else arguments[_path] = $"{arguments[_path].TrimEnd('/')}/{name}";
        return $"{_kind}({string.Join(", ", arguments.Select(argument => $"'{argument}'"))})";
    }

    /// <summary>For messages: without keys.</summary>
    public override string ToString() => $"{_kind}({string.Join(", ", _arguments.Take(_path + 1).Select(argument => $"'{argument}'"))})";

    [GeneratedRegex(@"^\s*(?<kind>Disk|File|S3)\(\s*'(?<argument>[^'\\]+)'(\s*,\s*'(?<argument>[^'\\]+)')*\s*\)\s*$")]
    private static partial Regex Form();
}

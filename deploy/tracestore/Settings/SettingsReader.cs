using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Settings;

/// <summary>
/// Reads settings one by one and notes what is wrong with each instead of stopping at the first, so that all errors are
/// reported at once, each with the setting, its value and what would be valid.
/// </summary>
internal sealed class SettingsReader(IConfiguration configuration)
{
    private readonly IReadOnlyDictionary<string, string> _profile = SettingsProfile.Of(configuration[SettingsProfile.Key]);
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _problems = [];

    public IReadOnlyList<string> Problems => _problems;

    /// <summary>The settings that were asked for.</summary>
    public IReadOnlySet<string> Known => _known;

    public string Text(string key, string otherwise) => Read(key) ?? otherwise;

    /// <summary>Text that may be empty.</summary>
    public string AnyText(string key, string otherwise)
    {
        _known.Add(key);
        return configuration[key] ?? otherwise;
    }

    public string? OptionalText(string key) => Read(key);

    /// <summary>One of a few words.</summary>
    public string Choice(string key, IReadOnlyList<string> choices) =>
        Parse(key, choices[0], string.Join(" or ", choices), (text, out choice) => choices.Contains(choice = text));

    public int Port(string key, int otherwise) =>
        Parse(key, otherwise, "a port from 0 (any free one) to 65535", (text, out port) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port <= IPEndPoint.MaxPort);

    public int Count(string key, int otherwise, int min, int max) =>
        Parse(key, otherwise, $"a whole number from {min} to {max}", (text, out count) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count >= min && count <= max);

    public long Bytes(string key, long otherwise, long min, long max = long.MaxValue) =>
        Parse(key, otherwise, $"a size such as {ByteSize.Show(otherwise >= min && otherwise > 0 ? otherwise : Math.Max(min, 64L << 20))}, {(max == long.MaxValue ? $"{ByteSize.Show(min)} or more" : $"from {ByteSize.Show(min)} to {ByteSize.Show(max)}")}", (text, out bytes) =>
            ByteSize.TryParse(text, out bytes) && bytes >= min && bytes <= max);

    public TimeSpan Duration(string key, TimeSpan otherwise, TimeSpan min, TimeSpan max) =>
        Parse(key, otherwise, $"a duration such as {Show(otherwise)}, from {Show(min)} to {Show(max)}", (text, out duration) =>
        {
            bool ok = Query.TraceQl.DurationText.TryParse(text, out long nanoseconds);
            duration = TimeSpan.FromTicks(nanoseconds / TimeSpan.NanosecondsPerTick);
            return ok && duration >= min && duration <= max;
        });

    public IPAddress Address(string key, IPAddress otherwise) =>
        Parse(key, otherwise, "an IP address: 127.0.0.1 for this machine only, 0.0.0.0 for every network", (text, out address) =>
            IPAddress.TryParse(text == "localhost" ? "127.0.0.1" : text, out address!));

    public Uri? HttpUrl(string key) =>
        Parse<Uri?>(key, null, "an http:// or https:// URL such as http://clickhouse:8123", (text, out url) =>
            Uri.TryCreate(text, UriKind.Absolute, out url) && url.Scheme is "http" or "https");

    /// <summary>Web pages' origins, or * for all; none where it isn't set.</summary>
    public IReadOnlyList<string> Origins(string key) =>
        Parse<IReadOnlyList<string>>(key, [], "web origins with commas between them, such as https://shop.example, or * for all", (text, out origins) =>
        {
            origins = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            return origins.All(origin => origin == "*" || (Uri.TryCreate(origin, UriKind.Absolute, out Uri? url) && url.GetLeftPart(UriPartial.Authority) == origin));
        });

    /// <summary>Names with commas between them; none where it isn't set.</summary>
    public IReadOnlyList<string> Names(string key) =>
        Read(key) is { } text ? text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) : [];

    /// <summary>Where objects are kept.</summary>
    public ObjectStoreOptions? ObjectStore(string key) =>
        Parse<ObjectStoreOptions?>(key, null, "a directory's path, or s3://bucket/prefix", (text, out options) => (options = ObjectStoreOptions.Parse(text)) is not null);

    /// <summary>Where a ClickHouse backs itself up to.</summary>
    public BackupDestination? BackupDestination(string key) =>
        Parse<BackupDestination?>(key, null, "Disk('NAME'), Disk('NAME', 'FOLDER'), File('FOLDER') or S3('https://…/FOLDER', 'KEY', 'SECRET')", (text, out destination) => (destination = Storage.ClickHouse.BackupDestination.Parse(text)) is not null);

    /// <summary>What is read from a file that a setting names; null where it isn't set.</summary>
    public T? File<T>(string key, Func<string, T> read)
        where T : class
    {
        if (Read(key) is not { } path) return null;
        try
        {
            return read(Path.GetFullPath(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            _problems.Add($"{Name(key, path)}: {e.Message}");
            return null;
        }
    }

    /// <summary>A name that may stand in SQL as it is.</summary>
    public string Identifier(string key, string otherwise) =>
        Parse(key, otherwise, "a name of letters, digits and underscores", (text, out name) =>
        {
            name = text;
            return text.All(character => char.IsAsciiLetterOrDigit(character) || character == '_') && !char.IsAsciiDigit(text[0]);
        });

    /// <summary>Notes settings that nobody asked for: most are misspelt, and would be ignored silently.</summary>
    public void NoteUnknown(params IEnumerable<string> foreignSections)
    {
        HashSet<string> foreign = new(foreignSections, StringComparer.OrdinalIgnoreCase);
        foreach ((string key, string? value) in configuration.AsEnumerable().Where(setting => setting.Value is not null))
        {
            if (_known.Contains(key) || foreign.Contains(key.Split(':')[0]) || IsFromKubernetes(key)) continue;
            string closest = _known.MinBy(known => Distance(known, key))!;
            bool isClose = Distance(closest, key) <= key.Length / 3;
            _problems.Add($"{Name(key, value)}: there is no such setting{(isClose ? $"; did you mean {closest}?" : ".")}");
        }
    }

    /// <summary>Kubernetes tells every container of the services beside it; of one named tracestore by TRACESTORE_PORT and so on.</summary>
    private static bool IsFromKubernetes(string key) => key is "SERVICE_HOST" or "PORT" || key.StartsWith("SERVICE_PORT", StringComparison.Ordinal) || key.StartsWith("PORT_", StringComparison.Ordinal);

    private string? Read(string key)
    {
        _known.Add(key);
        string? text = configuration[key] ?? _profile.GetValueOrDefault(key);
        if (text is { Length: > 0 }) return text;
        if (text is not null) _problems.Add($"{Name(key, text)}: it is empty. Leave it out for the default.");
        return null;
    }

    /// <summary>A setting with its value, and with what set it where that isn't the command line.</summary>
    private string Name(string key, string? value)
    {
        string? source = SettingSource.Of(configuration, key);
        return $"{key} = '{value}'{(source is null or "command line" ? "" : $" ({source})")}";
    }

    private delegate bool SettingParser<T>(string text, out T value);

    private T Parse<T>(string key, T otherwise, string valid, SettingParser<T> tryParse)
    {
        if (Read(key) is not { } text) return otherwise;
        if (tryParse(text, out T value)) return value;
        _problems.Add($"{Name(key, text)}: expected {valid}.");
        return otherwise;
    }

    private static string Show(TimeSpan time) =>
        time.TotalSeconds < 1 ? $"{time.TotalMilliseconds}ms" : time.TotalDays < 1 ? $"{time.TotalSeconds}s" : $"{time.TotalDays}d";

    /// <summary>Levenshtein's distance: single characters to add, drop or change.</summary>
    private static int Distance(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            (int diagonal, row[0]) = (row[0], i);
            for (int j = 1; j <= right.Length; j++)
            {
                int change = diagonal + (char.ToUpperInvariant(left[i - 1]) == char.ToUpperInvariant(right[j - 1]) ? 0 : 1);
                (diagonal, row[j]) = (row[j], Math.Min(change, Math.Min(row[j], row[j - 1]) + 1));
            }
        }

        return row[^1];
    }
}

using System.CommandLine;
using Spectre.Console;
using TraceStore.Query.Encoding.Tempo;

namespace TraceStore.Terminal;

/// <summary><c>tracestore tags [TAG]</c>: which tags there are, or which values one has.</summary>
internal static class TagsCommand
{
    private const string ServiceName = "resource.service.name";

    public static Command Create()
    {
        var tag = new Argument<string?>("tag") { Description = "List the values of this one: resource.service.name, span.http.route, name", Arity = ArgumentArity.ZeroOrOne };
        var query = new Option<string?>("--query") { HelpName = "TRACEQL", Description = "Only of the spans that meet it: { resource.service.name = \"shop\" }" };
        var question = new Question();
        var command = new Command("tags", "List the tags that spans have, by scope; or the values of one.") { tag, query };
        question.AddTo(command);
        command.SetAction((arguments, cancellation) => arguments.GetValue(tag) is { } one
            ? question.AskAsync<SearchTagValuesV2Response>(arguments, time => $"{ValuesOf(one)}?{time}{Q(arguments.GetValue(query))}", ShowValues, cancellation)
            : question.AskAsync<SearchTagsV2Response>(arguments, time => $"/api/v2/search/tags?{time}{Q(arguments.GetValue(query))}", ShowTags, cancellation));
        return command;
    }

    /// <summary><c>tracestore services</c>: which services there are.</summary>
    public static Command CreateServices()
    {
        var question = new Question();
        var command = new Command("services", "List the services that spans come from.");
        question.AddTo(command);
        command.SetAction((arguments, cancellation) => question.AskAsync<SearchTagValuesV2Response>(arguments, time => $"{ValuesOf(ServiceName)}?{time}", ShowValues, cancellation));
        return command;
    }

    private static string ValuesOf(string tag) => $"/api/v2/search/tag/{Uri.EscapeDataString(tag)}/values";

    private static string Q(string? query) => query is null ? "" : $"&q={Uri.EscapeDataString(query)}";

    private static void ShowTags(SearchTagsV2Response found, AskedTime time)
    {
        var table = new Table().Border(TableBorder.None).AddColumns("Scope", "Tags");
        foreach (SearchTagsV2Scope scope in found.Scopes) table.AddRow(new Text(scope.Name), new Text(TerminalText.Line(string.Join("  ", scope.Tags))));
        AnsiConsole.Write(table);
    }

    private static void ShowValues(SearchTagValuesV2Response found, AskedTime time)
    {
        if (found.TagValues.Count == 0) Console.WriteLine($"Nothing is listed of the last {time.Since}. (Lists have what was received half a minute ago.)");
        foreach (TagValue value in found.TagValues) Console.WriteLine(TerminalText.Line(value.Value));
    }
}

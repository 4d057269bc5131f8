using System.CommandLine;
using System.Text;
using Microsoft.Extensions.Configuration;
using Spectre.Console;
using TraceStore.Settings;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Wal;

namespace TraceStore.Recovery;

/// <summary><c>tracestore archive</c>: tries a store, makes keys, reads single objects without TraceStore running.</summary>
internal static class ArchiveCommand
{
    public static Command Create()
    {
        var command = new Command("archive", "Try the archive's store, say why what is in it is kept, read it for damage, send it elsewhere, make a key for it, decrypt an object of it.");
        command.Add(Probe());
        command.Add(ExplainCommand.Create());
        command.Add(ScrubCommand.Create());
        command.Add(ReplayCommand.Create());
        command.Add(Key());
        command.Add(Decrypt());
        return command;
    }

    private static Command Probe()
    {
        var command = new Command("probe", "Try on the real store what TraceStore relies on, and say what is missing. Writes some 1,000 small objects under probe/ and deletes them. Takes the options of serve.");
        ServeCommand.Configure(command, ProbeAsync);
        return command;
    }

    private static Command Key()
    {
        var file = new Argument<string>("FILE") { Description = "Where to put it; a file that is there gets the new key in front, and keeps its old ones" };
        var command = new Command("key", "Make a key to encrypt the archive with (Archive:KeyFile). Keep a copy of the file where the archive isn't.") { file };
        command.SetAction(arguments => MakeKey(arguments.GetValue(file)!));
        return command;
    }

    private static Command Decrypt()
    {
        var source = new Argument<string>("OBJECT") { Description = "A file: an object as it lies in the store" };
        var target = new Argument<string>("TO") { Description = "Where to write what is in it" };
        var keys = new Option<string>("--keys") { HelpName = "FILE", Description = "The key file", Required = true };
        var command = new Command("decrypt", "Decrypt one object of an archive. Needs nothing but the object and the key.") { source, target, keys };
        command.SetAction((arguments, cancellation) => DecryptAsync(arguments.GetValue(source)!, arguments.GetValue(target)!, arguments.GetValue(keys)!, cancellation));
        return command;
    }

    private static async Task<int> ProbeAsync(IConfiguration configuration, IReadOnlyList<string> unread)
    {
        List<string> problems = [.. unread];
        ArchiveSettings? archive = ArchivePlace.Read(configuration, problems);
        if (archive is null || problems.Count > 0) return ArchivePlace.Fail(problems);

        IObjectStore store = ObjectStores.Open(archive.Store);
        await using (store.ConfigureAwait(false))
        {
            try
            {
                Console.WriteLine($"Trying {store.Address}");
                IReadOnlyList<ProbeFinding> findings = await new ObjectStoreProbe(store).RunAsync(what => Console.Error.WriteLine($"  {what} …"), CancellationToken.None).ConfigureAwait(false);
                foreach (ProbeFinding finding in findings) Show(finding);
                return findings.All(finding => finding.IsGood) ? 0 : 1;
            }
            catch (ObjectStoreException e)
            {
                return ArchivePlace.Fail(e.Message);
            }
        }
    }

    private static void Show(ProbeFinding finding)
    {
        AnsiConsole.MarkupLineInterpolated(finding.IsGood ? (FormattableString)$"  [green]ok[/]   {finding.What}" : $"  [red]no[/]   {finding.What}: {finding.Failure}. {finding.Means}");
    }

    private static int MakeKey(string path)
    {
        try
        {
            bool isThere = File.Exists(path);
            string[] before = isThere ? File.ReadAllLines(path) : ["# Keys of a TraceStore archive, newest first. Without them nobody can read it: keep a copy where the archive isn't."];
            int at = Array.FindIndex(before, line => !line.StartsWith('#'));
            if (at < 0) at = before.Length;
            FileModes.CreateForOwnerOnly();
            DurableFile.Replace(Path.GetFullPath(path), Encoding.UTF8.GetBytes(string.Concat(((string[])[.. before[..at], EncryptionKeys.New(), .. before[at..]]).Select(line => line + "\n"))));
            Console.WriteLine($"{path}: key {EncryptionKeys.ReadFile(path).CurrentId} {(isThere ? "is in front; older ones still decrypt" : "is made")}. Set Archive:KeyFile={path}, and keep a copy where the archive isn't.");
            return 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return ArchivePlace.Fail(e.Message);
        }
    }

    private static async Task<int> DecryptAsync(string source, string target, string keys, CancellationToken cancellation)
    {
        string unfinished = target + ".new";
        try
        {
            FileStream encrypted = File.OpenRead(source);
            await using (encrypted.ConfigureAwait(false))
            {
                FileStream plain = File.Create(unfinished);
                await using (plain.ConfigureAwait(false))
                {
                    string name = await EncryptedStore.DecryptFileAsync(EncryptionKeys.ReadFile(keys), encrypted, plain, cancellation).ConfigureAwait(false);
                    Console.WriteLine($"{target}: {plain.Length} bytes, which were {name}.");
                }
            }

            File.Move(unfinished, target, overwrite: true);
            return 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            if (File.Exists(unfinished)) File.Delete(unfinished); // what couldn't be authenticated isn't left lying about
            return ArchivePlace.Fail(e.Message);
        }
    }
}

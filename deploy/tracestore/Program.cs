using System.CommandLine;
using System.CommandLine.Invocation;
using TraceStore;
using TraceStore.Demo;
using TraceStore.Load;
using TraceStore.Recovery;
using TraceStore.Storage.Engine;
using TraceStore.Terminal;

// The embedded engine is a child process of this same binary; nothing else is loaded in it.
if (args is [EngineChild.Verb, .. string[] engine]) return EngineChild.Run(engine);

var root = new RootCommand("TraceStore: a trace collector and store. Without a command it serves.");
ServeCommand.Configure(root);
root.Add(ServeCommand.Create());
root.Add(DemoCommand.Create());
root.Add(DemoServiceCommand.Create());
root.Add(TraceCommand.Create());
root.Add(SearchCommand.Create());
root.Add(QueryCommand.Create());
root.Add(TagsCommand.CreateServices());
root.Add(TagsCommand.Create());
root.Add(LoadCommand.Create());
root.Add(QuarantineCommand.Create());
root.Add(ArchiveCommand.Create());
root.Add(SnapshotCommand.Create());
root.Add(RestoreCommand.Create());
root.Add(DrillCommand.Create());
root.Add(PlanCommand.Create());
root.Add(SettingsCommand.Create());

// Commands end by themselves when they are asked to; the default would end them after two seconds.
ParseResult parsed = root.Parse(args);
if (parsed.Action is ParseErrorAction error) error.ShowHelp = false; // the error would scroll away
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

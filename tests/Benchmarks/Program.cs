using BenchmarkDotNet.Running;
using TraceStore.Benchmarks.EndToEnd;

// See README.md: "end-to-end" measures a whole TraceStore, everything else is BenchmarkDotNet's.
if (args is ["end-to-end", .. string[] options]) return await EndToEndRun.RunAsync(options);

BenchmarkSwitcher.FromAssembly(typeof(EndToEndRun).Assembly).Run(args);
return 0;

using System.Reflection;

namespace TraceStore.Tests.Unit.Deploy;

/// <summary>The arrows of the design, read from the built assemblies: storage ← collector, storage ← query, all ← the binary.</summary>
public class DependencyTests
{
    private const string Storage = "TraceStore.Storage";
    private const string Collector = "TraceStore.Collector";
    private const string Query = "TraceStore.Query";
    private const string Binary = "tracestore";

    [Theory]
    [InlineData(Storage)]
    [InlineData(Collector, Storage)]
    [InlineData(Query, Storage)]
    [InlineData(Binary, Storage, Collector, Query)]
    public void Projects_refer_one_way_only(string project, params string[] allowed)
    {
        string[] all = [Storage, Collector, Query, Binary];

        Assert.Equal(allowed.Order(), ReferencesOf(project).Intersect(all).Order());
    }

    [Theory]
    [InlineData(Collector)]
    [InlineData(Query)]
    [InlineData(Binary)]
    public void Only_storage_knows_the_driver(string project) => Assert.DoesNotContain("ClickHouse.Driver", ReferencesOf(project));

    [Fact]
    public void Within_storage_only_the_clickhouse_folder_knows_the_driver()
    {
        string[] users = [.. TypesThatUse(Storage, "ClickHouse.Driver")];

        Assert.Contains("TraceStore.Storage.ClickHouse.ClickHouseDatabase", users);
        Assert.All(users, type => Assert.StartsWith("TraceStore.Storage.ClickHouse.", type, StringComparison.Ordinal));
    }

    [Fact]
    public void The_model_does_no_io()
    {
        string[] forbidden = ["System.Net.", "System.IO.File", "System.IO.Directory", "Microsoft.", "Google."];

        Assert.DoesNotContain(
            UsedTypes(Storage).Where(use => use.User.StartsWith("TraceStore.Storage.Spans.", StringComparison.Ordinal)),
            use => forbidden.Any(name => use.Used.StartsWith(name, StringComparison.Ordinal)));
    }

    private static IEnumerable<string> ReferencesOf(string project) =>
        Assembly.Load(project).GetReferencedAssemblies().Select(reference => reference.Name!);

    private static IEnumerable<string> TypesThatUse(string project, string used) =>
        UsedTypes(project).Where(use => use.Used.StartsWith(used, StringComparison.Ordinal)).Select(use => use.User).Distinct();

    /// <summary>Which type of the project uses which other, by the tokens in its methods' code and the types of its fields.</summary>
    private static IEnumerable<(string User, string Used)> UsedTypes(string project)
    {
        Assembly assembly = Assembly.Load(project);
        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (Type type in assembly.GetTypes())
        {
            IEnumerable<Type> fields = type.GetFields(all).Select(field => field.FieldType);
            IEnumerable<Type> bodies = type.GetMethods(all).Cast<MethodBase>().Concat(type.GetConstructors(all)).SelectMany(TypesInCode);
            foreach (Type used in fields.Concat(bodies).Distinct()) yield return (type.FullName!, used.FullName ?? used.Name);
        }
    }

    private static IEnumerable<Type> TypesInCode(MethodBase method)
    {
        byte[] code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        Type[]? ofType = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        Type[]? ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (int i = 0; i + sizeof(int) < code.Length; i++)
        {
            int token = BitConverter.ToInt32(code, i + 1);
            if ((token >> 24) is not (0x0A or 0x01 or 0x2B)) continue; // MemberRef, TypeRef, MethodSpec; a number that looks like one finds nothing
            MemberInfo? member;
            try
            {
                member = method.Module.ResolveMember(token, ofType, ofMethod);
            }
            catch (ArgumentException)
            {
                continue;
            }

            if ((member as Type ?? member?.DeclaringType) is { } type) yield return type;
        }
    }
}

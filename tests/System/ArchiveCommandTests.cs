using System.Text.Json;
using TraceStore.Storage.Archive;
using TraceStore.Tests.S3;

namespace TraceStore.Tests.Systems;

/// <summary>The archive's commands, as an operator runs them.</summary>
public sealed class ArchiveCommandTests : IDisposable
{
    private readonly TemporaryDirectory _place = new();

    [Fact]
    public async Task A_probe_tells_a_good_store_from_one_that_ignores_conditions()
    {
        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync("archive", "probe", "--archive", Of("directory"));
        Assert.True(exitCode == 0, output + errors);
        Assert.DoesNotContain("  no   ", output, StringComparison.Ordinal);

        await using S3Server liar = await S3Server.StartAsync(new S3Bucket { IgnoresConditions = true });
        (exitCode, output, _) = await TraceStoreProcess.RunAsync(["archive", "probe", .. liar.Arguments(_place)]);
        Assert.Equal(1, exitCode);
        Assert.Contains("  no   creates an object once only", output, StringComparison.Ordinal);

        (exitCode, _, errors) = await TraceStoreProcess.RunAsync("archive", "probe");
        Assert.Equal(1, exitCode);
        Assert.NotEmpty(errors);
    }

    [Fact]
    public async Task An_object_is_decrypted_with_nothing_but_the_key()
    {
        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync("archive", "key", Of("key"));
        Assert.True(exitCode == 0, errors);
        Assert.Contains("is made. Set Archive:KeyFile=", output, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, OperatingSystem.IsWindows() ? UnixFileMode.UserRead | UnixFileMode.UserWrite : File.GetUnixFileMode(Of("key")));
        using (TraceStoreProcess server = await TraceStoreProcess.ServeAsync(Of("data"), "--archive", Of("archive"), "--set", $"Archive:KeyFile={Of("key")}"))
        {
            using var tempo = new HttpClient { BaseAddress = server.TempoUrl };
            await Eventually.BeTrueAsync("the archive's head", () => Task.FromResult(File.Exists(Path.Combine(Of("archive"), ArchiveNames.Head))));
            Assert.Equal(0, await server.StopAsync());
        }

        // A key that is put in front doesn't lock out what was written before
        (exitCode, output, errors) = await TraceStoreProcess.RunAsync("archive", "key", Of("key"));
        Assert.True(exitCode == 0, errors);
        Assert.Contains("is in front; older ones still decrypt", output, StringComparison.Ordinal);
        string head = Path.Combine(Of("archive"), ArchiveNames.Head);
        (exitCode, output, errors) = await TraceStoreProcess.RunAsync("archive", "decrypt", head, Of("plain"), "--keys", Of("key"));
        Assert.True(exitCode == 0, errors);
        Assert.Contains($"which were {ArchiveNames.Head}.", output, StringComparison.Ordinal);
        using (JsonDocument plain = JsonDocument.Parse(await File.ReadAllBytesAsync(Of("plain")))) Assert.Equal(1, plain.RootElement.GetProperty("format").GetInt32());

        // Another key, another object's bytes, a folder that isn't there: said, and nothing is left
        Assert.Equal(0, (await TraceStoreProcess.RunAsync("archive", "key", Of("other"))).ExitCode);
        (exitCode, _, errors) = await TraceStoreProcess.RunAsync("archive", "decrypt", head, Of("wrong"), "--keys", Of("other"));
        Assert.Equal(1, exitCode);
        Assert.Contains("needs key ", errors, StringComparison.Ordinal);
        byte[] content = await File.ReadAllBytesAsync(head);
        content[^20] ^= 1;
        await File.WriteAllBytesAsync(Of("flipped"), content);
        (exitCode, _, errors) = await TraceStoreProcess.RunAsync("archive", "decrypt", Of("flipped"), Of("wrong"), "--keys", Of("key"));
        Assert.Equal(1, exitCode);
        Assert.NotEmpty(errors);
        (exitCode, _, errors) = await TraceStoreProcess.RunAsync("archive", "decrypt", head, Path.Combine(Of("nowhere"), "plain"), "--keys", Of("key"));
        Assert.Equal(1, exitCode);
        Assert.StartsWith("Could not find a part of the path", errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_place.Path, "wrong*"));
    }

    public void Dispose() => _place.Dispose();

    private string Of(string name) => Path.Combine(_place.Path, name);
}

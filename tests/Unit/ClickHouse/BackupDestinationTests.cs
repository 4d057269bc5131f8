using TraceStore.Storage.ClickHouse;

namespace TraceStore.Tests.Unit.ClickHouse;

public sealed class BackupDestinationTests
{
    [Theory]
    [InlineData("Disk('backups')", "Disk('backups', 'x')", "Disk('backups')")]
    [InlineData("Disk( 'backups' , 'traces/' )", "Disk('backups', 'traces/x')", "Disk('backups', 'traces/')")]
    [InlineData("File('/backups')", "File('/backups/x')", "File('/backups')")]
    [InlineData("S3('https://b.example/traces')", "S3('https://b.example/traces/x')", "S3('https://b.example/traces')")]
    [InlineData("S3('https://b.example/traces', 'KEY', 'SECRET')", "S3('https://b.example/traces/x', 'KEY', 'SECRET')", "S3('https://b.example/traces')")]
    public void Each_backup_has_a_folder_of_its_own_and_keys_are_not_told(string text, string place, string told)
    {
        BackupDestination destination = Assert.IsType<BackupDestination>(BackupDestination.Parse(text));
        Assert.Equal((place, told), (destination.Of("x"), destination.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/backups")]
    [InlineData("Disk()")]
    [InlineData("Disk('')")]
    [InlineData("Disk('a', 'b', 'c')")]
    [InlineData("File('/a', 'b')")]
    [InlineData("Null")]
    [InlineData("File('/a''; DROP TABLE spans')")]
    [InlineData("File('/a\\')")]
    [InlineData("File('/a') SETTINGS x = 1")]
    public void Anything_else_is_refused(string text) => Assert.Null(BackupDestination.Parse(text));
}

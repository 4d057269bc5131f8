using System.Net.Sockets;
using ClickHouse.Driver;

namespace TraceStore.Storage.ClickHouse;

/// <summary>ClickHouse can't be reached or can't serve just now; the same request may succeed later.</summary>
public sealed class ClickHouseUnavailableException(string message, Exception cause) : Exception(message, cause)
{
    /// <summary>It answers, but our database or a table of it isn't there: not yet, or no longer.</summary>
    public bool IsSchemaMissing => IsSchemaBehind || InnerException is ClickHouseServerException { ErrorCode: ClickHouseFailures.UnknownTable or ClickHouseFailures.UnknownDatabase };

    /// <summary>Its tables are only being brought up to date.</summary>
    public bool IsSchemaBehind { get; init; }

    /// <summary>It has less memory than this takes, just now or altogether.</summary>
    public bool IsOutOfMemory => InnerException is ClickHouseServerException { ErrorCode: ClickHouseFailures.MemoryLimitExceeded };

    /// <summary>The query takes more memory than a query may (max_memory_usage), however little others take.</summary>
    public bool IsQueryTooLarge => IsOutOfMemory && InnerException!.Message.Contains("Query memory limit", StringComparison.OrdinalIgnoreCase);

    /// <summary>What is wrong, without ClickHouse's words: for whoever isn't its operator.</summary>
    public string InWords => InnerException switch
    {
        _ when IsSchemaMissing => "the tables aren't there yet",
        _ when IsOutOfMemory => "ClickHouse is short of memory",
        ClickHouseServerException { ErrorCode: ClickHouseFailures.NotEnoughSpace } => "the disk of ClickHouse is low",
        ClickHouseServerException => "ClickHouse can't serve now",
        OperationCanceledException or TimeoutException => "ClickHouse didn't answer in time",
        _ => "ClickHouse can't be reached",
    };
}

/// <summary>ClickHouse refused a statement, and will refuse it again: a bug, or a schema that isn't ours.</summary>
public sealed class ClickHouseRefusedException(string message, Exception cause) : Exception(message, cause)
{
    /// <summary>What is wrong, without ClickHouse's words: for whoever isn't its operator.</summary>
    public static string InWords => "ClickHouse refuses what it is asked";
}

/// <summary>Sorts the driver's failures into the two kinds that callers act on.</summary>
internal static class ClickHouseFailures
{
    public const int MemoryLimitExceeded = 241;
    public const int NotEnoughSpace = 243;

    public const int UnknownTable = 60;
    public const int UnknownDatabase = 81;

    /// <summary>Errors of ClickHouse (system.errors) that pass: overload, limits, loss of connection, disks, a schema still to be brought up to date.</summary>
    private static readonly HashSet<int> s_passing =
    [
        3, // UNEXPECTED_END_OF_FILE
        47, // UNKNOWN_IDENTIFIER
        UnknownTable,
        74, // CANNOT_READ_FROM_FILE_DESCRIPTOR
        75, // CANNOT_WRITE_TO_FILE_DESCRIPTOR
        76, // CANNOT_OPEN_FILE: the disk is read-only, or has no room for another name
        UnknownDatabase,
        159, // TIMEOUT_EXCEEDED
        202, // TOO_MANY_SIMULTANEOUS_QUERIES
        204, // CANNOT_FSYNC
        209, // SOCKET_TIMEOUT
        210, // NETWORK_ERROR
        225, // NO_ZOOKEEPER
        236, // ABORTED
        MemoryLimitExceeded,
        242, // TABLE_IS_READ_ONLY
        252, // TOO_MANY_PARTS
        279, // ALL_CONNECTION_TRIES_FAILED
        319, // UNKNOWN_STATUS_OF_INSERT
        394, // QUERY_WAS_CANCELLED
        999, // KEEPER_EXCEPTION
        1001, // STD_EXCEPTION: what a file system says
    ];

    /// <summary>The failure as callers see it; null when it's none of the driver's.</summary>
    public static Exception? Translate(Exception failure, CancellationToken cancellation) => failure switch
    {
        ClickHouseServerException { ErrorCode: NotEnoughSpace } server => new ClickHouseUnavailableException(
            $"The disk of ClickHouse is low. Make room, or let less be kept (Retention:MaxAge, Retention:MaxBytes; ClickHouse:MinFreeBytes is the reserve). {FirstLine(server.Message)}", server),
        ClickHouseServerException server when s_passing.Contains(server.ErrorCode) =>
            new ClickHouseUnavailableException($"ClickHouse can't serve now: {FirstLine(server.Message)}", server),
        ClickHouseServerException server =>
            new ClickHouseRefusedException($"ClickHouse refused a statement: {FirstLine(server.Message)}", server),
        HttpRequestException or IOException or SocketException =>
            new ClickHouseUnavailableException($"ClickHouse can't be reached: {failure.Message}", failure),
        OperationCanceledException or TimeoutException when !cancellation.IsCancellationRequested =>
            new ClickHouseUnavailableException("ClickHouse didn't answer in time.", failure),
        _ => null,
    };

    private static string FirstLine(string message)
    {
        const int most = 500;
        string line = message.AsSpan().Trim().ToString().Split('\n')[0];
        return line.Length <= most ? line : line[..most] + "…";
    }
}

namespace TraceStore.Tests.Fuzz;

/// <summary>The doors that queries come in by.</summary>
internal enum Api
{
    Tempo,
    Jaeger,
}

/// <summary>A request as it goes over the wire: each character of its texts is one byte.</summary>
/// <param name="Endpoint">What it is meant for, as the counts name it.</param>
/// <param name="Api">Whose door.</param>
/// <param name="Method">Its method.</param>
/// <param name="Target">Path and query, as they stand in the request line.</param>
/// <param name="Accept">The header; null for none.</param>
/// <param name="IsRouted">Whether it surely reaches the endpoint, which then answers in its API's form.</param>
internal sealed record HostileRequest(string Endpoint, Api Api, string Method, string Target, string? Accept, bool IsRouted)
{
    private const int MaxShown = 2_000;

    /// <summary>Whether it is HTTP as HttpClient writes it; the others go over a socket.</summary>
    public bool IsWellFormed => Target[0] == '/' && !Target.AsSpan().ContainsAnyExceptInRange('!', '~') && Accept?.AsSpan().ContainsAnyExceptInRange(' ', '~') != true;

    public override string ToString()
    {
        string line = $"{Method} {Target} HTTP/1.1{(Accept is null ? "" : $", Accept: {Accept}")}";
        return line.Length <= MaxShown ? line : $"{line[..MaxShown]}… ({line.Length} characters)";
    }
}

/// <summary>What came back.</summary>
/// <param name="IsLast">Whether the connection was closed after it, as Kestrel does with what isn't HTTP.</param>
internal sealed record HostileAnswer(int Status, string? ContentType, bool IsLast, byte[] Body);

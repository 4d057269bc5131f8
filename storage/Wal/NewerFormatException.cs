namespace TraceStore.Storage.Wal;

/// <summary>A file was written by a newer version: nothing is wrong with it, but this one can't read it.</summary>
public sealed class NewerFormatException(string message) : IOException(message);

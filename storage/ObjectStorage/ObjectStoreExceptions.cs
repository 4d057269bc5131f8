namespace TraceStore.Storage.ObjectStorage;

/// <summary>A store couldn't do something. The message names the store, the object, the cause and what to do.</summary>
/// <param name="message">That.</param>
/// <param name="mayPass">Whether it may pass by itself: unreachable, overloaded. Otherwise somebody must do something: credentials, rights.</param>
/// <param name="cause">What the store said.</param>
public sealed class ObjectStoreException(string message, bool mayPass, Exception? cause = null) : IOException(message, cause)
{
    /// <summary>Whether it may pass by itself.</summary>
    public bool MayPass { get; } = mayPass;
}

/// <summary>An object isn't what it must be. The message names it and says what is wrong.</summary>
public sealed class ObjectDamagedException(string message, Exception? cause = null) : IOException(message, cause);

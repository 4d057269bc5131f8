using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Tests.Unit.ObjectStorage;

public sealed class MemoryStoreTests : SharedStoreContract
{
    protected override Task<IObjectStore> OpenAsync() => Task.FromResult<IObjectStore>(new MemoryStore());
}

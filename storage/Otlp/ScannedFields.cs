using System.Runtime.CompilerServices;

namespace TraceStore.Storage.Otlp;

/// <summary>Reading of messages that a scan has passed: what can't be read now is damage, not a client's mistake.</summary>
internal static class ScannedFields
{
    /// <summary>Moves to the next occurrence of a message field; false at the message's end.</summary>
    /// <exception cref="InvalidDataException">The bytes are not what a scan would have passed.</exception>
    public static bool TryFindNext(scoped ref WireReader message, int wanted, out WireReader found)
    {
        while (!message.AtEnd)
        {
            Require(message.TryReadTag(out int field, out WireType type), message.Position);
            if (field == wanted && type == WireType.Bytes)
            {
                Require(message.TryReadMessage(out found), message.Position);
                return true;
            }

            Require(message.TrySkip(field, type), message.Position);
        }

        found = default;
        return false;
    }

    /// <exception cref="InvalidDataException">The bytes are not what a scan would have passed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Require(bool ok, int position)
    {
        if (!ok) ThrowNotOtlp(position);
    }

    private static void ThrowNotOtlp(int position) => throw new InvalidDataException($"The request is not OTLP at offset {position}.");
}

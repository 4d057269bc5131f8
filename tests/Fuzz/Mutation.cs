namespace TraceStore.Tests.Fuzz;

/// <summary>Changes a real input as damage, bugs and malice do.</summary>
internal static class Mutation
{
    private const int MaxChanges = 4;

    /// <summary>Bytes that mean much in protobuf, MessagePack and JSON.</summary>
    private static readonly byte[] s_telling = [0x00, 0x01, 0x7F, 0x80, 0xFF, 0x0A, 0x12, 0x18, 0x0B, 0x0C, 0x4A, 0xC4, 0xCF, 0xDF, .. "\"{}[]:,\\-+.e0n"u8];

    /// <summary>One of the inputs, changed in up to four places.</summary>
    public static byte[] Of(IReadOnlyList<byte[]> corpus, Random random)
    {
        List<byte> input = [.. corpus[random.Next(corpus.Count)]];
        for (int changes = 1 + Math.Min(random.Next(MaxChanges), random.Next(MaxChanges)); changes > 0 && input.Count > 0; changes--)
        {
            int at = random.Next(input.Count);
            switch (random.Next(8))
            {
                case 0:
                    input[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    input[at] = s_telling[random.Next(s_telling.Length)];
                    break;
                case 2:
                    input[at] = (byte)random.Next(256);
                    break;
                case 3:
                    input.RemoveRange(at, Length(input.Count - at, random));
                    break;
                case 4: // the same once more, somewhere
                    List<byte> copied = input.GetRange(at, Length(input.Count - at, random));
                    input.InsertRange(random.Next(input.Count + 1), copied);
                    break;
                case 5:
                    byte[] other = corpus[random.Next(corpus.Count)];
                    int from = random.Next(other.Length);
                    input.InsertRange(at, other.AsSpan(from, Length(other.Length - from, random)).ToArray());
                    break;
                case 6:
                    input.RemoveRange(at, input.Count - at);
                    break;
                default:
                    input.Insert(at, s_telling[random.Next(s_telling.Length)]);
                    break;
            }
        }

        return [.. input];
    }

    /// <summary>Mostly a few, sometimes many.</summary>
    private static int Length(int most, Random random) => random.Next(1, Math.Min(most, random.Next(4) == 0 ? most : 32) + 1);
}

using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf.Reflection;
using TraceStore.Storage.Spans;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Turns an ExportTraceServiceRequest from OTLP's JSON encoding into protobuf, token by token (OTLP 1.11, "JSON Protobuf
/// Encoding"): what the log holds and the scanner reads is the same whichever way it came.
/// <list type="number">
/// <item>A message's fields are found by name; unknown ones and nulls are passed over.</item>
/// <item>Each value is written by its field's type, in every form that protobuf's JSON mapping allows for it.</item>
/// </list>
/// </summary>
public ref struct OtlpJsonTranscoder
{
    private const int MaxDepth = 256; // beyond what the scanner lets pass; it says why
    private const int LongestHexId = 64;

    /// <summary>Behind the text of an ID that isn't hexadecimal: longer than any ID.</summary>
    internal static ReadOnlySpan<byte> NotHexadecimal => " is not hexadecimal"u8;

    private readonly WireWriter _output;
    private readonly ByteList _scratch = new();
    private Utf8JsonReader _json;
    private string? _unknownField;

    private OtlpJsonTranscoder(ReadOnlySpan<byte> json, WireWriter output)
    {
        _json = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        _output = output;
    }

    /// <summary>Appends the request in protobuf to <paramref name="output"/>; on failure says what is wrong.</summary>
    public static MalformedRequest? Transcode(ReadOnlySpan<byte> json, WireWriter output) => Transcode(json, output, out _);

    /// <summary>As the other, and names the first field that isn't known, which was passed over; null where all were.</summary>
    public static MalformedRequest? Transcode(ReadOnlySpan<byte> json, WireWriter output, out string? unknownField)
    {
        unknownField = null;
        ReadOnlySpan<byte> mark = Encoding.UTF8.Preamble;
        var transcoder = new OtlpJsonTranscoder(json.StartsWith(mark) ? json[mark.Length..] : json, output);
        try
        {
            transcoder.ReadRequest();
            unknownField = transcoder._unknownField;
            return null;
        }
        catch (JsonException e)
        {
            return new MalformedRequest(transcoder.Offset, $"not OTLP in JSON ({e.Message.Split(" LineNumber:")[0].TrimEnd('.')})");
        }
    }

    private readonly int Offset => (int)_json.TokenStartIndex;

    private void ReadRequest()
    {
        _json.Read();
        Expect(JsonTokenType.StartObject, "an object");
        ReadMessage(MessageShape.Request);
        _json.Read(); // throws when there is more
    }

    // 1

    private void ReadMessage(MessageShape shape)
    {
        int next = 0;
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            FieldShape? field = FindField(shape, ref next);
            if (field is null) _unknownField ??= Shorten(Text());
            _json.Read();
            if (field is null || _json.TokenType == JsonTokenType.Null) _json.Skip();
            else if (field.IsRepeated) ReadArray(field);
            else ReadValue(field);
        }
    }

    /// <summary>The field that has the name at hand: most come in the order of their numbers.</summary>
    private readonly FieldShape? FindField(MessageShape shape, ref int next)
    {
        IReadOnlyList<FieldShape> fields = shape.Fields;
        ReadOnlySpan<byte> name = Text();
        for (int tried = 0; tried < fields.Count; tried++, next++)
        {
            if (next >= fields.Count) next = 0;
            if (name.SequenceEqual(fields[next].NameUtf8)) return fields[next];
        }

        return null;
    }

    private static string Shorten(ReadOnlySpan<byte> name)
    {
        const int most = 40;
        return name.Length <= most ? Encoding.UTF8.GetString(name) : Encoding.UTF8.GetString(name[..most]) + "…";
    }

    private void ReadArray(FieldShape field)
    {
        Expect(JsonTokenType.StartArray, $"an array in {field.Name}");
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray) ReadValue(field);
    }

    // 2

    private void ReadValue(FieldShape field)
    {
        switch (field.Type)
        {
            case FieldType.Message:
                int start = _output.BeginMessage(field.Number);
                if (_json.TokenType != JsonTokenType.Null) // of an array: an empty one
                {
                    Expect(JsonTokenType.StartObject, $"an object in {field.Name}");
                    ReadMessage(field.Message!);
                }

                _output.EndMessage(start);
                break;
            case FieldType.String:
                ReadText(field);
                break;
            case FieldType.Bytes:
                ReadBytes(field);
                break;
            case FieldType.Bool:
                bool truth = _json.TokenType is JsonTokenType.True or JsonTokenType.False ? _json.GetBoolean() : throw Unexpected($"true or false in {field.Name}");
                WriteVarint(field, truth ? 1u : 0);
                break;
            case FieldType.Enum when _json.TokenType == JsonTokenType.String && field.FindName(Text()) is { } named:
                WriteVarint(field, (ulong)named);
                break;
            case FieldType.Double:
                WriteFixed64(field, BitConverter.DoubleToUInt64Bits(ReadDouble(field)));
                break;
            case FieldType.Fixed64:
                WriteFixed64(field, (ulong)ReadInteger(field, 0, ulong.MaxValue));
                break;
            case FieldType.Fixed32:
                _output.Fixed32(field.Number, (uint)ReadInteger(field, 0, uint.MaxValue));
                break;
            case FieldType.UInt32:
                WriteVarint(field, (ulong)ReadInteger(field, 0, uint.MaxValue));
                break;
            case FieldType.Int64:
                WriteVarint(field, (ulong)(long)ReadInteger(field, long.MinValue, long.MaxValue));
                break;
            default: // Enum, Int32
                WriteVarint(field, (ulong)(long)ReadInteger(field, int.MinValue, int.MaxValue));
                break;
        }
    }

    private readonly void ReadText(FieldShape field)
    {
        Expect(JsonTokenType.String, $"a string in {field.Name}");
        WriteBytes(field, Text());
    }

    /// <summary>What the string, name or number at hand says, in UTF-8; half a surrogate pair becomes U+FFFD, where the reader's own way would throw.</summary>
    private readonly ReadOnlySpan<byte> Text()
    {
        ReadOnlySpan<byte> source = _json.ValueSpan;
        return _json.ValueIsEscaped ? Unescape(source, _scratch) : source;

        static ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> source, ByteList output)
        {
            output.Clear();
            while (source.IndexOf((byte)'\\') is var escape and >= 0)
            {
                output.Add(source[..escape]);
                byte kind = source[escape + 1];
                source = source[(escape + 2)..];
                if (kind == 'u') source = source[UnescapeRune(source, output)..];
                else output.Add(kind switch { (byte)'b' => (byte)'\b', (byte)'f' => (byte)'\f', (byte)'n' => (byte)'\n', (byte)'r' => (byte)'\r', (byte)'t' => (byte)'\t', _ => kind });
            }

            output.Add(source);
            return output.All;
        }

        // Of "XXXX" or "XXXX\uXXXX"; the JSON reader has seen that these are digits. Returns how much was read.
        static int UnescapeRune(ReadOnlySpan<byte> source, ByteList output)
        {
            const int digits = 4, pair = 10;
            char first = Unit(source);
            bool isPair = char.IsHighSurrogate(first) && source.Length >= pair && source[digits] == '\\' && source[digits + 1] == 'u' && char.IsLowSurrogate(Unit(source[(digits + 2)..]));
            Rune rune = isPair ? new Rune(first, Unit(source[(digits + 2)..])) : Rune.TryCreate(first, out Rune single) ? single : Rune.ReplacementChar;
            rune.EncodeToUtf8(output.Extend(rune.Utf8SequenceLength));
            return isPair ? pair : digits;
        }

        static char Unit(ReadOnlySpan<byte> source) => (char)ushort.Parse(source[..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }

    private readonly void ReadBytes(FieldShape field)
    {
        Expect(JsonTokenType.String, $"a string in {field.Name}");
        ReadOnlySpan<byte> text = Text();
        if (field.IsId)
        {
            WriteId(field, text);
            return;
        }

        // Base64 in its two alphabets, with or without the padding.
        const int group = 4;
        int length = text.TrimEnd((byte)'=').Length;
        byte[] buffer = ByteBuffers.Rent(length + group);
        Span<byte> padded = buffer.AsSpan(0, (length + group - 1) / group * group);
        padded.Fill((byte)'=');
        text[..length].CopyTo(padded);
        padded.Replace((byte)'-', (byte)'+');
        padded.Replace((byte)'_', (byte)'/');
        bool ok = Base64.DecodeFromUtf8InPlace(padded, out int decoded) == OperationStatus.Done;
        if (ok) WriteBytes(field, padded[..decoded]);
        ByteBuffers.Return(buffer);
        if (!ok) throw Unexpected($"base64 in {field.Name}");
    }

    /// <summary>
    /// An ID in hexadecimal. Of anything else, such as base64, the text itself is kept; a span's own is made longer than any
    /// ID is, so that the scanner rejects its span, and no other, with the reason.
    /// </summary>
    private readonly void WriteId(FieldShape field, ReadOnlySpan<byte> text)
    {
        Span<byte> id = stackalloc byte[LongestHexId / 2];
        if (text.Length <= LongestHexId && Convert.FromHexString(text, id, out _, out int length) == OperationStatus.Done) WriteBytes(field, id[..length]);
        else WriteBytes(field, field.IsSpansOwnId ? [.. text, .. NotHexadecimal] : text);
    }

    private readonly Int128 ReadInteger(FieldShape field, Int128 min, Int128 max)
    {
        if (_json.TokenType is not (JsonTokenType.String or JsonTokenType.Number)) throw Unexpected($"a whole number in {field.Name}");

        ReadOnlySpan<byte> digits = Text();
        if (Utf8Parser.TryParse(digits, out long number, out int read) && read == digits.Length && number >= min && number <= max) return number;

        // Also 1.7e18, 5.0 and what is beyond a long.
        const NumberStyles styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        bool isWhole = decimal.TryParse(digits, styles, CultureInfo.InvariantCulture, out decimal value) && decimal.IsInteger(value);
        return isWhole && (Int128)value >= min && (Int128)value <= max
            ? (Int128)value
            : throw Unexpected($"a whole number from {min} to {max} in {field.Name}");
    }

    private readonly double ReadDouble(FieldShape field)
    {
        bool isText = _json.TokenType == JsonTokenType.String;
        if (!isText && _json.TokenType != JsonTokenType.Number) throw Unexpected($"a number in {field.Name}");

        ReadOnlySpan<byte> text = Text();
        if (isText && text.SequenceEqual("NaN"u8)) return double.NaN;
        if (isText && text.SequenceEqual("Infinity"u8)) return double.PositiveInfinity;
        if (isText && text.SequenceEqual("-Infinity"u8)) return double.NegativeInfinity;
        const NumberStyles styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        bool isNumber = double.TryParse(text, styles, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number);
        return isNumber ? number : throw Unexpected($"a number in {field.Name}");
    }

    private readonly void WriteVarint(FieldShape field, ulong value)
    {
        if (field.IsTelling) _output.VarintAlways(field.Number, value);
        else _output.Varint(field.Number, value);
    }

    private readonly void WriteFixed64(FieldShape field, ulong value)
    {
        if (field.IsTelling) _output.Fixed64Always(field.Number, value);
        else _output.Fixed64(field.Number, value);
    }

    private readonly void WriteBytes(FieldShape field, ReadOnlySpan<byte> value)
    {
        if (field.IsTelling) _output.Bytes(field.Number, value);
        else _output.BytesUnlessEmpty(field.Number, value);
    }

    private readonly void Expect(JsonTokenType type, string expected)
    {
        if (_json.TokenType != type) throw Unexpected(expected);
    }

    private static JsonException Unexpected(string expected) => new($"expected {expected}");
}

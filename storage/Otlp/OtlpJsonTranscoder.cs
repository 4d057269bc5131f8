using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf.Reflection;

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

    private readonly WireWriter _output;
    private Utf8JsonReader _json;

    private OtlpJsonTranscoder(ReadOnlySpan<byte> json, WireWriter output)
    {
        _json = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        _output = output;
    }

    /// <summary>Appends the request in protobuf to <paramref name="output"/>; on failure says what is wrong.</summary>
    public static MalformedRequest? Transcode(ReadOnlySpan<byte> json, WireWriter output)
    {
        ReadOnlySpan<byte> mark = Encoding.UTF8.Preamble;
        var transcoder = new OtlpJsonTranscoder(json.StartsWith(mark) ? json[mark.Length..] : json, output);
        try
        {
            transcoder.ReadRequest();
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
        string? escaped = _json.ValueIsEscaped ? ReadString() : null;
        for (int tried = 0; tried < fields.Count; tried++, next++)
        {
            if (next >= fields.Count) next = 0;
            if (escaped is null ? _json.ValueTextEquals(fields[next].Name) : escaped == fields[next].Name) return fields[next];
        }

        return null;
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
            case FieldType.Enum when _json.TokenType == JsonTokenType.String && field.Names.TryGetValue(ReadString(), out int named):
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
        if (!_json.ValueIsEscaped)
        {
            WriteBytes(field, _json.ValueSpan);
            return;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(_json.ValueSpan.Length);
        try
        {
            WriteBytes(field, buffer.AsSpan(0, _json.CopyString(buffer)));
        }
        catch (InvalidOperationException)
        {
            WriteBytes(field, Encoding.UTF8.GetBytes(ReadString())); // what is no text becomes U+FFFD
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>What the string at hand says, even if that is no valid text: the reader's own way would throw.</summary>
    private readonly string ReadString()
    {
        string source = Encoding.UTF8.GetString(_json.ValueSpan);
        if (!_json.ValueIsEscaped) return source;
        var text = new StringBuilder(source.Length);
        for (int i = 0; i < source.Length; i++)
        {
            if (source[i] != '\\')
            {
                text.Append(source[i]);
                continue;
            }

            text.Append(source[++i] switch
            {
                'b' => '\b',
                'f' => '\f',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => (char)ushort.Parse(source.AsSpan((i += 4) - 3, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                var itself => itself,
            });
        }

        return text.ToString();
    }

    private readonly void ReadBytes(FieldShape field)
    {
        Expect(JsonTokenType.String, $"a string in {field.Name}");
        if (field.IsId)
        {
            WriteId(field, _json.ValueIsEscaped ? Encoding.UTF8.GetBytes(ReadString()) : _json.ValueSpan);
            return;
        }

        string base64 = ReadString().Replace('-', '+').Replace('_', '/').TrimEnd('=');
        byte[] bytes = new byte[base64.Length];
        bool ok = Convert.TryFromBase64String(base64.PadRight((base64.Length + 3) / 4 * 4, '='), bytes, out int length);
        WriteBytes(field, ok ? bytes.AsSpan(0, length) : throw Unexpected($"base64 in {field.Name}"));
    }

    /// <summary>
    /// An ID in hexadecimal. Of anything else, such as base64, the text itself is kept, made longer than any ID is: so the
    /// scanner rejects its span, and no other, with the reason.
    /// </summary>
    private readonly void WriteId(FieldShape field, ReadOnlySpan<byte> text)
    {
        Span<byte> id = stackalloc byte[LongestHexId / 2];
        if (text.Length <= LongestHexId && Convert.FromHexString(text, id, out _, out int length) == OperationStatus.Done)
        {
            WriteBytes(field, id[..length]);
            return;
        }

        const string longerThanAnyId = " is not hexadecimal";
        WriteBytes(field, (byte[])[.. text, .. Encoding.ASCII.GetBytes(longerThanAnyId)]);
    }

    private readonly Int128 ReadInteger(FieldShape field, Int128 min, Int128 max)
    {
        bool isText = _json.TokenType == JsonTokenType.String;
        if (!isText && _json.TokenType != JsonTokenType.Number) throw Unexpected($"a whole number in {field.Name}");

        ReadOnlySpan<byte> digits = _json.ValueSpan;
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
        if (_json.TokenType == JsonTokenType.Number) return _json.GetDouble();
        if (_json.TokenType != JsonTokenType.String) throw Unexpected($"a number in {field.Name}");
        return ReadString() switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            var text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) => number,
            _ => throw Unexpected($"a number in {field.Name}"),
        };
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

using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;

namespace TraceStore.Load;

/// <summary>
/// A request that is encoded once and sent many times: before each time, IDs and times are written over in place, so that
/// no two are equal and making them costs the machine little.
/// </summary>
internal sealed class LoadRequest
{
    private const int NotThere = -1;
    private const int TimeDigits = 19; // of nanoseconds since 1970, until the year 2286

    private readonly byte[] _bytes;
    private readonly bool _isJson;
    private readonly Place[] _places;
    private readonly ulong[] _spanIds;
    private readonly UInt128[] _traceIds;
    private readonly double[] _stretches;
    private readonly long _longest;

    /// <param name="encoded">The request.</param>
    /// <param name="isJson">Whether it is in OTLP's JSON encoding; else in protobuf.</param>
    /// <param name="spans">Its spans, in the order in which they stand there.</param>
    private LoadRequest(byte[] encoded, bool isJson, IReadOnlyList<SyntheticSpan> spans)
    {
        (_bytes, _isJson) = (encoded, isJson);
        var numbers = new Dictionary<ByteString, int> { [ByteString.Empty] = NotThere };
        for (int i = 0; i < spans.Count; i++) numbers.Add(spans[i].Message.SpanId, i);
        int position = 0;
        _places = new Place[spans.Count];
        for (int i = 0; i < spans.Count; i++) _places[i] = Find(spans[i], numbers[spans[i].Message.ParentSpanId], ref position);
        _spanIds = new ulong[spans.Count];
        _traceIds = new UInt128[spans.Max(span => span.Trace) + 1];
        _stretches = new double[_traceIds.Length];
        _longest = spans.Max(span => span.Start + span.Duration);
    }

    /// <summary>Makes up the next request and encodes it.</summary>
    public static LoadRequest Encode(SyntheticTraces traces, bool isJson)
    {
        (ExportTraceServiceRequest request, IReadOnlyList<SyntheticSpan> spans) = traces.NextRequest();
        return new LoadRequest(isJson ? OtlpJson.Encode(request) : request.ToByteArray(), isJson, spans);
    }

    public ReadOnlyMemory<byte> Bytes => _bytes;

    public int Spans => _places.Length;

    /// <summary>The IDs of the traces in it just now, in hexadecimal.</summary>
    public IEnumerable<string> TraceIds => _traceIds.Select(id => id.ToString("x32", CultureInfo.InvariantCulture));

    /// <summary>Gives every span new IDs, and a time that ends about now.</summary>
    /// <param name="random">Where the IDs come from.</param>
    /// <param name="nowUnixNano">Now, nanoseconds since 1970.</param>
    public void Freshen(ref SplitMix64 random, ulong nowUnixNano)
    {
        for (int trace = 0; trace < _traceIds.Length; trace++)
        {
            _traceIds[trace] = new UInt128(random.Next() | 1, random.Next()); // an ID of zeros is none
            _stretches[trace] = 0.5 + (random.Next() >> 11) * (1.0 / (1L << 53)); // half to one and a half times as long
        }

        for (int span = 0; span < _spanIds.Length; span++) _spanIds[span] = random.Next() | 1;
        for (int span = 0; span < _places.Length; span++)
        {
            ref readonly Place place = ref _places[span];
            double stretch = _stretches[place.Trace];
            ulong start = nowUnixNano - (ulong)((_longest - place.StartOffset) * stretch);
            ulong end = start + (ulong)(place.Duration * stretch);
            WriteTraceId(place.TraceId, _traceIds[place.Trace]);
            WriteSpanId(place.SpanId, _spanIds[span]);
            if (place.Parent != NotThere) WriteSpanId(place.ParentSpanId, _spanIds[place.Parent]);
            WriteTime(place.Start, start);
            WriteTime(place.End, end);
            if (place.UniqueId != NotThere) WriteHex(place.UniqueId, random.Next());
            if (place.EventTime != NotThere) WriteTime(place.EventTime, end);
        }
    }

    /// <summary>Where a span's IDs and times stand. Fields stand in the order of their numbers (in JSON as well).</summary>
    private Place Find(SyntheticSpan span, int parent, ref int position)
    {
        OpenTelemetry.Proto.Trace.V1.Span message = span.Message;
        return new Place
        {
            Trace = span.Trace,
            Parent = parent,
            TraceId = Find(message.TraceId, ref position),
            SpanId = Find(message.SpanId, ref position),
            ParentSpanId = parent == NotThere ? NotThere : Find(message.ParentSpanId, ref position),
            Start = Find(message.StartTimeUnixNano, ref position),
            End = Find(message.EndTimeUnixNano, ref position),
            UniqueId = span.UniqueId is null ? NotThere : Find(Encoding.ASCII.GetBytes(span.UniqueId), ref position),
            EventTime = message.Events.Count == 0 ? NotThere : Find(message.Events[0].TimeUnixNano, ref position),
            StartOffset = span.Start,
            Duration = span.Duration,
        };
    }

    private int Find(ByteString id, ref int position) =>
        Find(_isJson ? Encoding.ASCII.GetBytes(Convert.ToHexStringLower(id.Span)) : id.Span, ref position);

    private int Find(ulong time, ref int position)
    {
        Span<byte> encoded = stackalloc byte[TimeDigits];
        if (_isJson) return Find(Digits(time, encoded), ref position);
        BinaryPrimitives.WriteUInt64LittleEndian(encoded, time);
        return Find(encoded[..sizeof(ulong)], ref position);
    }

    private int Find(ReadOnlySpan<byte> value, ref int position)
    {
        int at = _bytes.AsSpan(position).IndexOf(value);
        if (at < 0) throw new UnreachableException("BUG: a span's ID or time isn't in its request");
        position += at + value.Length;
        return position - value.Length;
    }

    private void WriteTraceId(int at, UInt128 id)
    {
        if (!_isJson)
        {
            BinaryPrimitives.WriteUInt128BigEndian(_bytes.AsSpan(at), id);
            return;
        }

        WriteHex(at, (ulong)(id >> 64));
        WriteHex(at + 16, (ulong)id);
    }

    private void WriteSpanId(int at, ulong id)
    {
        if (_isJson) WriteHex(at, id);
        else BinaryPrimitives.WriteUInt64BigEndian(_bytes.AsSpan(at), id);
    }

    private void WriteTime(int at, ulong time)
    {
        if (_isJson) Digits(time, _bytes.AsSpan(at, TimeDigits));
        else BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan(at), time);
    }

    private void WriteHex(int at, ulong value) =>
        Utf8Formatter.TryFormat(value, _bytes.AsSpan(at, 16), out _, new StandardFormat('x', 16));

    private static ReadOnlySpan<byte> Digits(ulong time, Span<byte> into)
    {
        Utf8Formatter.TryFormat(time, into, out _);
        return into;
    }

    /// <summary>Where what differs stands in the bytes, and what is written there.</summary>
    private struct Place
    {
        public int Trace, Parent;
        public int TraceId, SpanId, ParentSpanId, Start, End, UniqueId, EventTime;
        public long StartOffset, Duration;
    }
}

/// <summary>SplitMix64, a generator of random numbers that is quick and can be repeated.</summary>
internal struct SplitMix64(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

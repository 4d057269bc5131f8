using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Query.Evaluation;
using TraceStore.Query.TraceQl;
using static TraceStore.Tests.OtlpSamples;
using Kind = OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace TraceStore.Tests.Unit.Query;

/// <summary>What queries mean.</summary>
public class SpansetEvaluatorTests
{
    private const ulong Start = 1_700_000_000_000_000_000, Millisecond = 1_000_000;

    /// <summary>
    /// Two trees: of 1 under which hangs 2 with 3 and 4, and 3 has 5; and what hangs below span 9, which hasn't come: 6 and 7.
    /// </summary>
    private static readonly EvaluatedTrace s_trace = Trace();

    [Theory]
    [InlineData("{ }", "1 2 3 4 5 6 7")]
    [InlineData("{ true }", "1 2 3 4 5 6 7")]
    [InlineData("{ false }", "")]
    [InlineData("{ name = \"GET /\" }", "1")]
    [InlineData("{ name != \"GET /\" && name > \"f\" }", "2 3 4 5 6 7")]
    [InlineData("{ name =~ \"s[1-3]\" }", "2 3")]
    [InlineData("{ name =~ \"s\" }", "")]
    [InlineData("{ name !~ \"s.*\" }", "1")]
    [InlineData("{ status = error }", "3")]
    [InlineData("{ status != error && kind = server }", "1")]
    [InlineData("{ statusMessage = \"boom\" }", "3")]
    [InlineData("{ duration >= 50ms }", "1 2")]
    [InlineData("{ duration < 0.05s && duration > 4 * 1ms }", "3 4 5 6 7")]
    [InlineData("{ traceDuration = 100ms && rootName = \"GET /\" && rootServiceName = \"shop\" }", "1 2 3 4 5 6 7")]
    [InlineData("{ span:id = \"bbbbbbbb00000003\" || span:parentID = \"bbbbbbbb00000003\" }", "3 5")]
    [InlineData("{ span:parentID = \"\" }", "1")]
    [InlineData("{ trace:id =~ \"a+0+1\" }", "1 2 3 4 5 6 7")]
    [InlineData("{ childCount > 1 }", "2")]
    [InlineData("{ childCount = 0 }", "4 5 6 7")]
    [InlineData("{ parent = nil }", "1")]
    [InlineData("{ nestedSetParent < 0 }", "1")]
    [InlineData("{ nestedSetParent = 0 }", "6 7")]
    [InlineData("{ nestedSetLeft > 2 && nestedSetRight < 8 }", "3 5")]
    [InlineData("{ nestedSetParent = 1 }", "2")]
    [InlineData("{ span.http.status_code = 500 }", "3")]
    [InlineData("{ span.http.status_code != 500 }", "2")]
    [InlineData("{ span.http.status_code != \"500\" }", "")]
    [InlineData("{ span.http.status_code >= 200 && span.http.status_code < 500.5 }", "2 3")]
    [InlineData("{ span.http.status_code + 1 = 501 }", "3")]
    [InlineData("{ span.http.status_code % 100 = 0 }", "2 3")]
    [InlineData("{ span.http.status_code / 0 = 1 }", "")]
    [InlineData("{ -span.http.status_code < -200 }", "3")]
    [InlineData("{ span.http.status_code ^ 2 = 40000 }", "2")]
    [InlineData("{ span.http.status_code = nil }", "1 4 5 6 7")]
    [InlineData("{ span.http.status_code != nil }", "2 3")]
    [InlineData("{ span.null = nil && span.hit }", "4")]
    [InlineData("{ span.hit }", "4")]
    [InlineData("{ !span.hit }", "1 2 3 5 6 7")]
    [InlineData("{ span.hit = false }", "5")]
    [InlineData("{ span.hit || span.http.status_code = 500 }", "3 4")]
    [InlineData("{ span.ratio > 0.4 && span.ratio < 1 }", "4")]
    [InlineData("{ span.list = \"a\" }", "4 5")]
    [InlineData("{ span.list != \"a\" }", "6")]
    [InlineData("{ span.list =~ \"b|c\" }", "4 6")]
    [InlineData("{ span.list !~ \"b|c\" }", "5")]
    [InlineData("{ span.list > 6 }", "5")]
    [InlineData("{ span.a = span.b }", "7")]
    [InlineData("{ span.a != span.b }", "6")]
    [InlineData("{ duration * 1.5 > 149ms && duration / 2 = 50ms }", "1")]
    [InlineData("{ (span.a = 1) = (span.b = 1) }", "1 2 3 4 5 7")]
    [InlineData("{ .region = \"eu\" }", "1 2 4")]
    [InlineData("{ .region = \"us\" }", "3 5")]
    [InlineData("{ resource.region = \"eu\" && span.region = \"us\" }", "3")]
    [InlineData("{ resource.service.name = \"shop\" }", "1 2 3 4")]
    [InlineData("{ parent.name = \"shop\" }", "")]
    [InlineData("{ parent.http.status_code = 200 }", "3 4")]
    [InlineData("{ parent.span.http.status_code > 200 }", "5")]
    [InlineData("{ parent.resource.service.name = \"shop\" && resource.service.name = \"db\" }", "5")]
    [InlineData("{ parent.region = \"us\" }", "5")]
    [InlineData("{ parent.x = nil }", "1 2 3 4 5 6 7")]
    [InlineData("{ event:name = \"exception\" && event.type = \"E\" }", "3")]
    [InlineData("{ event:timeSinceStart > 1ms }", "3")]
    [InlineData("{ event:timeSinceStart > 5ms }", "")]
    [InlineData("{ event:name = nil }", "1 2 4 5 6 7")]
    [InlineData("{ link:traceID =~ \"a+0+2\" && link:spanID != nil && link.why = \"batch\" }", "4")]
    [InlineData("{ instrumentation:name = \"lib\" && instrumentation:version = \"1.0\" && instrumentation.lang = \"cs\" }", "1 2 3 4")]
    public void A_filter_finds_spans(string query, string expected) => Assert.Equal(expected, Found(query));

    [Theory]
    [InlineData("{ name = \"GET /\" } && { status = error }", "1 3")]
    [InlineData("{ name = \"GET /\" } && { name = \"none\" }", "")]
    [InlineData("{ name = \"GET /\" } || { name = \"none\" }", "1")]
    [InlineData("{ name = \"s2\" } > { }", "3 4")]
    [InlineData("{ } > { name = \"s2\" }", "2")]
    [InlineData("{ name = \"s2\" } >> { }", "3 4 5")]
    [InlineData("{ status = error } < { }", "2")]
    [InlineData("{ name = \"s5\" } << { }", "1 2 3")]
    [InlineData("{ name = \"s3\" } ~ { }", "4")]
    [InlineData("{ } ~ { }", "3 4 6 7")]
    [InlineData("{ name = \"s6\" } ~ { }", "7")]
    [InlineData("{ } !< { }", "4 5 6 7")]
    [InlineData("{ name = \"s2\" } !> { }", "1 2 5 6 7")]
    [InlineData("{ name = \"s2\" } !>> { }", "1 2 6 7")]
    [InlineData("{ name = \"s5\" } !<< { }", "4 5 6 7")]
    [InlineData("{ name = \"s3\" } !~ { }", "1 2 3 5 6 7")]
    [InlineData("{ name = \"none\" } !>> { name = \"s5\" }", "5")]
    [InlineData("{ name = \"s2\" } &> { name = \"s4\" }", "2 4")]
    [InlineData("{ name =~ \"GET.*|s2|s6\" } &>> { status = error }", "1 2 3")]
    [InlineData("{ status = error } &<< { name = \"GET /\" }", "1 3")]
    [InlineData("{ name = \"s4\" } &< { name = \"s2\" }", "2 4")]
    [InlineData("{ name = \"s3\" } &~ { name = \"s4\" }", "3 4")]
    [InlineData("{ name = \"s2\" } >> { status = error } >> { }", "5")]
    [InlineData("{ name = \"s6\" } || { name = \"GET /\" } >> { status = error }", "3 6")]
    public void Spansets_are_related(string query, string expected) => Assert.Equal(expected, Found(query));

    [Theory]
    [InlineData("count() = 7", "1 2 3 4 5 6 7")]
    [InlineData("{ span.http.status_code > 0 } | count() > 1", "2 3")]
    [InlineData("{ span.http.status_code > 0 } | count() > 2", "")]
    [InlineData("{ } | avg(span.http.status_code) = 350", "1 2 3 4 5 6 7")]
    [InlineData("{ } | min(duration) = 5ms | max(duration) = 100ms", "1 2 3 4 5 6 7")]
    [InlineData("{ } | sum(span.http.status_code) = 700 | { status = error }", "3")]
    [InlineData("{ } | avg(span.none) > 0", "")]
    [InlineData("{ } | max(duration) > min(duration) * 20", "")]
    [InlineData("{ } | max(duration) >= min(duration) * 20", "1 2 3 4 5 6 7")]
    [InlineData("{ name =~ \"s[3-5]\" } | { status != error }", "4 5")]
    [InlineData("{ } | by(resource.service.name)", "1 2 3 4|5 6 7")]
    [InlineData("{ } | by(resource.service.name) | count() > 3", "1 2 3 4")]
    [InlineData("{ } | by(resource.service.name) | { kind = server } | coalesce()", "1")]
    [InlineData("{ } | by(span.region) | coalesce() | count() = 7", "1 2 3 4 5 6 7")]
    [InlineData("{ } | by(span.http.status_code > 300)", "1 2 4 5 6 7|3")]
    [InlineData("({ status = error } | count() > 0) && ({ kind = server } | count() = 1)", "1 3")]
    [InlineData("({ status = error } | count()) < ({ status != error } | count())", "1 2 3 4 5 6 7")]
    [InlineData("({ status = error } | count()) + 5 = 6", "1 2 3 4 5 6 7")]
    [InlineData("{ status = error } | select(span.x)", "3")]
    [InlineData("({ name = \"GET /\" } &>> { status = error }) || ({ name = \"s6\" }) | select(status)", "1 3 6")]
    public void Pipelines_go_on_with_what_was_found(string query, string expected) => Assert.Equal(expected, Found(query));

    [Fact]
    public void What_spans_are_grouped_by_and_what_is_reckoned_of_them_is_said()
    {
        IReadOnlyList<Spanset> found = Evaluate("{ } | by(span.http.status_code) | max(duration) > 7ms");

        Assert.Equal(
            ["by(span.http.status_code)=, max(duration)=100", "by(span.http.status_code)=200, max(duration)=50"],
            found.Select(spanset => string.Join(", ", spanset.Attributes.Select(said => $"{said.Name}={(said.Value is DurationValue duration ? duration.Nanoseconds / 1_000_000 : said.Value)}"))));
    }

    /// <summary>As deep as a trace may be; and what is walked is walked once.</summary>
    [Fact]
    public void A_long_chain_is_no_harder_than_a_short_one()
    {
        EvaluatedTrace chain = EvaluatedTraces.Of([.. Enumerable.Range(1, 20_000).Select(number => (Resource("shop"), Span(span: number, parent: number - 1, start: Start + (ulong)number)))]).Single();

        Assert.Equal(19_999, Assert.Single(new SpansetEvaluator(chain).Evaluate(Root("{ nestedSetParent < 0 } >> { }"))).Spans.Count);
        Assert.Equal(19_999, Assert.Single(new SpansetEvaluator(chain).Evaluate(Root("{ childCount = 0 } << { }"))).Spans.Count);
    }

    [Theory]
    [InlineData("a", "a", true)]
    [InlineData("a", "ab", false)]
    [InlineData("a|b", "ab", false)]
    [InlineData(".*", "a\nb", true)]
    [InlineData("(?-s).*", "a\nb", false)]
    [InlineData(".", "😀", true)]
    [InlineData("[^a]", "😀", true)]
    [InlineData("\\W\\D\\S", "😀é-", true)]
    [InlineData("\\d+", "٣", false)]
    [InlineData("\\w", "é", false)]
    [InlineData("\\s", "\u00a0", false)]
    [InlineData("(?i)STRASSE", "strasse", true)]
    [InlineData("(?i:A)b", "ab", true)]
    [InlineData("(?i:A)b", "aB", false)]
    [InlineData("(?P<x>a)(?<y>b)(?:c)", "abc", true)]
    [InlineData("[[:alpha:]]+[[:digit:]]", "ab1", true)]
    [InlineData("[a\\-z\\]^[]+", "a-]^[", true)]
    [InlineData("[]a]+", "]a", true)]
    [InlineData("\\Q.*\\E.", ".*x", true)]
    [InlineData("\\x41\\x{42}\\103\\007", "ABC\a", true)]
    [InlineData("\\pL\\p{Lu}\\PL", "aB1", true)]
    [InlineData("a{2}b{1,}c{0,1}{", "aabb{", true)]
    [InlineData("a{,2}", "a{,2}", true)]
    [InlineData("(?m)a$\n^b", "a\nb", true)]
    [InlineData("a$", "a\n", false)]
    [InlineData("a b#c", "a b#c", true)]
    [InlineData("a+?", "aa", true)]
    [InlineData("(?U)a+", "aa", true)]
    [InlineData("", "", true)]
    [InlineData("name-of-service-1|name-of-service-2|name-of-service-3|name-of-service-4|name-of-service-5|name-of-service-6|name-of-service-7|name-of-service-8|name-of-service-9|name-of-service-10|name-of-service-11|name-of-service-12|name-of-service-13", "name-of-service-12", true)]
    [InlineData(".{0,200}", "a", true)]
    public void Regular_expressions_are_gos(string pattern, string value, bool isMatch) => Assert.Equal(isMatch, GoRegularExpression.Parse(pattern).IsMatch(value));

    [Theory]
    [InlineData("[")]
    [InlineData("(")]
    [InlineData(")")]
    [InlineData("a**")]
    [InlineData("*")]
    [InlineData("(?=a)")]
    [InlineData("(?<!a)")]
    [InlineData("(?>a)")]
    [InlineData("(a)\\1")]
    [InlineData("\\8")]
    [InlineData("\\k<x>")]
    [InlineData("\\C")]
    [InlineData("\\")]
    [InlineData("\\q")]
    [InlineData("\\x4")]
    [InlineData("\\x{110000}")]
    [InlineData("[z-a]")]
    [InlineData("[[:nope:]]")]
    [InlineData("\\p{Klingon}")]
    [InlineData("a{1001}")]
    [InlineData("a{2,1}")]
    [InlineData("(?x)a")]
    [InlineData("(?P<>a)")]
    [InlineData("((a{100}){100}){100}")]
    public void What_is_none_is_refused(string pattern) => Assert.Throws<FormatException>(() => GoRegularExpression.Parse(pattern));

    private static string Found(string query) => string.Join("|", Evaluate(query).Select(spanset => string.Join(' ', spanset.Spans.Select(span => span.Place.Id.Value & 0xFF).Order())));

    private static IReadOnlyList<Spanset> Evaluate(string query) => new SpansetEvaluator(s_trace).Evaluate(Root(query));

    private static SpansetExpression Root(string query) => Assert.IsAssignableFrom<SpansetExpression>(TraceQlParser.Parse(query).Root);

    private static EvaluatedTrace Trace()
    {
        ResourceSpans shop = Resource("shop"), db = Resource("db");
        shop.Resource.Attributes.Add(Attribute("region", "eu"));
        Span[] spans =
        [
            At(1, 0, "GET /", 100),
            At(2, 1, "s2", 50, ("http.status_code", 200)),
            At(3, 2, "s3", 7, ("http.status_code", 500), ("region", "us")),
            At(4, 2, "s4", 5, ("hit", true), ("ratio", 0.5), ("list", new object[] { "a", "b" })),
            At(5, 3, "s5", 5, ("hit", false), ("list", new object[] { "a", 7 }), ("region", "us")),
            At(6, 9, "s6", 5, ("a", 1), ("b", 2), ("list", new object[] { "b" })),
            At(7, 9, "s7", 5, ("a", 3), ("b", 3)),
        ];
        spans[0].Kind = Kind.Server;
        spans[2].Status = new Status { Code = Status.Types.StatusCode.Error, Message = "boom" };
        spans[2].Events.Add(new Span.Types.Event { Name = "exception", TimeUnixNano = spans[2].StartTimeUnixNano + (2 * Millisecond), Attributes = { Attribute("type", "E") } });
        spans[3].Attributes.Add(new KeyValue { Key = "null" });
        spans[3].Links.Add(new Span.Types.Link { TraceId = TraceId(2), SpanId = SpanId(8), Attributes = { Attribute("why", "batch") } });
        var lib = new InstrumentationScope { Name = "lib", Version = "1.0", Attributes = { Attribute("lang", "cs") } };
        (shop.ScopeSpans[0].Scope, db.ScopeSpans[0].Scope) = (lib, null);
        return EvaluatedTraces.Of([.. spans.Select((span, at) => (at < 4 ? shop : db, span))]).Single();
    }

    private static Span At(int number, int parent, string name, ulong milliseconds, params (string Key, object Value)[] attributes)
    {
        Span span = Span(span: number, parent: parent, name: name, start: Start + ((ulong)number * 1_000), duration: milliseconds * Millisecond);
        (span.Kind, span.Status) = (Kind.Internal, null);
        span.Attributes.Clear();
        span.Attributes.Add(attributes.Select(attribute => Attribute(attribute.Key, attribute.Value)));
        return span;
    }
}

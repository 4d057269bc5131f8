using CsCheck;
using TraceStore.Query.TraceQl;

namespace TraceStore.Tests.Unit.Query;

/// <summary>The whole language: what is read, how it is written again, and what is said of what isn't.</summary>
public class TraceQlTests
{
    /// <summary>Each as it is written again, with brackets that show what binds tighter.</summary>
    [Theory]
    [InlineData("{ }", "{ }")]
    [InlineData("{ true }", "{ true }")]
    [InlineData("{ .a }", "{ .a }")]
    [InlineData("{ !.a && span.b || resource.c }", "{ ((!.a) && span.b) || resource.c }")]
    [InlineData("{ parent.a = parent.span.b || parent.resource.c != 1 }", "{ (parent.\"a\" = parent.span.b) || (parent.resource.c != (1)) }")]
    [InlineData("{ event.a = 1 && link.b = 2 && instrumentation.c = 3 }", "{ (event.a = (1)) && (link.b = (2)) && (instrumentation.c = (3)) }")]
    [InlineData("{ name = \"a\" && span:name != `b` }", "{ (span:name = \"a\") && (span:name != \"b\") }")]
    [InlineData("{ duration > 1s && traceDuration <= 2m }", "{ (span:duration > (1000000000ns)) && (trace:duration <= (120000000000ns)) }")]
    [InlineData("{ rootName =~ \"a\" && rootServiceName !~ \"b\" }", "{ (trace:rootName =~ \"a\") && (trace:rootService !~ \"b\") }")]
    [InlineData("{ nestedSetParent < 0 && nestedSetLeft > nestedSetRight }", "{ (nestedSetParent < (0)) && (nestedSetLeft > nestedSetRight) }")]
    [InlineData("{ span:id = \"ab\" && span:parentID = \"\" && trace:id = \"cd\" }", "{ (span:id = \"ab\") && (span:parentID = \"\") && (trace:id = \"cd\") }")]
    [InlineData("{ event:name = \"x\" && event:timeSinceStart > 1ms }", "{ (event:name = \"x\") && (event:timeSinceStart > (1000000ns)) }")]
    [InlineData("{ link:traceID = \"a\" || link:spanID = \"b\" }", "{ (link:traceID = \"a\") || (link:spanID = \"b\") }")]
    [InlineData("{ instrumentation:name = \"a\" && instrumentation:version = \"1\" }", "{ (instrumentation:name = \"a\") && (instrumentation:version = \"1\") }")]
    [InlineData("{ childCount = 0 && parent = nil && .x != nil }", "{ (span:childCount = (0)) && (parent = nil) && (.x != nil) }")]
    [InlineData("{ status = error && kind != server }", "{ (span:status = error) && (span:kind != server) }")]
    [InlineData("{ .a = minInt || .a = maxInt }", "{ (.a = (-9223372036854775808)) || (.a = (9223372036854775807)) }")]
    [InlineData("{ .a > 10 * 1024 * 1024 + 2 ^ 3 ^ 2 }", "{ .a > ((((10) * (1024)) * (1024)) + ((2) ^ ((3) ^ (2)))) }")]
    [InlineData("{ -.a * 2 + 1 = -2 ^ 2 }", "{ ((-(.a * (2))) + (1)) = (-((2) ^ (2))) }")]
    [InlineData("{ .a % 2 - 1 / 4 >= 0.5 }", "{ ((.a % (2)) - ((1) / (4))) >= (0.5) }")]
    [InlineData("{ .a = .b }", "{ .a = .b }")]
    [InlineData("{ 1 < .a }", "{ .a > (1) }")]
    [InlineData("{ (1 = .a) = true }", "{ (.a = (1)) = true }")]
    [InlineData("{ .a = 1 } // a comment\n&& /* another */ { .b = 2 }", "{ .a = (1) } && { .b = (2) }")]
    [InlineData("{ .a } && { .b } || { .c }", "({ .a } && { .b }) || { .c }")]
    [InlineData("{ .a } || { .b } && { .c }", "{ .a } || ({ .b } && { .c })")]
    [InlineData("{ .a } >> { .b } > { .c }", "({ .a } >> { .b }) > { .c }")]
    [InlineData("{ .a } << { .b } < { .c } ~ { .d }", "(({ .a } << { .b }) < { .c }) ~ { .d }")]
    [InlineData("{ } !>> { } !<< { } !> { } !< { } !~ { }", "(((({ } !>> { }) !<< { }) !> { }) !< { }) !~ { }")]
    [InlineData("{ } &>> { } &<< { } &> { } &< { } &~ { }", "(((({ } &>> { }) &<< { }) &> { }) &< { }) &~ { }")]
    [InlineData("({ .a } &>> { .b }) || ({ .a }) | select(status, name)", "({ .a } &>> { .b }) || { .a } | select(span:status, span:name)")]
    [InlineData("count() > 10", "count() > 10")]
    [InlineData("{ .a } | count() > 2", "{ .a } | count() > 2")]
    [InlineData("{ .a } | 2 < max(duration) + 1", "{ .a } | 2 < (max(span:duration) + 1)")]
    [InlineData("{ .a } | avg(.x) > 1s | min(.y) = -1 | sum(.z * 2) != 0.5", "{ .a } | avg(.x) > 1000000000ns | min(.y) = -1 | sum(.z * (2)) != 0.5")]
    [InlineData("{ .a } | by(resource.service.name) | count() > 1 | coalesce()", "{ .a } | by(resource.service.name) | count() > 1 | coalesce()")]
    [InlineData("by(name) | { .a }", "by(span:name) | { .a }")]
    [InlineData("{ .a } | { .b } | select(.c)", "{ .a } | { .b } | select(.c)")]
    [InlineData("({ .a } | count() > 1) && ({ .b } | avg(duration) > 1s)", "({ .a } | count() > 1) && ({ .b } | avg(span:duration) > 1000000000ns)")]
    [InlineData("({ .a } | count()) > ({ .b } | count())", "({ .a } | count()) > ({ .b } | count())")]
    [InlineData("({ .a } | count()) * 2 = 4", "(({ .a } | count()) * 2) = 4")]
    [InlineData("{ .a } | rate()", "{ .a } | rate()")]
    [InlineData("rate()", "{ } | rate()")]
    [InlineData("{ .a } && { .b } | count_over_time() by (name, .x)", "({ .a } && { .b }) | count_over_time() by(span:name, .x)")]
    [InlineData("{ } | count() > 1 | min_over_time(duration) by(name)", "{ } | count() > 1 | min_over_time(span:duration) by(span:name)")]
    [InlineData("{ } | max_over_time(.x) > 5", "({ } | max_over_time(.x)) > 5.0")]
    [InlineData("{ } | avg_over_time(.x) | topk(5)", "({ } | avg_over_time(.x)) | topk(5)")]
    [InlineData("{ } | sum_over_time(.x) < 10 | bottomk(5)", "(({ } | sum_over_time(.x)) < 10.0) | bottomk(5)")]
    [InlineData("{ } | quantile_over_time(duration, .99, 0.5) by (.x)", "{ } | quantile_over_time(span:duration, 0.99, 0.5) by(.x)")]
    [InlineData("{ } | histogram_over_time(duration) by(.x) with(sample=true)", "{ } | histogram_over_time(span:duration) by(.x) with(sample=true)")]
    [InlineData("{ } | compare({ status = error })", "{ } | compare({ span:status = error }, 10)")]
    [InlineData("{ } | compare({ status = error }, 5, 10, 20)", "{ } | compare({ span:status = error }, 5, 10, 20)")]
    [InlineData("({ .a } | rate()) / ({ } | rate())", "({ .a } | rate()) / ({ } | rate())")]
    [InlineData("({ .a } | rate()) * 100 > 5 | topk(3)", "((({ .a } | rate()) * 100.0) > 5.0) | topk(3)")]
    [InlineData("(({ .a } | rate()) + ({ .b } | rate())) / ({ } | rate())", "(({ .a } | rate()) + ({ .b } | rate())) / ({ } | rate())")]
    [InlineData("{ } with (most_recent=true)", "{ } with(most_recent=true)")]
    [InlineData("{} with(a=\"x\", b=1, c=1.5, d=10s, e=-2)", "{ } with(a=\"x\", b=1, c=1.5, d=10000000000ns, e=-2)")]
    public void A_query_is_read_as_it_is_meant(string query, string printed)
    {
        TraceQlQuery parsed = TraceQlParser.Parse(query);

        Assert.Equal(printed, TraceQlPrinter.Print(parsed));
        Assert.Equal(printed, TraceQlPrinter.Print(TraceQlParser.Parse(printed)));
    }

    [Theory]
    [InlineData(" ", "line 1, column 2: a spanset such as { name = \"x\" } or a function such as count() was expected, not the end of the query")]
    [InlineData("{", "line 1, column 2: a field or a value was expected, not the end of the query")]
    [InlineData("{ .a = }", "line 1, column 8: a field or a value was expected, not '}'")]
    [InlineData("{ .a = \"x }", "line 1, column 8: this string has no end")]
    [InlineData("{ foo = 1 }", "line 1, column 3: 'foo' is no field; attributes are written .foo, span.foo or resource.foo")]
    [InlineData("{ http.method = 1 }", "line 1, column 3: 'http.method' is no field; attributes are written .http.method, span.http.method or resource.http.method")]
    [InlineData("{ span:nope = 1 }", "line 1, column 3: 'span:nope' is no field; attributes are written .span:nope, span.span:nope or resource.span:nope")]
    [InlineData("{ span. = 1 }", "line 1, column 8: an attribute's name was expected behind 'span.'")]
    [InlineData("{ .a = 5x }", "line 1, column 8: '5x' is neither a number nor a duration such as 100ms")]
    [InlineData("{ .a = \"\\ud800\" }", "line 1, column 9: '\\u' is no escape; write '\\\\' for a backslash, or put the string in backticks")]
    [InlineData("{ .a = 1e999 }", "line 1, column 8: '1e999' is neither a number nor a duration such as 100ms")]
    [InlineData("{ .a = \"\\q\" }", "line 1, column 9: '\\q' is no escape; write '\\\\' for a backslash, or put the string in backticks")]
    [InlineData("{} /* never ends", "line 1, column 4: this comment has no end")]
    [InlineData("{} $x", "line 1, column 4: '$' has no meaning here")]
    [InlineData("{} }", "line 1, column 4: an operator, '|' or the end of the query was expected, not '}'")]
    [InlineData("{} {}", "line 1, column 4: an operator, '|' or the end of the query was expected, not '{'")]
    [InlineData("{} |", "line 1, column 5: a spanset such as { name = \"x\" } or a function such as count() was expected, not the end of the query")]
    [InlineData("{ (.a = 1 }", "line 1, column 11: ')' was expected, not '}'")]
    [InlineData("{ name }", "line 1, column 3: a condition was expected, such as name = \"x\", and not a string")]
    [InlineData("{ 1 }", "line 1, column 3: a condition was expected, such as name = \"x\", and not a number")]
    [InlineData("{ .a + 1 }", "line 1, column 6: a condition was expected, such as name = \"x\", and not a number")]
    [InlineData("{ .a = 1 && duration }", "line 1, column 13: a condition was expected, such as name = \"x\", and not a duration")]
    [InlineData("{ duration = \"x\" }", "line 1, column 12: a duration can't be compared with a string")]
    [InlineData("{ status = \"error\" }", "line 1, column 10: a status can't be compared with a string")]
    [InlineData("{ kind = ok }", "line 1, column 8: a kind can't be compared with a status")]
    [InlineData("{ status > ok }", "line 1, column 10: a status is compared with = or !=")]
    [InlineData("{ .a < nil }", "line 1, column 6: nil is compared with = or !=")]
    [InlineData("{ .a >= true }", "line 1, column 6: true or false is compared with = or !=")]
    [InlineData("{ parent = 1 }", "line 1, column 10: nil can't be compared with a number")]
    [InlineData("{ .a =~ 1 }", "line 1, column 9: a regular expression was expected, in quotes")]
    [InlineData("{ duration =~ \"x\" }", "line 1, column 12: a regular expression matches strings, and on its left is a duration")]
    [InlineData("{ name + 1 = 2 }", "line 1, column 3: a number was expected, and not a string")]
    [InlineData("{ !duration }", "line 1, column 4: a condition was expected, such as name = \"x\", and not a duration")]
    [InlineData("{} | count()", "line 1, column 1: a number alone finds nothing: compare it, as in count() > 2")]
    [InlineData("{} | count() | {}", "line 1, column 14: behind a number nothing can follow: compare it first, as in count() > 2")]
    [InlineData("1 > 2", "line 1, column 3: a comparison of numbers needs one that comes from spans, such as count()")]
    [InlineData("count() > {}", "line 1, column 9: '>' can't stand between a number and a spanset")]
    [InlineData("{} + {}", "line 1, column 4: '+' can't stand between a spanset and a spanset")]
    [InlineData("count() =~ 1", "line 1, column 9: '=~' can't stand between a number and a number")]
    [InlineData("({} | rate()) && {}", "line 1, column 15: '&&' can't stand between series and a spanset")]
    [InlineData("({} | rate()) ^ ({} | rate())", "line 1, column 15: '^' can't stand between series and series")]
    [InlineData("max(1) > 2", "line 1, column 5: An aggregate needs a field of the span")]
    [InlineData("max(name) > 2", "line 1, column 5: a number was expected, and not a string")]
    [InlineData("count(.a) > 2", "line 1, column 7: ')' was expected, not '.a'")]
    [InlineData("{} | by(1)", "line 1, column 9: by(…) needs a field of the span")]
    [InlineData("{} | select(1)", "line 1, column 13: select(…) takes fields, such as name or span.x")]
    [InlineData("{} | rate() by (.a + 1)", "line 1, column 20: by(…) takes fields, such as name or span.x")]
    [InlineData("{} | rate() by (.a, .b, .c, .d, .e, .f)", "line 1, column 37: series are grouped by at most 5 fields")]
    [InlineData("{} | rate() | {}", "line 1, column 15: topk, bottomk or a comparison with a number was expected, not '{'")]
    [InlineData("{} | topk(3)", "line 1, column 6: a spanset such as { name = \"x\" } or a function such as count() was expected, not 'topk'")]
    [InlineData("{} | rate() | topk(0)", "line 1, column 20: at least one series is asked for")]
    [InlineData("{} | rate() | topk(1.5)", "line 1, column 20: a whole number was expected, not '1.5'")]
    [InlineData("{} | quantile_over_time(duration)", "line 1, column 33: a quantile was expected, as in quantile_over_time(duration, 0.99)")]
    [InlineData("{} | quantile_over_time(duration, 99)", "line 1, column 6: quantiles are from 0 to 1, and not 99")]
    [InlineData("{} | min_over_time(name)", "line 1, column 20: a number was expected, and not a string")]
    [InlineData("{} | min_over_time(1)", "line 1, column 20: min_over_time needs a field of the span")]
    [InlineData("{} | compare({}, 0)", "line 1, column 6: compare tells at least one value of each attribute")]
    [InlineData("{} | compare({}, 5, 20, 10)", "line 1, column 6: compare's start and end are nanoseconds since 1970, the end after the start")]
    [InlineData("{} with(1=2)", "line 1, column 9: a hint's name was expected, not '1'")]
    [InlineData("{} with(a=name)", "line 1, column 11: a value was expected, not 'name'")]
    public void What_is_wrong_is_said_with_its_place(string query, string problem) =>
        Assert.StartsWith($"Invalid TraceQL query, {problem}.\n", Problem(query), StringComparison.Ordinal);

    [Fact]
    public void The_place_is_shown_with_a_caret_under_it()
    {
        const string expected = """
            Invalid TraceQL query, line 2, column 11: a duration can't be compared with a string.
             duration > "x"
                      ^
            """;
        Assert.Equal(expected.ReplaceLineEndings("\n"), Problem("{ .a = 1 &&\n\tduration > \"x\"\n}"));
        string shown = Problem("{ .a = \"" + new string('x', 1_000) + "\" && foo = 1 }").Split('\n')[1];
        Assert.InRange(shown.Length, 50, 100);
        Assert.Contains("foo = 1", shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("{", null)]
    [InlineData("{}", null)]
    [InlineData("{ span.a = }", null)]
    [InlineData("{ span.a = \"x\" && }", "span.a = \"x\"")]
    [InlineData("{ span.a = \"x\" && span.b", "(span.a = \"x\") && span.b")]
    [InlineData("{ span.a = \"x\" && span.b = ", "span.a = \"x\"")]
    [InlineData("{ span.a = \"x\" && span.b = \"y", "span.a = \"x\"")]
    [InlineData("{ span.a = && span.b = 1 && span.c =~ }", "span.b = (1)")]
    [InlineData("{ (span.a = || span.b = 1) && foo && span.c = 2", "(span.b = (1)) && (span.c = (2))")]
    [InlineData("{ (span.a = ", null)]
    [InlineData("{ span.a = (1 + && span.b = 2 }", null)]
    [InlineData("{ span.a = 1 span.b = 2 && span.c = 3 }", "span.c = (3)")]
    [InlineData("{ span.a = 1 } && { span.b = 2 } | cou", "span.a = (1)")]
    public void Of_what_is_half_written_the_rest_is_read(string query, string? expected)
    {
        FieldExpression? read = TraceQlParser.ParseLeniently(query);

        Assert.Equal(expected, read is null ? null : TraceQlPrinter.Print(read));
    }

    [Fact]
    public void What_nests_or_repeats_without_end_is_an_error_and_no_crash()
    {
        string[] endless = ["(", "-", "!", "2 ^ ", ".a + ", ".a * ", ".a = ", "{", "{} >> ", "({} | ", "count() + ", "{} && "];
        foreach (string piece in endless)
        {
            string many = string.Concat(Enumerable.Repeat(piece, TraceQlParser.MaxQueryLength / piece.Length));
            Assert.Throws<TraceQlException>(() => TraceQlParser.Parse(many));
            Assert.Throws<TraceQlException>(() => TraceQlParser.Parse("{ " + many[..^3]));
            TraceQlParser.ParseLeniently("{ " + many);
        }

        string nested = "1", spansets = "{}";
        for (int level = 0; level < 150; level++)
        {
            nested = $"({nested}{string.Concat(Enumerable.Repeat("-1", 150))})";
            spansets = $"({spansets}{string.Concat(Enumerable.Repeat(">{}", 150))})";
        }

        Assert.Throws<TraceQlException>(() => TraceQlParser.Parse($"{{ {nested} = 1 }}"));
        Assert.Throws<TraceQlException>(() => TraceQlParser.Parse(spansets));
        TraceQlParser.Parse("{ " + string.Join(" && ", Enumerable.Repeat(".a = 1", 10_000)) + " }");
    }

    /// <summary>What is printed is read as the same query: it has a meaning, and is printed the same again.</summary>
    [Fact]
    public void Any_query_is_read_as_it_was_written() => Gen.Int.Sample(
        seed =>
        {
            string printed = TraceQlPrinter.Print(new TraceQlSamples(new Random(seed), s_names, ["", "a", "a\"b\\d", "é\n\t", ".*"]).Query());
            Assert.Equal(printed, TraceQlPrinter.Print(TraceQlParser.Parse(printed)));
        },
        iter: 20_000);

    private static readonly string[] s_names = ["a", "http.status_code", "k8s/pod-name", "a b", "5x", "span.x", "resource.y", "é", "a\"b", "name", "a:b", "a//b"];

    private static string Problem(string query) => Assert.Throws<TraceQlException>(() => TraceQlParser.Parse(query)).Message;
}

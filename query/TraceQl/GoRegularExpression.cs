using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace TraceStore.Query.TraceQl;

/// <summary>
/// A regular expression in Go's dialect (RE2, "Syntax"), that must match all of a value, and in which a dot matches line breaks as well. It is
/// written in .NET's dialect, and run without backtracking: no expression takes longer than its value is long.
/// </summary>
public sealed class GoRegularExpression
{
    private const int MaxRepeat = 1_000;

    /// <summary>A character that UTF-16 has in two halves.</summary>
    private const string Pair = "[\\uD800-\\uDBFF][\\uDC00-\\uDFFF]";

    private static readonly FrozenDictionary<char, string> s_classes = new Dictionary<char, string>
    {
        ['d'] = "0-9", ['D'] = "\\x00-/:-\\uFFFF",
        ['s'] = "\\t\\n\\f\\r ", ['S'] = "\\x00-\\x08\\x0B\\x0E-\\x1F!-\\uFFFF",
        ['w'] = "0-9A-Za-z_", ['W'] = "\\x00-/:-@\\[-\\^`{-\\uFFFF",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, string> s_named = new Dictionary<string, string>
    {
        ["alnum"] = "0-9A-Za-z", ["alpha"] = "A-Za-z", ["ascii"] = "\\x00-\\x7F", ["blank"] = "\\t ", ["cntrl"] = "\\x00-\\x1F\\x7F", ["digit"] = "0-9", ["graph"] = "!-~",
        ["lower"] = "a-z", ["print"] = " -~", ["punct"] = "!-/:-@\\[-`{-~", ["space"] = "\\t\\n\\v\\f\\r ", ["upper"] = "A-Z", ["word"] = "0-9A-Za-z_", ["xdigit"] = "0-9A-Fa-f",
    }.ToFrozenDictionary();

    /// <summary>What .NET allows without it is used up by twenty names with bars between them.</summary>
    private const string SizeSetting = "REGEX_NONBACKTRACKING_MAX_AUTOMATA_SIZE";
    private const int MaxSize = 100_000, MaxKnown = 256;

    private static readonly ConcurrentDictionary<string, GoRegularExpression> s_known = [];

    private readonly Regex _expression;

    private GoRegularExpression(Regex expression) => _expression = expression;

    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static GoRegularExpression Parse(string pattern)
    {
        if (s_known.TryGetValue(pattern, out GoRegularExpression? known)) return known;
        try
        {
            AppContext.SetData(SizeSetting, MaxSize); // read once, before the first
            known = new GoRegularExpression(new Regex($"\\A(?:{new Reader(pattern).ReadAll()})\\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.Singleline));
            if (s_known.Count >= MaxKnown) s_known.Clear(); // to write one takes long; queries ask for few, for each trace anew
            s_known[pattern] = known;
            return known;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new FormatException(e is NotSupportedException ? "it is too large" : "its brackets or repetitions don't fit", e);
        }
    }

    public bool IsMatch(string value) => _expression.IsMatch(value);

    /// <summary>Writes a pattern in .NET's dialect. Groups capture nothing: only whether it matches is asked.</summary>
    private sealed class Reader(string pattern)
    {
        private readonly StringBuilder _written = new();
        private readonly Stack<(bool IsMultiline, bool IsDotAll)> _groups = new();
        private (bool IsMultiline, bool IsDotAll) _flags = (false, true);
        private int _next;

        private char Next => _next < pattern.Length ? pattern[_next] : '\0';

        private bool HasEnded => _next >= pattern.Length;

        public string ReadAll()
        {
            while (!HasEnded)
            {
                char character = pattern[_next++];
                switch (character)
                {
                    case '\\': ReadEscape(); break;
                    case '[': ReadClass(); break;
                    case '(': ReadGroup(); break;
                    case ')':
                        if (!_groups.TryPop(out _flags)) throw new FormatException("a bracket is closed that isn't open");
                        _written.Append(')');
                        break;
                    case '.': _written.Append(_flags.IsDotAll ? $"(?:{Pair}|[\\x00-\\uFFFF])" : $"(?:{Pair}|[^\\n])"); break;
                    case '$': _written.Append(_flags.IsMultiline ? "$" : "\\z"); break;
                    case '{': ReadRepeat(); break;
                    case ' ' or '#': _written.Append('\\').Append(character); break;
                    default: _written.Append(character); break;
                }
            }

            return _groups.Count == 0 ? _written.ToString() : throw new FormatException("a bracket isn't closed");
        }

        private void ReadEscape()
        {
            char kind = Next;
            if (HasEnded) throw new FormatException("a backslash stands at its end");
            _next++;
            if (s_classes.TryGetValue(kind, out string? members)) _written.Append(char.IsUpper(kind) ? $"(?:{Pair}|[{members}])" : $"[{members}]");
            else if (kind is 'A' or 'z' or 'b' or 'B') _written.Append('\\').Append(kind);
            else if (kind is 'p' or 'P') _written.Append(ReadCategory(kind));
            else if (kind == 'Q') ReadQuoted();
            else _written.Append(ReadCharacter(kind));
        }

        private void ReadQuoted()
        {
            int end = pattern.IndexOf("\\E", _next, StringComparison.Ordinal);
            string quoted = end < 0 ? pattern[_next..] : pattern[_next..end];
            _written.Append(Regex.Escape(quoted));
            _next = end < 0 ? pattern.Length : end + 2;
        }

        /// <summary>An escape that stands for one character; its letter is read.</summary>
        private string ReadCharacter(char kind)
        {
            if (kind is 'a' or 'f' or 'n' or 'r' or 't' or 'v') return $"\\{kind}";
            if (kind == 'x') return Written(ReadHexadecimal());
            if (kind == '0' || (kind is >= '1' and <= '7' && Next is >= '0' and <= '7'))
            {
                int code = kind - '0';
                for (int digits = 1; digits < 3 && Next is >= '0' and <= '7'; digits++) code = (code * 8) + (pattern[_next++] - '0');
                return Written(code);
            }

            if (!char.IsAscii(kind) || char.IsAsciiLetterOrDigit(kind)) throw new FormatException($"\\{kind} has no meaning");
            return $"\\{kind}";
        }

        private int ReadHexadecimal()
        {
            int end = Next == '{' ? pattern.IndexOf('}', _next) : _next + 2;
            int start = Next == '{' ? _next + 1 : _next;
            if (end < start || end > pattern.Length || !int.TryParse(pattern.AsSpan(start, end - start), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code) || !Rune.IsValid(code)) throw new FormatException("\\x needs a character's number, as in \\x7F or \\x{10FFFF}");
            _next = Next == '{' ? end + 1 : end;
            return code;
        }

        private static string Written(int code) => code <= char.MaxValue ? $"\\u{code:X4}" : $"(?:{new Rune(code)})";

        private string ReadCategory(char kind)
        {
            int end = Next == '{' ? pattern.IndexOf('}', _next) : _next;
            if (HasEnded || end < 0) throw new FormatException("\\p needs a category, as in \\pL or \\p{Lu}");
            string name = Next == '{' ? pattern[(_next + 1)..end] : $"{Next}";
            _next = end + 1;
            bool isNegated = name.StartsWith('^');
            if (isNegated) name = name[1..];
            if (name.Length is 0 or > 2) throw new FormatException($"\\p{{{name}}} isn't known; letters' categories are, such as \\p{{Lu}}");
            return $"\\{(isNegated == (kind == 'p') ? 'P' : 'p')}{{{name}}}";
        }

        private void ReadClass()
        {
            bool isNegated = Next == '^';
            if (isNegated) _next++;
            var members = new StringBuilder();
            for (bool isFirst = true; isFirst || Next != ']'; isFirst = false)
            {
                if (HasEnded) throw new FormatException("a class isn't closed");
                members.Append(ReadMember());
            }

            _next++;
            if (members.ToString() is var all && (all.Any(char.IsSurrogate) || all.Contains("(?:", StringComparison.Ordinal))) throw new FormatException("a class of characters beyond U+FFFF isn't known: list them, as in (?:a|b)");
            _written.Append(isNegated ? $"(?:{Pair}|[^{members}])" : $"[{members}]");
        }

        private string ReadMember()
        {
            if (pattern.AsSpan(_next).StartsWith("[:", StringComparison.Ordinal))
            {
                int end = pattern.IndexOf(":]", _next, StringComparison.Ordinal);
                string name = end < 0 ? "" : pattern[(_next + 2)..end];
                if (!s_named.TryGetValue(name, out string? members)) throw new FormatException($"[:{name}:] isn't known");
                _next = end + 2;
                return members;
            }

            char character = pattern[_next++];
            if (character != '\\') return character is '[' or ']' or '^' ? $"\\{character}" : $"{character}";
            char kind = Next;
            if (HasEnded) throw new FormatException("a backslash stands at its end");
            _next++;
            return s_classes.TryGetValue(kind, out string? known) ? known : kind is 'p' or 'P' ? ReadCategory(kind) : ReadCharacter(kind);
        }

        private void ReadGroup()
        {
            _groups.Push(_flags);
            if (Next != '?')
            {
                _written.Append("(?:");
                return;
            }

            _next++;
            if (Next is 'P' or '<')
            {
                if (Next == 'P') _next++;
                int end = pattern.IndexOf('>', _next);
                if (Next != '<' || end < 0 || !pattern[(_next + 1)..end].All(character => char.IsAsciiLetterOrDigit(character) || character == '_') || end == _next + 1) throw new FormatException("(?P needs a name, as in (?P<name>…); what looks ahead or behind isn't known");
                _next = end + 1;
                _written.Append("(?:");
                return;
            }

            ReadFlags();
        }

        private void ReadFlags()
        {
            (string on, string off) = ("", "");
            bool isOff = false;
            for (; !HasEnded && Next is not (':' or ')'); _next++)
            {
                if (Next == '-' && !isOff) isOff = true;
                else if (Next is 'i' or 'm' or 's') (on, off) = isOff ? (on, off + Next) : (on + Next, off);
                else if (Next != 'U') throw new FormatException($"(?{Next} has no meaning"); // U changes only what is captured
                if (Next == 'm') _flags.IsMultiline = !isOff;
                if (Next == 's') _flags.IsDotAll = !isOff;
            }

            if (HasEnded) throw new FormatException("a bracket isn't closed");
            bool isGroup = pattern[_next++] == ':';
            string flags = off.Length > 0 ? $"{on}-{off}" : on;
            _written.Append(isGroup ? $"(?{flags}:" : flags.Length > 0 ? $"(?{flags})" : "");
            if (!isGroup) _groups.Pop(); // for the rest of the group around it
        }

        private void ReadRepeat()
        {
            int end = pattern.IndexOf('}', _next);
            string[] bounds = end < 0 ? [] : pattern[_next..end].Split(',');
            if (bounds.Length is not (1 or 2) || !bounds[0].All(char.IsAsciiDigit) || bounds[0].Length == 0 || !bounds[^1].All(char.IsAsciiDigit))
            {
                _written.Append("\\{"); // no repetition
                return;
            }

            if (bounds.Any(bound => bound.Length > 4 || (bound.Length > 0 && int.Parse(bound, CultureInfo.InvariantCulture) > MaxRepeat))) throw new FormatException($"something is repeated more than {MaxRepeat} times");
            _written.Append('{').Append(pattern, _next, end + 1 - _next);
            _next = end + 1;
        }
    }
}

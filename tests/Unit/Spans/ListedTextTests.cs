using System.Text;
using TraceStore.Storage.Spans;

namespace TraceStore.Tests.Unit.Spans;

public class ListedTextTests
{
    [Theory]
    [InlineData("x")]
    [InlineData("ä")]
    [InlineData("€")]
    [InlineData("😀")]
    public void Very_long_text_is_cut_between_characters(string character)
    {
        int bytes = Encoding.UTF8.GetByteCount(character);
        for (int before = 0; before < 5; before++)
        {
            string text = new string('.', before) + string.Concat(Enumerable.Repeat(character, ListedText.MaxBytes));

            string listed = ListedText.Of(text);

            Assert.StartsWith(listed, text, StringComparison.Ordinal);
            Assert.InRange(Encoding.UTF8.GetByteCount(listed), ListedText.MaxBytes - bytes + 1, ListedText.MaxBytes);
            Assert.Equal(Encoding.UTF8.GetBytes(listed), ListedText.Of(Encoding.UTF8.GetBytes(text)));
        }
    }

    [Fact]
    public void Other_text_stays_as_it_is()
    {
        byte[] longest = Encoding.UTF8.GetBytes(new string('x', ListedText.MaxBytes));
        byte[] noText = [.. Enumerable.Repeat((byte)0x80, 2 * ListedText.MaxBytes)];

        Assert.Equal(longest, ListedText.Of(longest));
        Assert.InRange(ListedText.Of(noText).Length, ListedText.MaxBytes - 4, ListedText.MaxBytes);
        Assert.Equal("", ListedText.Of(""));
    }
}

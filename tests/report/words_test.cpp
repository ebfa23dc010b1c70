// Text of charts.
#include "report/words.h"

#include <gtest/gtest.h>

namespace heddle::report {
namespace {

TEST(Words, EscapesWhatXmlWouldRead) {
  EXPECT_EQ(escaped("a<b & \"c\" > 'd'"), "a&lt;b &amp; &quot;c&quot; &gt; &#39;d&#39;");
  EXPECT_EQ(escaped("µ 10⁹\n"), "µ 10⁹\n");
}

TEST(Words, ReplacesWhatXmlHasNoPlaceFor) {
  EXPECT_EQ(escaped(std::string_view("a\0b\x1b", 4)), "a\uFFFDb\uFFFD");
  EXPECT_EQ(escaped("\xff\xc3"), "\uFFFD\uFFFD");
}

TEST(Words, FitsAndWrapsWithinTheWidth) {
  const std::string text = "some words and averyveryverylongwordthatdoesnotendsoon µµµµ";
  EXPECT_EQ(fit("short", 100), "short");
  EXPECT_LE(text_width(fit(text, 100)), 100);
  EXPECT_TRUE(fit(text, 100).ends_with("…"));
  std::string together;
  for (const std::string& line : wrap(text, 60)) {
    EXPECT_LE(text_width(line), 60) << line;
    together += line;
  }
  std::string letters = text;
  std::erase(letters, ' ');
  std::erase(together, ' ');
  EXPECT_EQ(together, letters);
  EXPECT_EQ(wrap("xy", 1), (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(wrap("", 10).empty());
}

TEST(Words, ShortNumbers) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(0.25), "0.25");
  EXPECT_EQ(short_number(17.81), "17.8");
  EXPECT_EQ(short_number(999.6), "1000");
  EXPECT_EQ(short_number(6527.4), "6527");
  EXPECT_EQ(short_number(9999.7), "10k");
  EXPECT_EQ(short_number(7139741), "7.14M");
  EXPECT_EQ(short_number(999600), "1M");
  EXPECT_EQ(short_number(-2.4e9), "-2.4G");
  EXPECT_EQ(short_number(1e20), "1e+20");
}

TEST(Words, ShortBytes) {
  EXPECT_EQ(short_bytes(0), "0 B");
  EXPECT_EQ(short_bytes(1023), "1023 B");
  EXPECT_EQ(short_bytes(1536), "1.50 KiB");
  EXPECT_EQ(short_bytes(1023.0 * 1024), "1023 KiB");
  EXPECT_EQ(short_bytes(8.0 * 1024 * 1024 * 1024), "8.00 GiB");
}

}  // namespace
}  // namespace heddle::report

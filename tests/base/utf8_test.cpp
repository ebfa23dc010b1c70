// UTF-8, character by character.
#include "base/utf8.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

TEST(Utf8, EveryCodePointThereAndBack) {
  for (char32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    std::string text;
    append_utf8(text, code);
    const Utf8Char found = utf8_at(text, 0);
    ASSERT_EQ(found.kind, Utf8Kind::kValid);
    ASSERT_EQ(+found.code, +code);
    ASSERT_EQ(found.length, text.size());
    for (std::size_t length = 1; length < text.size(); ++length) {
      ASSERT_EQ(incomplete_utf8_tail(text.substr(0, length)), length);
    }
    ASSERT_EQ(incomplete_utf8_tail(text), 0);
  }
}

// The examples of The Unicode Standard, section 3.9, tables 3-8 to 3-11.
TEST(Utf8, OneReplacementForEachMaximalPart) {
  const std::string r = "\uFFFD";
  EXPECT_EQ(replace_invalid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(replace_invalid_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(replace_invalid_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(replace_invalid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
}

}  // namespace
}  // namespace heddle

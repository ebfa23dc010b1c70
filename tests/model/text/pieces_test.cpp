// The small parts: the byte alphabet, the pieces of a text, patterns.
#include <gtest/gtest.h>

#include "model/text/byte_level.h"
#include "model/text/pretokenizer.h"
#include "model/text/unicode.h"
#include "text_fixture.h"

namespace heddle {
namespace {

using Texts = std::vector<std::string>;

Texts words_of(const std::string& text) {
  Texts words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = byte_level_piece_end(text, at);
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

Texts pieces_of(const char* pretokenizer, const std::string& text) {
  const Pieces pieces = Pretokenizer::from_json(Json::parse(pretokenizer), "test").split(text);
  Texts texts;
  for (std::size_t i = 0; i < pieces.ranges.size(); ++i) texts.emplace_back(pieces[i]);
  return texts;
}

TEST(ByteLevel, AlphabetIsOneToOne) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char32_t symbol = byte_symbol(static_cast<std::uint8_t>(byte));
    ASSERT_EQ(symbol_byte(symbol), byte);
    ASSERT_FALSE(is_white_space(symbol));
  }
  EXPECT_EQ(+byte_symbol(' '), 0x120);
  EXPECT_EQ(+byte_symbol('\n'), 0x10A);
  EXPECT_EQ(symbol_byte(U' '), std::nullopt);
  EXPECT_EQ(symbol_byte(0x144), std::nullopt);
  EXPECT_EQ(token_bytes("Ġa"), " a");
  EXPECT_EQ(token_bytes("  "), "  ");
}

TEST(ByteLevel, Words) {
  EXPECT_EQ(words_of("Hello, world!"), (Texts{"Hello", ",", " world", "!"}));
  EXPECT_EQ(words_of("don't we'll"), (Texts{"don", "'t", " we", "'ll"}));
  EXPECT_EQ(words_of("''s 's"), (Texts{"''", "s", " '", "s"}));
  EXPECT_EQ(words_of("a   b"), (Texts{"a", "  ", " b"}));
  EXPECT_EQ(words_of("a \n\tb"), (Texts{"a", " \n", "\t", "b"}));
  EXPECT_EQ(words_of("a  "), (Texts{"a", "  "}));
  EXPECT_EQ(words_of("x12²½"), (Texts{"x", "12²½"}));
  EXPECT_EQ(words_of("a\u3000\u3000b"), (Texts{"a", "\u3000", "\u3000", "b"}));
}

TEST(Unicode, SomeProperties) {
  EXPECT_TRUE(is_letter(U'é') && is_letter(U'機') && !is_letter(U'1') && !is_letter(0x301));
  EXPECT_TRUE(is_number(U'½') && is_number(U'Ⅷ') && is_number(U'٣') && !is_number(U'a'));
  EXPECT_TRUE(is_word(0x301) && is_word(U'_') && !is_word(U'-'));
  EXPECT_TRUE(is_white_space(0x85) && is_white_space(0x3000) && !is_white_space(0x180E));
  std::size_t newer = 0;
  for (char32_t code = 0; code < 0x110000; ++code) {
    ASSERT_TRUE(is_numeric(code) || !is_number(code));
    newer += is_numeric(code) != is_number(code) ? 1 : 0;
  }
  EXPECT_EQ(newer, 13);  // Digits of Unicode 17, in the Digits step only.
}

TEST(Pretokenizer, Splits) {
  const std::string text = "The-final--countdown";
  const auto split = [&](const std::string& behavior) {
    return pieces_of((R"({"type":"Split","pattern":{"String":"-"},"invert":false,"behavior":")" +
                      behavior + "\"}")
                         .c_str(),
                     text);
  };
  EXPECT_EQ(split("Removed"), (Texts{"The", "final", "countdown"}));
  EXPECT_EQ(split("Isolated"), (Texts{"The", "-", "final", "-", "-", "countdown"}));
  EXPECT_EQ(split("MergedWithPrevious"), (Texts{"The-", "final-", "-", "countdown"}));
  EXPECT_EQ(split("MergedWithNext"), (Texts{"The", "-final", "-", "-countdown"}));
  EXPECT_EQ(split("Contiguous"), (Texts{"The", "-", "final", "--", "countdown"}));
}

TEST(Pretokenizer, Steps) {
  EXPECT_EQ(pieces_of("null", "a b"), (Texts{"a b"}));
  EXPECT_EQ(pieces_of("null", ""), Texts{});
  EXPECT_EQ(pieces_of(R"({"type":"Digits","individual_digits":true})", "a12b"),
            (Texts{"a", "1", "2", "b"}));
  EXPECT_EQ(pieces_of(R"({"type":"Digits","individual_digits":false})", "12b3"),
            (Texts{"12", "b", "3"}));
  EXPECT_EQ(pieces_of(R"({"type":"ByteLevel","add_prefix_space":true})", "a é"),
            (Texts{"Ġa", "ĠÃ©"}));
}

TEST(Pattern, MatchesCoverTheText) {
  std::mt19937 random(9);
  const Pattern pattern = Pattern::regex(R"(\p{Lu}\w*|\d+|(?=x)|\s+$)", "test");
  std::size_t parts = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = random_text(random, 30);
    std::size_t at = 0;
    for (const Match& part : pattern.find_all(text)) {
      ASSERT_EQ(part.begin, at);
      ASSERT_LE(part.begin, part.end);
      at = part.end;
      ++parts;
    }
    ASSERT_EQ(at, text.size());
  }
  fmt::print("3000 texts, {} parts\n", parts);
}

}  // namespace
}  // namespace heddle

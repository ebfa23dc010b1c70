// Time in proportion to the text: work is counted, not timed (timings are printed only).
#include <gtest/gtest.h>

#include <chrono>

#include "base/file.h"
#include "base/utf8.h"
#include "model/text/byte_level.h"
#include "text_fixture.h"

namespace heddle {
namespace {

constexpr std::size_t kMegabyte = 1 << 20;

std::string repeat(const std::string& unit, std::size_t bytes) {
  std::string text;
  text.reserve(bytes + unit.size());
  while (text.size() < bytes) text += unit;
  return text;
}

/// Texts that make a careless tokenizer quadratic.
std::vector<std::string> hard_texts(std::size_t bytes) {
  return {repeat("a", bytes),          repeat(" ", bytes),        repeat(" ", bytes) + "x",
          repeat("\n", bytes) + "x",   repeat("the", bytes),      repeat("1", bytes),
          repeat("abcdefgh", bytes),   repeat("!", bytes),        repeat("\u3000", bytes) + "x",
          repeat("\u00e9", bytes),     repeat(" \n", bytes),      repeat("<imag", bytes),
          repeat("<image>", bytes),    repeat("<image> ", bytes), repeat("\t", bytes),
          repeat("\U0001F600", bytes), repeat("'s", bytes)};
}

Bpe synthetic_bpe() {
  const Json model = read_json(kSyntheticJson)["model"];
  Merges merges;
  for (const Json& merge : model["merges"]) merges.emplace_back(merge[0], merge[1]);
  return {Vocabulary::from_json(model["vocab"], "vocab"), merges, {}, "merges"};
}

std::string byte_symbols(std::string_view text) {
  std::string symbols;
  append_byte_symbols(symbols, text);
  return symbols;
}

// One piece of n characters costs at most 3 n candidate merges, and the heap behind them log n
// each.
TEST(Linear, MergesOfOnePiece) {
  const Bpe bpe = synthetic_bpe();
  Bpe::Scratch scratch;
  std::mt19937 random(5);
  std::size_t largest_work = 0;
  std::vector<std::string> texts = hard_texts(200'000);
  for (int i = 0; i < 200; ++i) texts.push_back(random_text(random, 300));
  for (const std::string& text : texts) {
    std::vector<std::int32_t> ids;
    const std::size_t work = bpe.encode(byte_symbols(text), scratch, ids);
    EXPECT_LE(work, 3 * text.size());
    largest_work = std::max(largest_work, work);
  }
  fmt::print("{} pieces, at most {} candidate merges\n", texts.size(), largest_work);
}

// Four times the text has four times the merges, exactly or nearly.
TEST(Linear, WorkGrowsWithTheText) {
  const Bpe bpe = synthetic_bpe();
  Bpe::Scratch scratch;
  const std::vector<std::string> small = hard_texts(50'000);
  const std::vector<std::string> large = hard_texts(200'000);
  for (std::size_t i = 0; i < small.size(); ++i) {
    std::vector<std::int32_t> ids;
    const std::size_t small_work = bpe.encode(byte_symbols(small[i]), scratch, ids);
    const std::size_t large_work = bpe.encode(byte_symbols(large[i]), scratch, ids);
    EXPECT_LE(large_work, 4 * small_work + 100) << small[i].substr(0, 10);
  }
}

TEST(Linear, PiecesCoverTheTextOnce) {
  for (const std::string& text : hard_texts(kMegabyte)) {
    std::size_t pieces = 0;
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t end = byte_level_piece_end(text, at);
      ASSERT_GT(end, at);
      at = end;
      ++pieces;
    }
    EXPECT_EQ(at, text.size());
    EXPECT_LE(pieces, text.size());
  }
}

// Megabytes of anything come back; in quadratic time this would take days.
TEST(Linear, Megabytes) {
  const Tokenizer& tokenizer = *synthetic_tokenizer();
  std::vector<std::string> texts = hard_texts(2 * kMegabyte);
  texts.push_back(repeat(" ", 10 * kMegabyte) + "x");
  texts.push_back(repeat("a", 10 * kMegabyte));
  for (const std::string& text : texts) {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<std::int32_t> ids = tokenizer.encode(text, {true, Truncation{}});
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    fmt::print("{:>24}...: {} bytes, {} ids, {:.2f} s\n",
               Json(text.substr(0, 12)).dump(-1, ' ', true), text.size(), ids.size(),
               seconds.count());
    EXPECT_EQ(tokenizer.decode(ids, SpecialTokens::kKeep), text);
  }
}

// White space that a token takes along is walked once, not once per token.
TEST(Linear, AddedTokensInWhiteSpace) {
  std::vector<AddedToken> tokens(2);
  tokens[0].content = "  ";
  tokens[0].rstrip = true;
  tokens[1].content = "\n";
  tokens[1].lstrip = true;
  const AddedTokens added(tokens);
  const std::string text = repeat(" ", 4 * kMegabyte) + repeat(" \n", 4 * kMegabyte);
  const std::vector<AddedTokens::Part> parts = added.split(text);
  fmt::print("{} parts of {} bytes\n", parts.size(), text.size());
  EXPECT_EQ(parts.size(), 4 * kMegabyte);
}

// The patterns users bring go through PCRE2: sound ones are linear on the same texts.
TEST(Linear, UserPattern) {
  const Pattern pattern = Pattern::regex(
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
      "pattern");
  for (const std::string& text : hard_texts(4 * kMegabyte)) {
    const std::vector<Match> parts = pattern.find_all(text);
    ASSERT_FALSE(parts.empty());
    EXPECT_EQ(parts.back().end, text.size());
  }
}

TEST(Linear, AmbiguousPatternIsRefused) {
  const Pattern pattern = Pattern::regex("^(a|aa)+$", "the pattern");
  const std::string error = user_error([&] { (void)pattern.find_all(repeat("a", 100) + "!"); });
  ASSERT_NE(error, "");
  fmt::print("{}\n", error);
  EXPECT_NE(error.find("the pattern: the regular expression ^(a|aa)+$ fails"), std::string::npos);
}

}  // namespace
}  // namespace heddle

// Names in messages.
#include "base/text.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

using Names = std::vector<std::string>;

TEST(Text, ShortenKeepsWhatFits) {
  EXPECT_EQ(shorten("abc", 3), "abc");
  EXPECT_EQ(shorten("abcd", 3), "abc...");
  EXPECT_EQ(shorten("", 3), "");
  EXPECT_EQ(quote("abc"), "\"abc\"");
}

TEST(Text, ShortenCutsBetweenCharacters) {
  EXPECT_EQ(shorten("aµµ", 3), "aµ...");
  EXPECT_EQ(shorten("aµµ", 4), "aµ...");
  EXPECT_EQ(shorten("aµµ", 5), "aµµ");
  EXPECT_EQ(shorten("\x80\x80\x80", 2), "...");  // Never a character's start.
}

TEST(Text, ShortenDisarmsControlCharacters) {
  EXPECT_EQ(shorten("a\x1b[31m\n\x7f"), "a?[31m??");
}

TEST(Text, NearestRanksByDistance) {
  const Names names = {"model.norm.weight", "model.norm.bias", "head.weight", "x"};
  EXPECT_EQ(nearest("model.norm.wieght", names), (Names{"model.norm.weight", "model.norm.bias"}));
  EXPECT_EQ(nearest("model.norm.weight", names, 1), Names{"model.norm.weight"});
  EXPECT_EQ(nearest("zzzzzzzz", names), Names{});
  EXPECT_EQ(nearest("abc", {}), Names{});
}

TEST(Text, NearestBoundsItsWork) {
  const Names names(100, std::string(1'000'000, 'a'));
  EXPECT_EQ(nearest(std::string(1'000'000, 'a'), names).size(), 3U);
}

}  // namespace
}  // namespace heddle

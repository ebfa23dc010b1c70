#include "kernel/library/word_products.h"

#include "kernel/library/exact_attention_inputs.h"
#include "kernel/library/exact_moe_inputs.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

/// How often a word stands in a text.
std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    ++found;
  }
  return found;
}

TEST(WordProducts, KeepTheBitsOfAttention) {
  const ExactAttentionShape layer = attention_shape(64, 64, 1, 16, 4).layer;
  const auto inputs = [&](Operands& o) { prepare(o, layer, 11); };
  const KernelPtr plain = attention_exact(layer);
  const Operands expected = run(plain, {}, inputs);
  const KernelPtr words = products_in_words(plain, 16).kernel();
  EXPECT_EQ(run_in_both(words, inputs).difference(expected), "");
  // Four projections, the scores and the weighted values.
  EXPECT_EQ(count(to_text(*words), " unroll {"), 6);
  EXPECT_EQ(count(to_text(*words), "lanes(16)"), 5);
}

TEST(WordProducts, LeaveWhatTheWidthDoesNotDivide) {
  const ExactMoeShape layer = moe_shape(5, 16, 24, 3).layer;
  const auto inputs = [&](Operands& o) { prepare(o, layer, 12); };
  const KernelPtr plain = moe_exact(layer);
  const KernelPtr words = products_in_words(plain, 16).kernel();
  EXPECT_EQ(run_in_both(words, inputs).difference(run(plain, {}, inputs)), "");
  // The router's and up's products, not down's of 24.
  EXPECT_EQ(count(to_text(*words), " unroll {"), 2);
}

}  // namespace
}  // namespace heddle::kernel

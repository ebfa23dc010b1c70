// The exact kernels at the shapes of real models, as native code, which the other tests hold to the
// interpreter's bits at small ones.
#include <cmath>

#include "kernel/library/exact_attention.h"
#include "kernel/library/exact_checks.h"
#include "kernel/library/exact_mlp.h"

namespace heddle::kernel {
namespace {

constexpr int kFraction = 20;  ///< of all values

TEST(ExactShapes, PerceptronOfAVisionTower) {
  Tally tally;
  const std::vector<std::int32_t> x = fixed_rows(8, 768, 1);
  const RandomLinear up(3072, 768, 4, 2);
  const RandomLinear down(768, 3072, 4, 3);
  const std::vector<std::int32_t> raised = up.of(x, kFraction, kFraction);
  std::vector<std::int32_t> active(raised.size());
  arith::map(heddle::Function::kGeluTanh, {raised, kFraction}, {active, kFraction});
  Operands o = run_native(mlp_exact({.rows = 8,
                                     .hidden = 768,
                                     .inner = 3072,
                                     .x_fraction = kFraction,
                                     .up_fraction = kFraction,
                                     .gelu_fraction = kFraction,
                                     .y_fraction = kFraction,
                                     .block = 4}),
                          [&](Operands& p) {
                            quantised(x, 768).put_into(p, "x");
                            up.put_into(p, "up_");
                            down.put_into(p, "down_");
                          });
  tally.expect_numbers(o, "y", down.of(active, kFraction, kFraction));
}

TEST(ExactShapes, AttentionOfAVisionTower) {
  Tally tally;
  constexpr std::int64_t kHeads = 12;
  constexpr std::int64_t kTokens = 256;
  constexpr std::int64_t kWidth = 768;
  const double scale = 1 / std::sqrt(64.0);
  const std::vector<std::int32_t> x = fixed_rows(kTokens, kWidth, 4);
  const std::vector<RandomLinear> to = {{kWidth, kWidth, 3, 5},
                                        {kWidth, kWidth, 3, 6},
                                        {kWidth, kWidth, 3, 7},
                                        {kWidth, kWidth, 3, 8}};
  std::vector<std::vector<std::int32_t>> rows;
  rows.reserve(3);
  for (std::size_t i = 0; i < 3; ++i) rows.push_back(to[i].of(x, kFraction, kFraction));
  heddle::Attention attention;
  attention.heads = kHeads;
  attention.kv_heads = kHeads;
  attention.head_dim = 64;
  attention.scale = scale;
  attention.visible_prefix = kTokens;
  std::vector<std::int32_t> context(x.size());
  arith::attention(attention, {rows[0], kFraction}, {rows[1], kFraction}, {rows[2], kFraction},
                   {context, kFraction});
  Operands o = run_native(attention_exact({.tokens = kTokens,
                                           .hidden = kWidth,
                                           .heads = kHeads,
                                           .head_dim = 64,
                                           .x_fraction = kFraction,
                                           .q_fraction = kFraction,
                                           .k_fraction = kFraction,
                                           .v_fraction = kFraction,
                                           .context_fraction = kFraction,
                                           .y_fraction = kFraction,
                                           .scale = scale,
                                           .block = 16}),
                          [&](Operands& p) {
                            quantised(x, kWidth).put_into(p, "x");
                            const std::vector<std::string> names = {"q_", "k_", "v_", "out_"};
                            for (std::size_t i = 0; i < 4; ++i) to[i].put_into(p, names[i]);
                          });
  tally.expect_numbers(o, "y", to[3].of(context, kFraction, kFraction));
}

}  // namespace
}  // namespace heddle::kernel

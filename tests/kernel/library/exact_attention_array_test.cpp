#include "kernel/library/exact_attention_array.h"

#include "kernel/library/exact_attention_inputs.h"
#include "kernel/library/exact_attention_launches.h"
#include "support/user_error.h"

namespace heddle::kernel {
namespace {

TEST(ExactAttentionArray, GivesTheBitsOfTheLayerInFourLaunches) {
  std::uint64_t seed = 40;
  for (const auto& [tokens, hidden, heads, tile_rows, lanes] : std::vector<std::array<int, 5>>{
           {64, 64, 1, 16, 4}, {128, 64, 2, 32, 8}, {64, 128, 3, 64, 64}}) {
    const AttentionArrayShape shape = attention_shape(tokens, hidden, heads, tile_rows, lanes);
    const auto inputs = [&](Operands& o) { prepare(o, shape.layer, seed); };
    ++seed;
    Operands expected = run_in_both(attention_exact(shape.layer), inputs);
    const std::vector<std::int64_t> y = numbers_in(expected.buffer("y"));
    const auto [least, most] = std::ranges::minmax(y);
    EXPECT_LT(least, most);
    const KernelPtr kernel = attention_array(shape);
    for (const KernelPtr& form : {kernel, attention_array_arrays(kernel, true).kernel()}) {
      const NativeLibrary native({form});
      for (const bool is_native : {false, true}) {
        Operands found(attention_exact(shape.layer), {});
        inputs(found);
        attend_by_launches(shape, found.arguments(),
                           [&](AttentionStep, std::span<const Argument> arguments) {
                             if (is_native) {
                               native.run({arguments.begin(), arguments.end()});
                             } else {
                               interpret(*form, {arguments.begin(), arguments.end()});
                             }
                           });
        EXPECT_EQ(found.difference(expected), "");
      }
    }
  }
}

TEST(ExactAttentionArray, RefusesShapesThatDoNotFillWords) {
  const auto of = [](AttentionArrayShape shape) {
    return user_error([&] { attention_array(shape); });
  };
  AttentionArrayShape shape = attention_shape(64, 64, 1, 16, 4);
  shape.layer.head_dim = 32;
  EXPECT_NE(of(shape).find("heads of 32"), std::string::npos);
  EXPECT_NE(of(attention_shape(96, 64, 1, 16, 4)).find("tokens=96"), std::string::npos);
  EXPECT_NE(of(attention_shape(64, 80, 1, 16, 4)).find("hidden=80"), std::string::npos);
  EXPECT_NE(of(attention_shape(64, 8192, 1, 16, 4)).find("8192"), std::string::npos);
  EXPECT_NE(of(attention_shape(64, 64, 1, 24, 4)).find("tiles of 24"), std::string::npos);
  EXPECT_NE(of(attention_shape(64, 64, 1, 16, 3)).find("divide tile_rows"), std::string::npos);
}

}  // namespace
}  // namespace heddle::kernel

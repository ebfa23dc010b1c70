#include "kernel/library/exact_moe_dataflow.h"

#include "kernel/library/exact_moe_inputs.h"
#include "support/user_error.h"

namespace heddle::kernel {
namespace {

TEST(ExactMoeDataflow, GivesTheBitsOfTheLayerInTwoLaunches) {
  std::uint64_t seed = 70;
  for (const auto& [tokens, hidden, inner, experts] :
       std::vector<std::array<int, 4>>{{1, 16, 8, 3}, {21, 32, 40, 4}, {30, 48, 16, 8}}) {
    const MoeDataflowShape shape = moe_shape(tokens, hidden, inner, experts);
    const auto inputs = [&](Operands& o) { prepare(o, shape.layer, seed); };
    ++seed;
    const KernelPtr layer = moe_exact(shape.layer);
    Operands expected = run_in_both(layer, inputs);
    if (tokens > 1) {
      const auto [least, most] = std::ranges::minmax(numbers_in(expected.buffer("y")));
      EXPECT_LT(least, most);
    }
    const KernelPtr route = moe_route(shape);
    const KernelPtr mix = moe_dataflow(shape);
    const std::vector<std::vector<KernelPtr>> forms = {
        {route, mix},
        {moe_route_words(route, shape).kernel(), moe_dataflow_arrays(mix, shape, false).kernel()},
        {moe_route_words(route, shape).kernel(), moe_dataflow_arrays(mix, shape, true).kernel()}};
    for (const std::vector<KernelPtr>& form : forms) {
      const NativeLibrary native(form);
      for (const bool is_native : {false, true}) {
        Operands found(layer, {});
        inputs(found);
        const std::int64_t tiles = mix_by_launches(
            shape, found.arguments(), [&](std::size_t n, std::span<const Argument> arguments) {
              if (is_native) {
                native.run({arguments.begin(), arguments.end()}, n);
              } else {
                interpret(*form[n], {arguments.begin(), arguments.end()});
              }
            });
        EXPECT_EQ(found.difference(expected), "");
        EXPECT_GE(tiles * shape.tile_rows, tokens);
        EXPECT_LE(tiles, shape.most_tiles());
      }
    }
  }
}

TEST(ExactMoeDataflow, RefusesShapesThatDoNotDivide) {
  MoeDataflowShape shape = moe_shape(4, 24, 16, 2);
  EXPECT_NE(user_error([&] { moe_dataflow(shape); }).find("multiple of 16"), std::string::npos);
  shape = moe_shape(40000, 16, 16, 2);
  EXPECT_NE(user_error([&] { moe_route(shape); }).find("40000 tokens"), std::string::npos);
  shape = moe_shape(4, 16, 16, 300);
  EXPECT_NE(user_error([&] { moe_route(shape); }).find("300 experts"), std::string::npos);
}

}  // namespace
}  // namespace heddle::kernel

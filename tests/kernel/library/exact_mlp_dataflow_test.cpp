#include "kernel/library/exact_mlp_dataflow.h"

#include "kernel/library/exact_checks.h"
#include "support/user_error.h"

namespace heddle::kernel {
namespace {

/// Rows of codes with their Scales, and weights, for any of the two kernels.
void prepare(Operands& operands, const ExactMlpShape& shape, std::uint64_t seed) {
  quantised(fixed_rows(shape.rows, shape.hidden, seed), shape.hidden).put_into(operands, "x");
  RandomLinear(shape.inner, shape.hidden, shape.x_fraction - shape.up_fraction, seed)
      .put_into(operands, "up_");
  RandomLinear(shape.hidden, shape.inner, shape.gelu_fraction - shape.y_fraction, seed + 50)
      .put_into(operands, "down_");
}

TEST(ExactMlpDataflow, GivesTheBitsOfTheLayerUnderEachSchedule) {
  std::uint64_t seed = 900;
  for (const auto& [rows, hidden, inner, tile_rows, width, together] :
       std::vector<std::array<int, 6>>{
           {4, 16, 8, 2, 4, 1}, {12, 48, 72, 6, 8, 4}, {16, 32, 16, 16, 16, 2}}) {
    const MlpDataflowShape shape{.layer = {.rows = rows,
                                           .hidden = hidden,
                                           .inner = inner,
                                           .x_fraction = 18,
                                           .up_fraction = 20,
                                           .gelu_fraction = 21,
                                           .y_fraction = 17},
                                 .tile_rows = tile_rows,
                                 .width = width,
                                 .quantised = together};
    const auto inputs = [&](Operands& o) { prepare(o, shape.layer, seed); };
    ++seed;
    Operands expected = run_in_both(mlp_exact(shape.layer), inputs);
    const auto [least, most] = std::ranges::minmax(numbers_in(expected.buffer("y")));
    EXPECT_LT(least, most);
    const KernelPtr kernel = mlp_dataflow(shape);
    for (const KernelPtr& form : {kernel, perceptron_arrays(kernel, shape.arrays(), false).kernel(),
                                  perceptron_arrays(kernel, shape.arrays(), true).kernel()}) {
      Operands found = run_in_both(form, inputs);
      EXPECT_EQ(numbers_in(found.buffer("y")), numbers_in(expected.buffer("y")));
    }
  }
}

TEST(ExactMlpDataflow, RefusesShapesThatDoNotDivide) {
  const auto of = [](const std::map<std::string, std::string>& given) {
    return user_error([&] { made("mlp_dataflow", given); });
  };
  EXPECT_NE(of({{"tile_rows", "5"}, {"rows", "15"}}).find("tile_rows"), std::string::npos);
  EXPECT_NE(of({{"rows", "24"}}).find("divides rows"), std::string::npos);
  EXPECT_NE(of({{"width", "24"}}).find("divides hidden and inner"), std::string::npos);
  EXPECT_NE(of({{"hidden", "24"}, {"width", "8"}}).find("multiple of 16"), std::string::npos);
  EXPECT_NE(of({{"quantised", "3"}}).find("divides width"), std::string::npos);
}

}  // namespace
}  // namespace heddle::kernel

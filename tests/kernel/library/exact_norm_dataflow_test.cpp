#include "kernel/library/exact_norm_dataflow.h"

#include "kernel/library/exact_norm_inputs.h"
#include "support/user_error.h"

namespace heddle::kernel {
namespace {

TEST(ExactNormDataflow, GivesTheBitsOfTheLayerUnderEachSchedule) {
  std::uint64_t seed = 1200;
  for (const auto& [rows, columns, lanes] : std::vector<std::array<int, 3>>{
           {1, 1, 1}, {8, 16, 16}, {17, 24, 4}, {6, 70, 2}, {9, 64, 32}, {5, 768, 16}}) {
    for (const auto& [fa, fb, fs, fn, epsilon] :
         std::vector<std::tuple<int, int, int, int, double>>{
             {20, 20, 20, 20, 1e-6}, {18, 22, 19, 21, 0}, {25, 16, 15, 22, 1e-5}}) {
      const NormDataflowShape shape{.layer = {.rows = rows,
                                              .columns = columns,
                                              .a_fraction = fa,
                                              .b_fraction = fb,
                                              .sum_fraction = fs,
                                              .norm_fraction = fn,
                                              .epsilon = epsilon},
                                    .lanes = lanes};
      const auto inputs = [&](Operands& o) { prepare(o, shape.layer, seed); };
      seed += 2;
      Operands expected = run_in_both(norm_exact(shape.layer), inputs);
      if (columns > 1) {
        const auto [least, most] = std::ranges::minmax(numbers_in(expected.buffer("y")));
        EXPECT_LT(least, most);
      }
      const KernelPtr kernel = norm_dataflow(shape);
      for (const KernelPtr& form : {kernel, norm_lanes(kernel, lanes).kernel()}) {
        Operands found = run_in_both(form, inputs);
        EXPECT_EQ(found.difference(expected), "") << columns << " columns, " << lanes << " lanes";
      }
    }
  }
}

TEST(ExactNormDataflow, RefusesShapesThatDoNotDivide) {
  const auto of = [](const std::map<std::string, std::string>& given) {
    return user_error([&] { made("norm_dataflow", given); });
  };
  EXPECT_NE(of({{"lanes", "5"}}).find("divide columns"), std::string::npos);
  EXPECT_NE(of({{"columns", "131072"}}).find("at most 65536"), std::string::npos);
}

}  // namespace
}  // namespace heddle::kernel

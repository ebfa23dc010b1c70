// Whole layers as RTL, simulated: the bits of the plain kernels in docs/arithmetic.md's arithmetic.
#include "kernel/library/exact_mlp_dataflow.h"

#include "kernel/library/exact_attention_inputs.h"
#include "kernel/library/exact_attention_launches.h"
#include "kernel/library/exact_checks.h"
#include "kernel/library/exact_moe_inputs.h"
#include "kernel/library/exact_norm_inputs.h"
#include "kernel/sim/simulation.h"

namespace heddle::kernel {
namespace {

TEST(RtlLayers, AnMlpOfTwoArrays) {
  const MlpDataflowShape shape{.layer = {.rows = 8,
                                         .hidden = 32,
                                         .inner = 24,
                                         .x_fraction = 18,
                                         .up_fraction = 20,
                                         .gelu_fraction = 21,
                                         .y_fraction = 17},
                               .tile_rows = 4,
                               .width = 8,
                               .quantised = 2};
  const auto inputs = [&](Operands& o) {
    quantised(fixed_rows(8, 32, 5), 32).put_into(o, "x");
    RandomLinear(24, 32, -2, 6).put_into(o, "up_");
    RandomLinear(32, 24, 4, 7).put_into(o, "down_");
  };
  const Operands expected = run(mlp_exact(shape.layer), {}, inputs);
  const KernelPtr kernel = mlp_dataflow(shape);
  const std::vector<KernelPtr> forms = {perceptron_arrays(kernel, shape.arrays(), false).kernel(),
                                        perceptron_arrays(kernel, shape.arrays(), true).kernel()};
  const Simulation simulation(forms, {});
  for (std::size_t form = 0; form < forms.size(); ++form) {
    for (const int stalls : {0, 60}) {
      Operands found(forms[form], {});
      inputs(found);
      MemoryModel memory;
      memory.stalls = stalls;
      const SimulationReport report = simulation.run(found.arguments(), form, memory);
      EXPECT_EQ(found.difference(expected), "") << "stalls " << stalls;
      if (stalls == 0) {
        EXPECT_EQ(report.formula, static_cast<std::int64_t>(report.cycles));
      }
    }
  }
}

TEST(RtlLayers, AttentionOnOneArray) {
  const AttentionArrayShape shape = attention_shape(64, 64, 1, 16, 4);
  const KernelPtr layer = attention_exact(shape.layer);
  const auto inputs = [&](Operands& o) { prepare(o, shape.layer, 3); };
  const Operands expected = run(layer, {}, inputs);
  const Simulation simulation({attention_array_arrays(attention_array(shape), true).kernel()}, {});
  for (const int stalls : {0, 60}) {
    Operands found(layer, {});
    inputs(found);
    attend_by_launches(shape, found.arguments(),
                       [&](AttentionStep, std::span<const Argument> arguments) {
                         MemoryModel memory;
                         memory.stalls = stalls;
                         const SimulationReport report = simulation.run(arguments, 0, memory);
                         if (stalls == 0) {
                           EXPECT_EQ(report.formula, static_cast<std::int64_t>(report.cycles));
                         }
                       });
    EXPECT_EQ(found.difference(expected), "") << "stalls " << stalls;
  }
}

TEST(RtlLayers, ExpertsInTwoLaunches) {
  const MoeDataflowShape shape = moe_shape(21, 32, 40, 4);
  const KernelPtr layer = moe_exact(shape.layer);
  const auto inputs = [&](Operands& o) { prepare(o, shape.layer, 5); };
  const Operands expected = run(layer, {}, inputs);
  const Simulation simulation({moe_route_words(moe_route(shape), shape).kernel(),
                               moe_dataflow_arrays(moe_dataflow(shape), shape, true).kernel()},
                              {});
  for (const int stalls : {0, 60}) {
    Operands found(layer, {});
    inputs(found);
    mix_by_launches(shape, found.arguments(),
                    [&](std::size_t kernel, std::span<const Argument> arguments) {
                      MemoryModel memory;
                      memory.stalls = stalls;
                      const SimulationReport report = simulation.run(arguments, kernel, memory);
                      if (stalls == 0 && kernel == 1) {
                        EXPECT_EQ(report.formula, static_cast<std::int64_t>(report.cycles));
                      }
                    });
    EXPECT_EQ(found.difference(expected), "") << "stalls " << stalls;
  }
}

TEST(RtlLayers, ANormOfAWordACycle) {
  const NormDataflowShape shape{.layer = {.rows = 40,
                                          .columns = 48,
                                          .a_fraction = 18,
                                          .b_fraction = 22,
                                          .sum_fraction = 19,
                                          .norm_fraction = 21,
                                          .epsilon = 1e-6},
                                .lanes = 8};
  const auto inputs = [&](Operands& o) { prepare(o, shape.layer, 11); };
  const Operands expected = run(norm_exact(shape.layer), {}, inputs);
  const KernelPtr form = norm_lanes(norm_dataflow(shape), shape.lanes).kernel();
  const Simulation simulation({form}, {});
  for (const int stalls : {0, 60}) {
    Operands found(form, {});
    inputs(found);
    MemoryModel memory;
    memory.stalls = stalls;
    const SimulationReport report = simulation.run(found.arguments(), 0, memory);
    EXPECT_EQ(found.difference(expected), "") << "stalls " << stalls;
    if (stalls == 0) {
      EXPECT_EQ(report.formula, static_cast<std::int64_t>(report.cycles));
      // A word a cycle, and what it takes to fill the processes.
      EXPECT_LT(report.cycles, 40U * 6U + 600U);
    }
  }
}

}  // namespace
}  // namespace heddle::kernel

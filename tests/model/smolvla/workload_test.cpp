// A policy's Graph from its config.json alone, against the figures of the published model
// (1 camera, 48 tokens: 113 rows of prefix).
#include <gtest/gtest.h>

#include <algorithm>

#include "checkpoint_folder.h"
#include "model/smolvla/smolvla.h"
#include "support/macs.h"
#include "support/user_error.h"

namespace heddle::smolvla {
namespace {

WorkloadOptions with(std::optional<std::int64_t> WorkloadOptions::* option, std::int64_t value) {
  WorkloadOptions options;
  options.*option = value;
  return options;
}

WorkloadOptions with_dead_code() {
  WorkloadOptions options;
  options.dead_code = true;
  return options;
}

double giga(const Macs& macs) {
  return (macs.linear + macs.dense) / 1e9;
}

TEST(SmolVlaWorkload, DeadCodeIsTheRestOfTheTextModel) {
  const std::filesystem::path config = "examples/configs/smolvla";
  const Workload lean = workload_of_smolvla(config, {});
  const Workload whole = workload_of_smolvla(config, with_dead_code());
  ASSERT_EQ(lean.phases.size(), 1U);
  EXPECT_EQ(lean.phases[0].name, "act");
  EXPECT_EQ(lean.phases[0].runs, 1);
  EXPECT_EQ(lean.parameters, 450'046'176);
  EXPECT_EQ(whole.parameters, 450'046'176);
  auto needed = macs_by_stage(lean.phases[0].graph);
  auto computed = macs_by_stage(whole.phases[0].graph);
  EXPECT_NEAR(giga(needed["vision"]), 106.904, 5e-4);
  EXPECT_NEAR(giga(needed["vlm"]), 17.100, 5e-4);
  EXPECT_NEAR(giga(computed["vlm"]), 18.166, 5e-4);
  for (const char* stage : {"vision", "connector", "prefix", "cross_kv", "denoise"}) {
    EXPECT_EQ(giga(needed[stage]), giga(computed[stage])) << stage;
  }
}

TEST(SmolVlaWorkload, TextLayersThatNoExpertReadsAreDeadCode) {
  const Json sparse = {{"num_expert_layers", 2}, {"self_attn_every_n_layers", 0}};
  const ConfigFolder folder("tiny", sparse);
  const auto attentions = [&](const WorkloadOptions& options) {
    const Graph graph = workload_of_smolvla(folder.path(), options).phases[0].graph;
    return std::ranges::count_if(graph.nodes, [](const Node& node) {
      const auto* op = std::get_if<Operator>(&node.what);
      return op != nullptr && std::holds_alternative<Attention>(*op);
    });
  };
  // Two of vision; of the four text layers the first two are read whole, of the third only keys.
  EXPECT_EQ(attentions({}), 4);
  EXPECT_EQ(attentions(with_dead_code()), 6);
}

TEST(SmolVlaWorkload, OptionsAreChecked) {
  const ConfigFolder folder("tiny");
  const auto error = [&](const WorkloadOptions& options) {
    return user_error([&] { (void)workload_of_smolvla(folder.path(), options); });
  };
  expect_parts(error(with(&WorkloadOptions::cameras, 0)), {"0 cameras", "1 to"});
  expect_parts(error(with(&WorkloadOptions::cameras, 33)), {"33 cameras"});
  expect_parts(error(with(&WorkloadOptions::steps, -1)), {"-1 denoising steps"});
  expect_parts(error(with(&WorkloadOptions::tokens, 1 << 30)), {"language tokens"});
  expect_parts(error(with(&WorkloadOptions::context, 7)),
               {"7 tokens of context", "smolvla", "leave"});
}

}  // namespace
}  // namespace heddle::smolvla

// The work of the published configurations, against figures counted by hand from their layers
// (docs/analysis.md).
#include <gtest/gtest.h>

#include <map>

#include "cost/analysis.h"
#include "model/registry.h"

namespace heddle::cost {
namespace {

ModelWork published(const std::string& model, const WorkloadOptions& options = {}) {
  return count(workload("examples/configs/" + model, options));
}

double giga(std::int64_t value) {
  return static_cast<double>(value) / 1e9;
}

/// G MAC, dense, by the name of the stage.
std::map<std::string, double> stages_of(const PhaseWork& phase) {
  std::map<std::string, double> result;
  for (const StageWork& stage : phase.graph.stages) {
    result[stage.name] = giga(macs_of(stage.all.operations));
  }
  return result;
}

OperationCount operations_of(const PhaseWork& phase) {
  OperationCount all;
  for (const StageWork& stage : phase.graph.stages) all += stage.all.operations;
  return all;
}

WeightCount weights_read(const PhaseWork& phase) {
  WeightCount all;
  for (const StageWork& stage : phase.graph.stages) all += stage.all.weights;
  return all;
}

std::int64_t cached_elements(const PhaseWork& phase) {
  std::int64_t elements = 0;
  for (const Cache& cache : phase.caches) elements += cache.elements();
  return elements;
}

TEST(Published, Policy) {
  const ModelWork work = published("smolvla");
  ASSERT_EQ(work.phases.size(), 1U);
  const PhaseWork& act = work.phases[0];
  auto stages = stages_of(act);
  EXPECT_NEAR(stages["vision"], 106.904, 5e-4);
  EXPECT_NEAR(stages["connector"], 0.755, 5e-4);
  EXPECT_NEAR(stages["vlm"], 17.100, 5e-4);
  EXPECT_NEAR(stages["cross_kv"] + stages["denoise"], 51.397, 5e-4);
  EXPECT_NEAR(giga(macs_of(operations_of(act))), 176.16, 5e-3);
  EXPECT_NEAR(static_cast<double>(elements_of(weights_read(act))) / 1e6, 1230, 0.5);
  // Keys and values of 16 layers, of all rows of the prefix.
  EXPECT_EQ(cached_elements(act), 16 * 2 * 113 * 320);
}

TEST(Published, PolicyAsTheReferenceComputesIt) {
  WorkloadOptions options;
  options.dead_code = true;
  const PhaseWork act = published("smolvla", options).phases[0];
  EXPECT_NEAR(stages_of(act)["vlm"], 18.166, 5e-4);
  EXPECT_NEAR(giga(macs_of(operations_of(act))), 177.22, 5e-3);
  EXPECT_NEAR(static_cast<double>(elements_of(weights_read(act))) / 1e6, 1239, 0.5);
}

TEST(Published, PolicyWithThreeCameras) {
  WorkloadOptions options;
  options.cameras = 3;
  const PhaseWork act = published("smolvla", options).phases[0];
  EXPECT_NEAR(giga(macs_of(operations_of(act))), 413.91, 5e-3);
  EXPECT_EQ(cached_elements(act), 16 * 2 * 241 * 320);
  options.dead_code = true;
  EXPECT_NEAR(giga(macs_of(operations_of(published("smolvla", options).phases[0]))), 416.24, 5e-3);
}

TEST(Published, Chat) {
  const ModelWork work = published("tinyllava");
  ASSERT_EQ(work.phases.size(), 2U);
  const PhaseWork& prefill = work.phases[0];
  const PhaseWork& decode = work.phases[1];
  auto stages = stages_of(prefill);
  EXPECT_NEAR(stages["vision"], 320.90, 5e-3);
  EXPECT_NEAR(stages["connector"], 6.918, 5e-4);
  // Without the picture's own work: what 769 tokens see of each other.
  OperationCount text;
  for (const StageWork& stage : prefill.graph.stages) {
    if (stage.name != "vision" && stage.name != "connector") text += stage.all.operations;
  }
  EXPECT_NEAR(giga(text[Operation::kLinear] + text[Operation::kVisible]), 1983.9, 0.05);
  const OperationCount token = operations_of(decode);
  EXPECT_NEAR(giga(token[Operation::kLinear] + token[Operation::kVisible]), 2.774, 5e-4);
  EXPECT_NEAR(static_cast<double>(elements_of(weights_read(decode))) / 1e6, 2648.6, 0.1);
  // 32 layers' keys and values of 2,560 elements, two bytes each.
  ASSERT_EQ(prefill.caches.size(), 1U);
  EXPECT_EQ(prefill.caches[0].rows, 769);
  EXPECT_EQ(prefill.caches[0].per_row * 2, 327'680);
  EXPECT_EQ(cached_elements(decode), 770 * 2 * 32 * 2560);
}

TEST(Published, Experts) {
  const ModelWork work = published("switch");
  ASSERT_EQ(work.phases.size(), 2U);
  const PhaseWork& decode = work.phases[1];
  // Of each layer with experts one of the eight; q and o of both attentions, k and v of the first.
  const double layers = 12 * 6 * 0.589824 + 6 * 4.718592 + 6 * (0.006144 + 4.718592);
  const double norms_and_bias = (37 * 768 + 32 * 12) / 1e6;
  EXPECT_NEAR(static_cast<double>(elements_of(weights_read(decode))) / 1e6,
              layers + norms_and_bias + (1 + 32128) * 768 / 1e6, 1e-6);
}

}  // namespace
}  // namespace heddle::cost

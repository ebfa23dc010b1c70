// The work of the published configurations, against figures counted by hand from their layers
// (docs/analysis.md).
#include <gtest/gtest.h>

#include <map>

#include "cost/analysis.h"
#include "cost/w8a8.h"
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
  EXPECT_NEAR(w8a8().bytes(weights_read(act)) / 1e6, 1238, 0.5);
  EXPECT_NEAR(static_cast<double>(elements_of(work.stored)) / 1e6, 393.5, 0.05);
  // Keys and values of 16 layers, of all rows of the prefix.
  EXPECT_EQ(cached_elements(act), 16 * 2 * 113 * 320);
  EXPECT_NEAR(peak_bytes(act.graph.live, w8a8()) / 1e6, 9.44, 5e-3);
}

TEST(Published, PolicyByOperators) {
  const ModelWork work = published("smolvla");
  std::map<std::string, double> parts;
  for (const PartWork& part : grouped(work.phases[0].graph.operators, any_layer_of)) {
    parts[part.name] += giga(macs_of(part.operations));
  }
  const auto layer = [&](const char* name) {
    return parts.at(std::string("vision.layer.*.") + name) / 12;
  };
  EXPECT_NEAR(parts.at("vision.patch_projection"), 0.604, 5e-4);
  EXPECT_NEAR(layer("q") + layer("k") + layer("v") + layer("attention") + layer("o"), 4.03, 5e-3);
  EXPECT_NEAR(layer("fc1") + layer("fc2"), 4.83, 5e-3);
  const double action_and_time = parts.at("expert.action_in") +
                                 parts.at("expert.action_time_mlp_in") + parts.at("expert.embed") +
                                 parts.at("expert.velocity");
  EXPECT_NEAR(action_and_time, 0.80, 5e-3);
  EXPECT_NEAR(stages_of(work.phases[0])["cross_kv"], 0.185, 5e-4);
}

/// At the U280's assumed 300 MHz.
TEST(Published, PolicyOnACard) {
  const ModelWork work = published("smolvla");
  const Board board = find_board("u280");
  const Roof roof = roof_of(board, w8a8(), 300);
  EXPECT_NEAR(roof.linear_rate / 1e12, 5.414, 5e-4);
  const ModelBound bound = bound_of(work, {w8a8(), roof, 1, Fusion::kStages});
  EXPECT_NEAR(bound.seconds * 1e3, 32.5, 0.05);
  EXPECT_NEAR(bound.load.bytes() / roof.bandwidth * 1e3, 2.9, 0.05);
  std::map<std::string, double> intensity;
  std::vector<Bound> stages;
  for (const StageBound& stage : bound.stages) {
    const std::string& name = work.phases[0].graph.stages[stage.stage].name;
    intensity[name] = stage.bound.load.intensity();
    EXPECT_EQ(stage.bound.is_compute_bound(), name != "prefix") << name;
    stages.push_back(stage.bound);
  }
  EXPECT_NEAR(intensity["vision"], 1175, 0.5);
  EXPECT_NEAR(intensity["vlm"], 114, 0.5);
  EXPECT_NEAR(intensity["denoise"], 52, 0.5);
  EXPECT_NEAR(1 / balanced(stages, roof).value().interval(), 30.7, 0.05);
}

TEST(Published, PolicyAsTheReferenceComputesIt) {
  WorkloadOptions options;
  options.dead_code = true;
  const PhaseWork act = published("smolvla", options).phases[0];
  EXPECT_NEAR(stages_of(act)["vlm"], 18.166, 5e-4);
  EXPECT_NEAR(giga(macs_of(operations_of(act))), 177.22, 5e-3);
  EXPECT_NEAR(static_cast<double>(elements_of(weights_read(act))) / 1e6, 1239, 0.5);
  EXPECT_NEAR(w8a8().bytes(weights_read(act)) / 1e6, 1247, 0.5);
  EXPECT_NEAR(static_cast<double>(elements_of(published("smolvla", options).stored)) / 1e6, 402.7,
              0.05);
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

TEST(Published, ATokenOfAChatIsBoundByMemory) {
  const ModelWork work = published("tinyllava");
  for (const auto& [precision, intensity] : {std::pair("w8a8", 1.0), std::pair("bf16", 0.5)}) {
    const Precision& bits = find_precision(precision);
    const Roof roof = roof_of(find_board("u280"), bits, 300);
    for (const StageBound& stage : bound_of(work, {bits, roof, 1, Fusion::kStages}).stages) {
      if (work.phases[stage.phase].name != "decode") continue;
      EXPECT_FALSE(stage.bound.is_compute_bound());
      EXPECT_NEAR(stage.bound.load.intensity(), intensity, 0.05);
    }
  }
}

TEST(Published, LongAndWholeChat) {
  WorkloadOptions options;
  options.context = 3072;
  const OperationCount token = operations_of(published("tinyllava", options).phases[1]);
  EXPECT_NEAR(giga(token[Operation::kLinear] + token[Operation::kVisible]), 3.151, 5e-4);
  options.dead_code = true;
  EXPECT_NEAR(stages_of(published("tinyllava", options).phases[0])["vision"], 333.22, 5e-3);
}

TEST(Published, Experts) {
  const ModelWork work = published("switch");
  ASSERT_EQ(work.phases.size(), 2U);
  const auto linear = [&](std::size_t stage) {
    const PartWork& all = work.phases[0].graph.stages.at(stage).all;
    return giga(all.operations[Operation::kLinear]) * 1e3 / 128;
  };
  EXPECT_NEAR(linear(0), 84.97, 5e-3);
  EXPECT_NEAR(linear(1), 14.16, 5e-3);
  const PhaseWork& decode = work.phases[1];
  // Of each layer with experts one of the eight; q and o of both attentions, k and v of the first.
  const double layers = 12 * 6 * 0.589824 + 6 * 4.718592 + 6 * (0.006144 + 4.718592);
  const double norms_and_bias = (37 * 768 + 32 * 12) / 1e6;
  EXPECT_NEAR(static_cast<double>(elements_of(weights_read(decode))) / 1e6,
              layers + norms_and_bias + (1 + 32128) * 768 / 1e6, 1e-6);
}

}  // namespace
}  // namespace heddle::cost

// SmolVLA against the model's own PyTorch code, stage by stage, on the vectors of
// tools/golden/smolvla.py.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/file.h"
#include "base/json.h"
#include "engine/float/engine.h"
#include "model/image/decode.h"
#include "model/registry.h"
#include "support/scratch.h"

namespace heddle {
namespace {

const std::filesystem::path kFolder = "tests/golden/smolvla";

Json golden_cases() {
  const std::filesystem::path index = kFolder / "cases.json";
  return std::filesystem::exists(index) ? read_json(index) : Json::object();
}

/// The checkpoint that the reference ran, made anew: weights are the same bits on every machine.
void make_checkpoint(const Json& golden, const Json& test, const std::filesystem::path& folder) {
  const std::string command = golden["checkpoints"][test["model"].get<std::string>()];
  const std::uint64_t seed = std::stoull(command.substr(command.rfind(' ') + 1));
  synthesise({"smolvla", test["model"], seed, folder, false, 2});
  Json config = read_json(folder / "config.json");
  config.update(test["config_overrides"]);
  write_file(folder / "config.json", config.dump());
}

std::vector<float> row_floats(const SafeTensors& file, const std::string& name) {
  return to_floats(file.get(name));
}

PolicyRequest request_of(const Json& test, const SafeTensors& file) {
  PolicyRequest request;
  for (const auto& [camera, picture] : test["pictures"].items()) {
    request.images.emplace(camera, load_image(kFolder / picture.get<std::string>()));
  }
  request.state = row_floats(file, "state");
  request.task = test["task"];
  request.noise = Tensor::from_floats(file.get("noise").shape, row_floats(file, "noise"));
  request.steps = test["steps"].get<std::int64_t>();
  if (!test["squashed_pictures"].empty()) request.route = ImageRoute::kServer;
  return request;
}

/// Runs a case and hands every stage, "actions" among them, to the observer.
void run_case(const Json& golden, const Json& test, FloatPrecision precision, int threads,
              const TapObserver& observer) {
  const Scratch scratch;
  make_checkpoint(golden, test, scratch / "model");
  const SafeTensors file(kFolder / test["file"].get<std::string>());
  const std::unique_ptr<Policy> policy = open_policy(scratch / "model");
  const PolicyRequest request = request_of(test, file);
  ThreadPool pool(threads);
  FloatWeights weights(policy->weights(), precision, pool);
  FloatEngine engine(policy->graph(policy->shape(request)), weights, pool);
  const RunResult result = engine.run(policy->inputs(request), observer);
  observer("actions", policy->actions(result.outputs.begin()->second, request));
}

/// The rows that the reference kept: metadata "rows 0::16" means every 16th.
std::vector<float> kept_rows(const SafeTensors& file, const std::string& name, const Tensor& ours) {
  const std::vector<float> all(ours.floats().begin(), ours.floats().end());
  const auto note = file.metadata().find(name);
  if (note == file.metadata().end()) return all;
  const std::size_t stride = std::stoull(note->second.substr(note->second.find("::") + 2));
  const auto width = static_cast<std::size_t>(ours.shape.back());
  const auto rows = static_cast<std::size_t>(ours.shape[ours.shape.size() - 2]);
  std::vector<float> kept;
  for (std::size_t row = 0; row < all.size() / width; ++row) {
    // Rows are counted within the last-but-one dimension.
    if (row % rows % stride != 0) continue;
    kept.insert(kept.end(), all.begin() + static_cast<std::ptrdiff_t>(row * width),
                all.begin() + static_cast<std::ptrdiff_t>((row + 1) * width));
  }
  return kept;
}

bool is_stage(const std::string& name) {
  return name != "noise" && name != "state" && name != "token_ids";
}

class GoldenTest : public testing::TestWithParam<std::string> {
 protected:
  Json golden = golden_cases();
  [[nodiscard]] const Json& test() const {
    for (const Json& candidate : golden["cases"]) {
      if (candidate["name"] == GetParam()) return candidate;
    }
    throw InternalError("no such case");
  }
};

TEST_P(GoldenTest, EveryStageInFloat32) {
  const SafeTensors file(kFolder / test()["file"].get<std::string>());
  std::map<std::string, Tensor> ours;
  run_case(golden, test(), FloatPrecision::kF32, 2,
           [&](const std::string& name, const Tensor& value) { ours.emplace(name, value); });
  double worst = 0;
  std::string worst_stage;
  std::size_t stages = 0;
  for (const std::string& name : file.names()) {
    if (!is_stage(name)) continue;
    ASSERT_TRUE(ours.contains(name)) << "stage " << name << " is missing";
    const std::vector<float> wanted = row_floats(file, name);
    const std::vector<float> found = kept_rows(file, name, ours.at(name));
    ASSERT_EQ(found.size(), wanted.size()) << name;
    double largest = 0, deviation = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      largest = std::max(largest, std::abs(double{wanted[i]}));
      deviation = std::max(deviation, std::abs(double{found[i]} - wanted[i]));
    }
    const double error = deviation / largest;
    // Tight enough that even another epsilon in a norm would show.
    EXPECT_LE(error, 6e-6) << name;
    if (error > worst) std::tie(worst, worst_stage) = std::tie(error, name);
    ++stages;
  }
  EXPECT_EQ(stages, ours.size()) << "the engine shows stages that the reference does not";
  std::printf("  %s: %zu stages, largest error %.1e in %s\n", GetParam().c_str(), stages, worst,
              worst_stage.c_str());
}

TEST_P(GoldenTest, ActionsInBFloat16) {
  if (!kernels().has_bf16) GTEST_SKIP() << "this processor has no bfloat16 instructions";
  const SafeTensors file(kFolder / test()["file"].get<std::string>());
  Tensor raw;
  run_case(golden, test(), FloatPrecision::kBF16, 2,
           [&](const std::string& name, const Tensor& value) {
             if (name == "actions.raw") raw = value;
           });
  const std::vector<float> wanted = row_floats(file, "actions.raw");
  double dot = 0, ours = 0, theirs = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    dot += double{wanted[i]} * raw.floats()[i];
    ours += double{raw.floats()[i]} * raw.floats()[i];
    theirs += double{wanted[i]} * wanted[i];
  }
  const double cosine = dot / std::sqrt(ours * theirs);
  std::printf("  %s: cosine of actions.raw %.6f\n", GetParam().c_str(), cosine);
  EXPECT_GE(cosine, 0.999);
  EXPECT_LT(cosine, 1.0 - 1e-9) << "this cannot have been bfloat16";
}

TEST_P(GoldenTest, TokensAreTheReferences) {
  const Scratch scratch;
  make_checkpoint(golden, test(), scratch / "model");
  const SafeTensors file(kFolder / test()["file"].get<std::string>());
  const Tensor ids =
      open_policy(scratch / "model")->inputs(request_of(test(), file)).at("token_ids");
  std::vector<std::int32_t> found(ids.bytes.size() / 4);
  std::memcpy(found.data(), ids.bytes.data(), ids.bytes.size());
  EXPECT_EQ(found, test()["token_ids"].get<std::vector<std::int32_t>>());
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  const Json golden = golden_cases();
  for (const Json& test : golden.value("cases", Json::array())) names.push_back(test["name"]);
  return names;
}

INSTANTIATE_TEST_SUITE_P(SmolVla, GoldenTest, testing::ValuesIn(case_names()),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Golden, ThreadsDoNotChangeABit) {
  const Json golden = golden_cases();
  for (const FloatPrecision precision : {FloatPrecision::kF32, FloatPrecision::kBF16}) {
    if (precision == FloatPrecision::kBF16 && !kernels().has_bf16) continue;
    std::vector<std::map<std::string, Tensor>> runs;
    for (const int threads : {1, 2, 4}) {
      run_case(golden, golden["cases"][1], precision, threads,
               [&, &stages = runs.emplace_back()](const std::string& name, const Tensor& value) {
                 stages.emplace(name, value);
               });
    }
    for (const auto& [name, value] : runs[0]) {
      EXPECT_EQ(runs[1].at(name).bytes, value.bytes) << name << " with 2 threads";
      EXPECT_EQ(runs[2].at(name).bytes, value.bytes) << name << " with 4 threads";
    }
    std::printf("  %zu stages equal to the bit with 1, 2 and 4 threads\n", runs[0].size());
  }
}

}  // namespace
}  // namespace heddle

// Normalisation statistics in every layout that LeRobot has written, and their arithmetic.
#include "model/smolvla/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "checkpoint_folder.h"
#include "support/user_error.h"

namespace heddle::smolvla {
namespace {

constexpr const char* kInput = "policy_preprocessor_step_5_normalizer_processor.safetensors";
constexpr const char* kOutput = "policy_postprocessor_step_0_unnormalizer_processor.safetensors";

using Vectors = std::map<std::string, std::vector<float>>;

std::vector<float> six(float value) {
  return std::vector<float>(6, value);
}

/// The tiny checkpoint with other statistics.
struct Folder {
  TinyCheckpoint tiny;

  void put(const Vectors& input, const Vectors& output) const {
    put_vectors(tiny.path() / kInput, input);
    put_vectors(tiny.path() / kOutput, output);
  }
  void put(const Vectors& both) const { put(both, both); }

  [[nodiscard]] Statistics read() const {
    const Config config = read_config(tiny.path());
    return {config, read_pipelines(tiny.path(), config), SafeTensors(tiny.path())};
  }
};

TEST(Statistics, BareKeys) {
  const Folder folder;
  folder.put({{"observation.state.mean", six(1)},
              {"observation.state.std", six(2)},
              {"action.mean", six(3)},
              {"action.std", six(4)}});
  const Statistics statistics = folder.read();
  EXPECT_EQ(statistics.keys(), std::vector<std::string>{""});
  EXPECT_EQ(statistics.state("").first, six(1));
  EXPECT_EQ(statistics.action("").second, six(4));
  EXPECT_EQ(statistics.action("none").mode, Normalisation::kIdentity);
}

/// As in the public base checkpoint: actions of several robots, no state.
TEST(Statistics, KeysOfRobotsMustBeChosen) {
  const Folder folder;
  folder.put({{"so100.buffer.action.mean", six(1)},
              {"so100.buffer.action.std", six(2)},
              {"so100-blue.action.mean", six(3)},
              {"so100-blue.action.std", six(4)}});
  const Statistics statistics = folder.read();
  EXPECT_EQ(statistics.keys(), (std::vector<std::string>{"so100", "so100-blue"}));
  EXPECT_EQ(statistics.action("so100").first, six(1));
  EXPECT_EQ(statistics.action("so100-blue").first, six(3));
  EXPECT_EQ(statistics.state("so100").mode, Normalisation::kIdentity);
  EXPECT_TRUE(statistics.lacks_state("so100"));
  const std::string message = user_error([&] { (void)statistics.action(""); });
  expect_parts(message, {"action.*", "so100, so100-blue", "--stats-key", "none"});
  expect_parts(user_error([&] { (void)statistics.state(""); }), {"observation.state.*"});
  expect_parts(user_error([&] { (void)statistics.action("so101"); }), {"so101", "so100"});
  std::cout << message << "\n";
}

/// The oldest layout: no pipeline files, buffers among the weights.
TEST(Statistics, BuffersAmongTheWeights) {
  const Folder folder;
  for (const char* name : {"policy_preprocessor.json", "policy_postprocessor.json"}) {
    std::filesystem::remove(folder.tiny.path() / name);
  }
  const Config config = read_config(folder.tiny.path());
  const Scratch scratch;
  put_vectors(scratch / "model.safetensors",
              {{"normalize_inputs.buffer_observation_state.mean", six(1)},
               {"normalize_inputs.buffer_observation_state.std", six(2)},
               {"normalize_targets.buffer_action.mean", six(3)},
               {"unnormalize_outputs.buffer_action.mean", six(3)},
               {"unnormalize_outputs.buffer_action.std", six(4)},
               {"unnormalize_outputs.so100.buffer_action.mean", six(5)},
               {"unnormalize_outputs.so100.buffer_action.std", six(6)}});
  const Pipelines pipelines = read_pipelines(folder.tiny.path(), config);
  EXPECT_FALSE(pipelines.has_preprocessor);
  EXPECT_TRUE(pipelines.append_newline);
  const Statistics statistics(config, pipelines, SafeTensors(scratch / "model.safetensors"));
  EXPECT_EQ(statistics.keys(), (std::vector<std::string>{"", "so100"}));
  EXPECT_EQ(statistics.state("").first, six(1));
  EXPECT_EQ(statistics.action("").second, six(4));
  EXPECT_EQ(statistics.action("so100").second, six(6));
}

TEST(Statistics, BrokenNumbersAreRefused) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Vectors& vectors : std::vector<Vectors>{
           {{"action.mean", six(nan)}, {"action.std", six(1)}},
           {{"action.mean", six(0)}, {"action.std", six(infinity)}},
           {{"action.mean", six(0)}, {"action.std", six(-1)}},
           {{"action.mean", {1, 2, 3}}, {"action.std", six(1)}},
           {{"action.mean", six(0)}},
       }) {
    const Folder folder;
    folder.put(vectors);
    std::cout << user_error([&] { (void)folder.read().action(""); }) << "\n";
  }
}

TEST(Statistics, MissingStateFileIsNamed) {
  const Folder folder;
  std::filesystem::remove(folder.tiny.path() / kOutput);
  expect_parts(user_error([&] { (void)folder.read(); }), {kOutput});
}

TEST(Pipelines, BrokenFilesAreExplained) {
  const Folder folder;
  const auto complaint = [&](const std::string& text) {
    write_file(folder.tiny.path() / "policy_preprocessor.json", text);
    return user_error([&] { (void)folder.read(); });
  };
  expect_parts(complaint("{}"), {"steps"});
  expect_parts(complaint(R"({"steps": [{"registry_name": "relative_actions_processor"}]})"),
               {"relative_actions_processor", "step 0"});
  expect_parts(complaint(R"({"steps": [{"registry_name": "normalizer_processor",
                              "state_file": "../outside.safetensors"}]})"),
               {"state_file", "plain file name"});
  expect_parts(complaint(R"({"steps": [{"registry_name": "normalizer_processor",
                              "config": {"norm_map": {"VISUAL": "MEAN_STD"}}}]})"),
               {"VISUAL"});
}

TEST(Pipelines, AStepDecidesWhatIsNormalised) {
  const Folder folder;
  Json pipeline = read_json(folder.tiny.path() / "policy_preprocessor.json");
  pipeline["steps"][5]["config"]["norm_map"]["STATE"] = "MIN_MAX";
  write_file(folder.tiny.path() / "policy_preprocessor.json", pipeline.dump());
  EXPECT_EQ(folder.read().state("").mode, Normalisation::kMinMax);
  pipeline["steps"][5]["config"]["normalize_observation_keys"] = Json::array();
  write_file(folder.tiny.path() / "policy_preprocessor.json", pipeline.dump());
  EXPECT_EQ(folder.read().state("").mode, Normalisation::kIdentity);
}

TEST(Scaler, DoesTheArithmeticOfLeRobot) {
  const Scaler normal{Normalisation::kMeanStd, {1, 5}, {2, 0}, 1e-8F};
  std::vector<float> values = {4, 5};
  normal.to_model(values);
  EXPECT_EQ(values, (std::vector<float>{1.5F, 0}));
  normal.to_robot(values);
  EXPECT_EQ(values, (std::vector<float>{4, 5}));
  const Scaler range{Normalisation::kMinMax, {-2}, {6}, 1e-8F};
  std::vector<float> single = {4};
  range.to_model(single);
  EXPECT_EQ(single, std::vector<float>{0.5F});
  range.to_robot(single);
  EXPECT_EQ(single, std::vector<float>{4});
}

}  // namespace
}  // namespace heddle::smolvla

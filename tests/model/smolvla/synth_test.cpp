// Checkpoints made from a seed: the same bytes everywhere, whole or not at all.
#include "model/smolvla/synth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "checkpoint_folder.h"
#include "model/smolvla/random_weights.h"
#include "support/user_error.h"

namespace heddle::smolvla {
namespace {

namespace fs = std::filesystem;

/// FNV-1a of a file.
std::uint64_t hash_of(const fs::path& path) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : read_file(path)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  }
  return hash;
}

std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files.push_back(entry.path().lexically_relative(folder).generic_string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Synthesis, WritesTheFilesOfAPublishedCheckpoint) {
  const TinyCheckpoint tiny;
  EXPECT_EQ(
      files_below(tiny.path()),
      (std::vector<std::string>{
          "config.json", "model.safetensors", "policy_postprocessor.json",
          "policy_postprocessor_step_0_unnormalizer_processor.safetensors",
          "policy_preprocessor.json", "policy_preprocessor_step_5_normalizer_processor.safetensors",
          "tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json", "vlm/config.json"}));
  EXPECT_EQ(tiny.scratch().list(), std::vector<std::string>{"tiny"});
}

TEST(Synthesis, ASeedAlwaysGivesTheSameBytes) {
  const TinyCheckpoint tiny;
  const std::map<std::string, std::uint64_t> expected = {
      {"model.safetensors", 305556606187406667U},
      {"policy_preprocessor_step_5_normalizer_processor.safetensors", 2678159725304532211U}};
  for (const auto& [name, hash] : expected) {
    EXPECT_EQ(hash_of(tiny.path() / name), hash) << name;
    std::cout << name << " " << hash_of(tiny.path() / name) << "\n";
  }
  EXPECT_NE(hash_of(TinyCheckpoint(2).path() / "model.safetensors"),
            expected.at("model.safetensors"));
}

TEST(Synthesis, ThreadsDoNotChangeTheWeights) {
  const WeightSpec spec{"a", {100, 1001}, DType::kBF16, WeightRole::kProjection, "", true, ""};
  ThreadPool one(1);
  ThreadPool three(3);
  EXPECT_EQ(random_weight(spec, 5, one), random_weight(spec, 5, three));
}

TEST(Synthesis, WeightsHaveTheSpreadOfTheirRole) {
  ThreadPool pool(1);
  const std::vector<std::pair<WeightRole, double>> deviations = {
      {WeightRole::kProjection, 1 / std::sqrt(500.0)},
      {WeightRole::kScaled, 1 / std::sqrt(500.0 * 400)},
      {WeightRole::kResidual, 0.4 / std::sqrt(500.0)},
      {WeightRole::kGain, 0.1},
      {WeightRole::kPosition, 0.5}};
  for (const auto& [role, expected] : deviations) {
    const WeightSpec spec{"b", {400, 500}, DType::kF32, role, "", true, ""};
    const std::vector<std::byte> bytes = random_weight(spec, 1, pool);
    const std::vector<float> values = to_floats({DType::kF32, spec.shape, bytes});
    double mean = 0;
    for (const float value : values) mean += value;
    mean /= static_cast<double>(values.size());
    double variance = 0;
    for (const float value : values) variance += (value - mean) * (value - mean);
    const double deviation = std::sqrt(variance / static_cast<double>(values.size()));
    EXPECT_NEAR(mean, role == WeightRole::kGain ? 1 : 0, 0.01 * expected);
    EXPECT_NEAR(deviation, expected, 0.01 * expected);
    std::cout << "deviation " << deviation << ", expected " << expected << "\n";
  }
}

TEST(Synthesis, AFolderThatIsThereIsLeftAlone) {
  const TinyCheckpoint tiny;
  SynthesisRequest request{"smolvla", "tiny", 2, tiny.path(), false, 1};
  const std::uint64_t before = hash_of(tiny.path() / "model.safetensors");
  expect_parts(user_error([&] { synthesise(request); }), {"not empty"});
  EXPECT_EQ(hash_of(tiny.path() / "model.safetensors"), before);

  request.force = true;
  write_file(tiny.path() / "thesis.txt", "mine");
  expect_parts(user_error([&] { synthesise(request); }), {"thesis.txt"});
  EXPECT_EQ(hash_of(tiny.path() / "model.safetensors"), before);

  fs::remove(tiny.path() / "thesis.txt");
  synthesise(request);
  EXPECT_NE(hash_of(tiny.path() / "model.safetensors"), before);
  EXPECT_EQ(tiny.scratch().list(), std::vector<std::string>{"tiny"});
}

TEST(Synthesis, AnEmptyFolderIsUsed) {
  const Scratch scratch;
  fs::create_directory(scratch / "new");
  synthesise({"smolvla", "tiny", 1, scratch / "new/", false, 1});
  EXPECT_TRUE(fs::exists(scratch / "new/config.json"));
}

TEST(Synthesis, MistakesLeaveNothingBehind) {
  const Scratch scratch;
  const auto complaint = [&](const std::string& size, const fs::path& folder) {
    return user_error([&] { synthesise({"smolvla", size, 1, folder, false, 1}); });
  };
  expect_parts(complaint("huge", scratch / "a"), {"huge", "tiny, small, full"});
  scratch.put("file", "");
  expect_parts(complaint("tiny", scratch / "file"), {"not a folder"});
  (void)complaint("tiny", scratch / "file/below");
  EXPECT_EQ(scratch.list(), std::vector<std::string>{"file"});
}

}  // namespace
}  // namespace heddle::smolvla

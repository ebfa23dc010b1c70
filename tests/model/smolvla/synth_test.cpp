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
  const WeightSpec spec{"a", {100, 1001}, DType::kBF16, WeightRole::kProjection, "", true, "", ""};
  ThreadPool one(1);
  ThreadPool three(3);
  EXPECT_EQ(random_weight(spec, {5}, one), random_weight(spec, {5}, three));
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
    const WeightSpec spec{"b", {400, 500}, DType::kF32, role, "", true, "", ""};
    const std::vector<std::byte> bytes = random_weight(spec, {1}, pool);
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

/// By channel: how many times larger `grown` is than `plain`; fails the test if that differs among
/// a channel's elements by more than rounding.
std::vector<double> growth_of_channels(const SafeTensors& plain, const SafeTensors& grown,
                                       const std::string& name, bool channels_are_columns) {
  const std::vector<float> before = to_floats(plain.get(name));
  const std::vector<float> after = to_floats(grown.get(name));
  const Shape& shape = plain.get(name).shape;
  const auto channels =
      static_cast<std::size_t>(channels_are_columns ? shape.back() : shape.front());
  const std::size_t neighbours = channels_are_columns ? 1 : before.size() / channels;
  std::vector<double> growth(channels);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] == 0) continue;
    const double times = double{after[i]} / before[i];
    double& first = growth[i / neighbours % channels];
    if (first == 0) first = std::round(times);
    EXPECT_NEAR(times, first, 0.01 * first) << name << " at " << i;
  }
  return growth;
}

TEST(Synthesis, OutliersAreTheSameChannelsOfAllThatWritesAStream) {
  const Scratch scratch;
  synthesise({"smolvla", "tiny", 1, scratch / "plain", false, 1});
  synthesise({"smolvla", "tiny", 1, scratch / "grown", false, 1, true});
  synthesise({"smolvla", "tiny", 1, scratch / "again", false, 3, true});
  EXPECT_EQ(hash_of(scratch / "grown/model.safetensors"),
            hash_of(scratch / "again/model.safetensors"));
  EXPECT_EQ(hash_of(scratch / "grown/model.safetensors"), 17620569968505419333U);

  const SafeTensors plain(scratch / "plain");
  const SafeTensors grown(scratch / "grown");
  const WeightTable table(read_config(scratch / "plain"));
  std::map<std::string, std::vector<double>> streams;
  for (const WeightSpec& spec : table.all()) {
    const bool columns = spec.role == WeightRole::kEmbedding || spec.role == WeightRole::kPosition;
    const std::vector<double> growth = growth_of_channels(plain, grown, spec.name, columns);
    const std::size_t unchanged =
        static_cast<std::size_t>(std::count(growth.begin(), growth.end(), 1));
    if (spec.stream.empty()) {
      EXPECT_EQ(unchanged, growth.size()) << spec.name;
      continue;
    }
    EXPECT_EQ(unchanged, growth.size() - 1) << spec.name;
    const double most = *std::max_element(growth.begin(), growth.end());
    EXPECT_GE(most, 40) << spec.name;
    EXPECT_LE(most, 80) << spec.name;
    EXPECT_EQ(streams.try_emplace(spec.stream, growth).first->second, growth) << spec.name;
  }
  EXPECT_EQ(streams.size(), 3U);
}

TEST(Synthesis, WideStreamsHaveFourOutliers) {
  ThreadPool pool(1);
  const WeightSpec spec{"c", {768, 8}, DType::kF32, WeightRole::kResidual, "", true, "", "vision"};
  const std::vector<float> values =
      to_floats({DType::kF32, spec.shape, random_weight(spec, {1, true}, pool)});
  const std::vector<float> plain =
      to_floats({DType::kF32, spec.shape, random_weight(spec, {1, false}, pool)});
  int changed = 0;
  for (std::size_t i = 0; i < values.size(); ++i) changed += values[i] != plain[i] ? 1 : 0;
  EXPECT_EQ(changed, 4 * 8);
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

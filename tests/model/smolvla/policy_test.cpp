// A request on its way into the Graph and an answer on its way out.
#include "model/policy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "checkpoint_folder.h"
#include "model/smolvla/smolvla.h"
#include "support/user_error.h"

namespace heddle::smolvla {
namespace {

std::vector<std::int32_t> ids_of(const Tensor& tensor) {
  std::vector<std::int32_t> ids(tensor.bytes.size() / sizeof(std::int32_t));
  std::memcpy(ids.data(), tensor.bytes.data(), tensor.bytes.size());
  return ids;
}

class PolicyTest : public testing::Test {
 protected:
  PolicyTest() {
    request_.task = "pick up the cube";
    request_.state = {1, 2, 3, 4, 5, 6};
    request_.images.emplace("camera2", Image(64, 32));
  }

  [[nodiscard]] std::unique_ptr<Policy> open() const { return open_smolvla(tiny_.path(), {}); }

  TinyCheckpoint tiny_;
  PolicyRequest request_;
};

TEST_F(PolicyTest, InputsFitTheGraph) {
  const auto policy = open();
  request_.images.emplace("observation.images.camera1", Image(128, 128));
  const PolicyShape shape = policy->shape(request_);
  EXPECT_EQ(shape.cameras, (std::vector<std::string>{"camera1", "camera2"}));
  EXPECT_EQ(shape.steps, 10);
  const Graph graph = policy->graph(shape);
  const auto inputs = policy->inputs(request_);
  std::size_t given = 0;
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::kInput) continue;
    ++given;
    ASSERT_TRUE(inputs.contains(value.name)) << value.name;
    EXPECT_EQ(inputs.at(value.name).shape, value.shape);
    EXPECT_EQ(inputs.at(value.name).dtype, value.dtype);
    std::cout << value.name << " " << to_string(value.shape) << "\n";
  }
  EXPECT_EQ(given, inputs.size());
}

TEST_F(PolicyTest, TheTaskEndsInALineBreak) {
  const auto policy = open();
  const auto ids = ids_of(policy->inputs(request_).at("token_ids"));
  request_.task += "\n";
  EXPECT_EQ(ids_of(policy->inputs(request_).at("token_ids")), ids);
  // The ids that the tokenizers library gives (tests/golden/smolvla, one-camera).
  EXPECT_EQ(ids, (std::vector<std::int32_t>{567, 400, 261, 373, 201}));
}

TEST_F(PolicyTest, OfALongTaskTheEndIsKept) {
  const auto policy = open();
  const auto last = ids_of(policy->inputs(request_).at("token_ids"));
  std::string many;
  for (int i = 0; i < 30; ++i) many += "then turn left and ";
  request_.task = many + request_.task;
  const auto ids = ids_of(policy->inputs(request_).at("token_ids"));
  ASSERT_EQ(ids.size(), 48U);
  EXPECT_TRUE(std::equal(last.rbegin(), last.rend() - 1, ids.rbegin()));
}

TEST_F(PolicyTest, ImagesAreAtTheLowerRightAndTheRestIsBlack) {
  const auto policy = open();
  std::fill(request_.images.at("camera2").rgb.begin(), request_.images.at("camera2").rgb.end(),
            std::uint8_t{255});
  const Tensor images = policy->inputs(request_).at("images");
  ASSERT_EQ(images.shape, (Shape{1, 3, 128, 128}));
  // 64x32 becomes 128x64: the upper 64 rows are padding.
  EXPECT_EQ(images.floats()[0], -1);
  EXPECT_EQ(images.floats()[8191], -1);
  EXPECT_EQ(images.floats()[8192], 1);
  // The server's route squashes to 256x256 first, which fills the square.
  request_.route = ImageRoute::kServer;
  EXPECT_EQ(policy->inputs(request_).at("images").floats()[0], 1);
}

TEST_F(PolicyTest, StateAndActionsAreScaled) {
  const auto policy = open();
  request_.statistics_key = "none";
  Tensor raw(DType::kF32, {50, 32});
  for (std::size_t i = 0; i < raw.floats().size(); ++i) raw.floats()[i] = static_cast<float>(i);
  const Tensor plain = policy->actions(raw, request_);
  ASSERT_EQ(plain.shape, (Shape{50, 6}));
  EXPECT_EQ(plain.floats()[6], 32);
  const Tensor state = policy->inputs(request_).at("state");
  EXPECT_EQ(state.floats()[5], 6);
  EXPECT_EQ(state.floats()[6], 0);

  request_.statistics_key = "";
  const SafeTensors statistics(tiny_.path() /
                               "policy_postprocessor_step_0_unnormalizer_processor.safetensors");
  const float mean = to_floats(statistics.get("action.mean"))[0];
  const float deviation = to_floats(statistics.get("action.std"))[0];
  EXPECT_EQ(policy->actions(raw, request_).floats()[6], 32 * deviation + mean);
  const float first = to_floats(statistics.get("observation.state.mean"))[0];
  const float spread = to_floats(statistics.get("observation.state.std"))[0];
  EXPECT_EQ(policy->inputs(request_).at("state").floats()[0], (1 - first) / (spread + 1e-8F));
}

TEST_F(PolicyTest, NoiseIsTheSeeds) {
  const auto policy = open();
  const Tensor noise = policy->inputs(request_).at("noise");
  EXPECT_EQ(policy->inputs(request_).at("noise").bytes, noise.bytes);
  double sum = 0;
  double squares = 0;
  for (const float value : noise.floats()) {
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / 1600, 0, 0.1);
  EXPECT_NEAR(squares / 1600, 1, 0.1);
  request_.seed = 1;
  EXPECT_NE(policy->inputs(request_).at("noise").bytes, noise.bytes);
  request_.noise = noise;
  EXPECT_EQ(policy->inputs(request_).at("noise").bytes, noise.bytes);
}

TEST_F(PolicyTest, RenamedCamerasAreFound) {
  Json pipeline = read_json(tiny_.path() / "policy_preprocessor.json");
  pipeline["steps"][0]["config"]["rename_map"] = {
      {"observation.images.front", "observation.images.camera3"}};
  write_file(tiny_.path() / "policy_preprocessor.json", pipeline.dump());
  request_.images.emplace("front", Image(8, 8));
  EXPECT_EQ(open()->shape(request_).cameras, (std::vector<std::string>{"camera2", "camera3"}));
  request_.images.emplace("camera3", Image(8, 8));
  expect_parts(user_error([&] { (void)open()->shape(request_); }), {"camera3", "twice"});
}

TEST_F(PolicyTest, MistakesInARequestAreExplained) {
  const auto policy = open();
  const auto complaint = [&](auto change) {
    PolicyRequest request = request_;
    change(request);
    return user_error([&] {
      (void)policy->shape(request);
      (void)policy->inputs(request);
    });
  };
  expect_parts(complaint([](auto& r) { r.task = ""; }), {"task", "empty"});
  expect_parts(complaint([](auto& r) { r.task = " \n"; }), {"task", "empty"});
  expect_parts(complaint([](auto& r) { r.images.clear(); }), {"camera1, camera2, camera3"});
  expect_parts(complaint([](auto& r) { r.images.emplace("wrist", Image(1, 1)); }), {"wrist"});
  expect_parts(complaint([](auto& r) { r.state.pop_back(); }), {"5", "6"});
  expect_parts(complaint([](auto& r) { r.state[2] = std::numeric_limits<float>::infinity(); }),
               {"number 2", "state"});
  expect_parts(complaint([](auto& r) { r.steps = 0; }), {"0 denoising steps"});
  expect_parts(complaint([](auto& r) { r.noise = Tensor(DType::kF32, {50, 6}); }), {"[50,32]"});
  expect_parts(complaint([](auto& r) { r.statistics_key = "so100"; }), {"so100", "--stats-key"});
}

TEST_F(PolicyTest, ShapesThatNoRequestHasAreRefused) {
  const auto policy = open();
  for (const PolicyShape& shape :
       {PolicyShape{{}, 5, 10}, PolicyShape{{"wrist"}, 5, 10}, PolicyShape{{"camera1"}, 0, 10},
        PolicyShape{{"camera1"}, 49, 10}, PolicyShape{{"camera1"}, 5, 0}}) {
    expect_parts(user_error([&] { (void)policy->graph(shape); }), {"no request"});
  }
}

TEST_F(PolicyTest, WithoutATokenizerOnlyTasksFail) {
  std::filesystem::remove(tiny_.path() / "tokenizer" / "tokenizer.json");
  const auto policy = open();
  EXPECT_NO_THROW((void)policy->graph({{"camera1"}, 5, 10}));
  expect_parts(user_error([&] { (void)policy->shape(request_); }),
               {"tokenizer.json", "copy", "public repository"});
}

TEST_F(PolicyTest, ATokenizerMayBeChosen) {
  const std::filesystem::path elsewhere = tiny_.scratch() / "tokenizer.json";
  std::filesystem::rename(tiny_.path() / "tokenizer" / "tokenizer.json", elsewhere);
  const auto policy = open_smolvla(tiny_.path(), {elsewhere});
  EXPECT_EQ(policy->shape(request_).language_tokens, 5);
}

}  // namespace
}  // namespace heddle::smolvla

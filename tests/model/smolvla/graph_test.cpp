// The structure of the Graph. Its numbers are compared with LeRobot's elsewhere (tests/golden).
#include "model/smolvla/graph.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "checkpoint_folder.h"
#include "model/smolvla/time_embedding.h"

namespace heddle::smolvla {
namespace {

Graph graph_of(const Config& config, std::vector<std::string> cameras, std::int64_t tokens,
               std::int64_t steps, std::optional<ImageTokens> image_tokens = {}) {
  return make_graph(config, WeightTable(config), {std::move(cameras), tokens, steps}, image_tokens);
}

/// Visits every operator with its stage, those of loops included.
template <typename Visit>
void for_each_operator(const Graph& graph, const std::vector<Node>& nodes, Visit visit) {
  for (const Node& node : nodes) {
    if (const auto* loop = std::get_if<Loop>(&node.what)) {
      for_each_operator(graph, loop->body, visit);
    } else {
      visit(graph.stages[node.stage], node);
    }
  }
}

/// How many operators of one kind each stage has.
std::map<std::string, int> count_by_stage(const Graph& graph, const std::string& kind) {
  std::map<std::string, int> counts;
  for_each_operator(graph, graph.nodes, [&](const std::string& stage, const Node& node) {
    if (name_of(std::get<Operator>(node.what)) == kind) ++counts[stage];
  });
  return counts;
}

const Value& value_named(const Graph& graph, const std::string& name) {
  for (const Value& value : graph.values) {
    if (value.name == name) return value;
  }
  throw InternalError("no value " + name);
}

const Attention& attention_named(const Graph& graph, const std::string& name) {
  const Attention* found = nullptr;
  for_each_operator(graph, graph.nodes, [&](const std::string&, const Node& node) {
    if (graph[node.output].name == name) {
      found = std::get_if<Attention>(&std::get<Operator>(node.what));
    }
  });
  ensure(found != nullptr, "no attention {}", name);
  return *found;
}

TEST(SmolVlaGraph, FullSizeHasTheKnownOperators) {
  const Graph graph = graph_of(ConfigFolder("full").config(), {"camera1", "camera2"}, 5, 10);
  // 12 layers of q k v o fc1 fc2 and the patches; 15 layers of 7 and two of the last; 8 layers of
  // cross-attention, two each; 8 layers of 7, 8 of 5, and the 4 around them.
  const std::map<std::string, int> linears = {{"vision", 73}, {"connector", 1}, {"prefix", 1},
                                              {"vlm", 107},   {"cross_kv", 16}, {"denoise", 100}};
  EXPECT_EQ(count_by_stage(graph, "linear"), linears);
  EXPECT_EQ(count_by_stage(graph, "attention"),
            (std::map<std::string, int>{{"vision", 12}, {"vlm", 15}, {"denoise", 16}}));
  EXPECT_EQ(count_by_stage(graph, "rms_norm"),
            (std::map<std::string, int>{{"vlm", 31}, {"denoise", 33}}));
  EXPECT_EQ(count_by_stage(graph, "rope"),
            (std::map<std::string, int>{{"vlm", 31}, {"denoise", 24}}));
  EXPECT_EQ(graph.stages, (std::vector<std::string>{"vision", "connector", "prefix", "vlm",
                                                    "cross_kv", "denoise"}));
  for (const auto& [stage, count] : linears) std::cout << stage << ": " << count << " linear\n";
}

TEST(SmolVlaGraph, ReadsExactlyTheWeightsThatTheTableMarksRead) {
  for (const char* size : {"tiny", "small", "full"}) {
    const Config config = ConfigFolder(size).config();
    std::set<std::string> expected;
    const WeightTable table(config);
    for (const WeightSpec& spec : table.all()) {
      if (spec.read) expected.insert(spec.name);
    }
    std::set<std::string> found;
    const Graph graph = graph_of(config, {"camera1"}, 3, 1);
    for (const Value& value : graph.values) {
      if (value.kind == ValueKind::kWeight) found.insert(value.name);
    }
    EXPECT_EQ(found, expected) << size;
    std::cout << size << ": " << found.size() << " weights\n";
  }
}

TEST(SmolVlaGraph, InputsOutputAndPrefixHaveTheShapesOfTheRequest) {
  const Graph graph = graph_of(ConfigFolder("full").config(), {"camera1", "camera3"}, 48, 4);
  EXPECT_EQ(value_named(graph, "images").shape, (Shape{2, 3, 512, 512}));
  EXPECT_EQ(value_named(graph, "token_ids").shape, (Shape{48}));
  EXPECT_EQ(value_named(graph, "token_ids").dtype, DType::kI32);
  EXPECT_EQ(value_named(graph, "state").shape, (Shape{1, 32}));
  EXPECT_EQ(value_named(graph, "noise").shape, (Shape{50, 32}));
  EXPECT_EQ(value_named(graph, "prefix.embed").shape, (Shape{177, 960}));
  ASSERT_EQ(graph.outputs.size(), 1U);
  EXPECT_EQ(graph[graph.outputs[0]].shape, (Shape{50, 32}));
}

TEST(SmolVlaGraph, AttentionSeesWhatTheMasksOfLeRobotAllow) {
  // One camera of 4 tokens, 3 words and the state: 8 rows, fewer than the 50 actions.
  const Graph graph = graph_of(ConfigFolder("tiny").config(), {"camera1"}, 3, 2);
  const Attention& text = attention_named(graph, "vlm.layer.0.attention");
  EXPECT_EQ(text.visible(0), 7);
  EXPECT_EQ(text.visible(6), 7);
  EXPECT_EQ(text.visible(7), 8);
  const Attention& self = attention_named(graph, "expert.layer.0.attention");
  EXPECT_EQ(self.visible(0), 9);
  EXPECT_EQ(self.visible(49), 58);
  const Attention& cross = attention_named(graph, "expert.layer.1.attention");
  EXPECT_EQ(cross.visible(0), 8);
  EXPECT_EQ(cross.visible(49), 8);
  const Attention& vision = attention_named(graph, "vision.layer.1.attention");
  EXPECT_EQ(vision.visible(0), 64);
}

TEST(SmolVlaGraph, HasTheTaps) {
  const Graph graph = graph_of(ConfigFolder("tiny").config(), {"camera1", "camera3"}, 3, 2);
  std::set<std::string> names;
  for (const Tap& tap : graph.taps) names.insert(tap.name);
  std::set<std::string> expected = {"prefix.embed", "expert.step.{}.velocity", "actions.raw"};
  const std::vector<std::string> cameras = {"camera1", "camera3"};
  for (const std::string& camera : cameras) {
    expected.insert("image." + camera);
    expected.insert("connector." + camera);
    for (const char* stage : {".patch_embed", ".layer.0", ".layer.1", ".post_norm"}) {
      expected.insert("vision." + camera + stage);
    }
  }
  for (int layer = 0; layer < 4; ++layer) {
    expected.insert(fmt::format("vlm.layer.{}.k", layer));
    expected.insert(fmt::format("vlm.layer.{}.v", layer));
  }
  EXPECT_EQ(names, expected);
  std::cout << names.size() << " taps\n";
}

TEST(SmolVlaGraph, SpecialTokensSurroundImagesAndStandIns) {
  const Json patch = {{"add_image_special_tokens", true}, {"empty_cameras", 1}};
  const Config config = ConfigFolder("tiny", patch).config();
  const Graph graph = graph_of(config, {"camera2"}, 3, 1, ImageTokens{1061, 1024});
  // 2 + 4 + 1 of the image, 2 + 1 around the stand-in, 3 words and the state.
  EXPECT_EQ(value_named(graph, "prefix.embed").shape, (Shape{14, 48}));
}

TEST(SmolVlaGraph, StopsAtTheLastTextLayerThatIsRead) {
  const Json sparse = {{"num_expert_layers", 2}, {"self_attn_every_n_layers", 0}};
  const Graph graph = graph_of(ConfigFolder("tiny", sparse).config(), {"camera1"}, 3, 1);
  EXPECT_EQ(count_by_stage(graph, "attention"),
            (std::map<std::string, int>{{"vision", 2}, {"vlm", 2}, {"denoise", 2}}));
  EXPECT_EQ(count_by_stage(graph, "linear").at("cross_kv"), 4);
}

TEST(TimeEmbedding, IsSinesThenCosinesOfTheStepsTime) {
  const Config config = ConfigFolder("full").config();
  const Tensor embedding = time_embedding(config, 10);
  ASSERT_EQ(embedding.shape, (Shape{10, 720}));
  const double pi = std::acos(-1.0);
  for (const std::size_t step : {0U, 3U, 9U}) {
    const double time = static_cast<float>(1.0 - static_cast<double>(step) / 10);
    for (const std::size_t i : {0U, 100U, 359U}) {
      const double period = 0.004 * std::pow(1000.0, static_cast<double>(i) / 359);
      const double angle = time * 2 * pi / period;
      EXPECT_NEAR(embedding.floats()[step * 720 + i], std::sin(angle), 1e-6);
      EXPECT_NEAR(embedding.floats()[step * 720 + 360 + i], std::cos(angle), 1e-6);
    }
  }
}

}  // namespace
}  // namespace heddle::smolvla

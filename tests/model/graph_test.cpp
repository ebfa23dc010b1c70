// The Graph: shapes of operators, what the verifier refuses, loops, and the printed form.
#include "model/graph.h"

#include <gtest/gtest.h>

#include <iostream>

#include "base/error.h"
#include "model/graph_builder.h"

namespace heddle {
namespace {

/// An operator, its inputs' shapes, and its result's.
struct ShapeCase {
  Operator op;
  std::vector<Shape> inputs;
  Shape result;
};

/// The boundaries as T5's code puts them (`_relative_position_bucket`), 32 buckets up to 128.
TEST(Operators, BucketsOfDistances) {
  RelativeBias encoder{1, 1, 0, 128, true};
  for (const auto& [distance, bucket] : {std::pair{0, 0},
                                         {-1, 1},
                                         {-7, 7},
                                         {-8, 8},
                                         {-11, 8},
                                         {-12, 9},
                                         {-16, 10},
                                         {-32, 12},
                                         {-64, 14},
                                         {-90, 14},
                                         {-91, 15},
                                         {-128, 15},
                                         {-5000, 15},
                                         {1, 17},
                                         {7, 23},
                                         {8, 24},
                                         {16, 26},
                                         {128, 31}}) {
    EXPECT_EQ(encoder.bucket(distance, 32), bucket) << distance;
  }
  RelativeBias decoder{1, 1, 0, 128, false};
  for (const auto& [distance, bucket] : {std::pair{0, 0},
                                         {3, 0},
                                         {-1, 1},
                                         {-15, 15},
                                         {-16, 16},
                                         {-18, 16},
                                         {-19, 17},
                                         {-64, 26},
                                         {-127, 31},
                                         {-128, 31},
                                         {-9999, 31}}) {
    EXPECT_EQ(decoder.bucket(distance, 32), bucket) << distance;
  }
}

TEST(Operators, ShapesFollowFromTheInputs) {
  const std::vector<ShapeCase> cases = {
      {Linear{}, {{5, 4}, {3, 4}}, {5, 3}},
      {Linear{}, {{2, 5, 12}, {3, 3, 2, 2}, {3}}, {2, 5, 3}},
      {Add{}, {{2, 5, 4}, {5, 4}}, {2, 5, 4}},
      {Scale{2}, {{7}}, {7}},
      {Map{Function::kSilu}, {{2, 3}}, {2, 3}},
      {Gate{Function::kSilu}, {{2, 3}, {2, 3}}, {2, 3}},
      {LayerNorm{1e-6}, {{2, 3}, {3}, {3}}, {2, 3}},
      {RmsNorm{1e-5}, {{2, 3}, {3}}, {2, 3}},
      {Rope{4, 4, 1e4, 0}, {{5, 8}}, {5, 8}},
      {Attention{4, 2, 8, 1, 6, {}}, {{5, 32}, {6, 16}, {6, 16}}, {5, 32}},
      {Attention{2, 2, 8, 1, 0, 1}, {{3, 5, 16}, {3, 6, 16}, {3, 6, 16}}, {3, 5, 16}},
      {Attention{2, 2, 8, 1, 6, {}}, {{5, 16}, {6, 16}, {6, 16}, {2, 5, 6}}, {5, 16}},
      {RelativeBias{5, 6, 1, 128, true}, {{32, 3}}, {3, 5, 6}},
      {Experts{Function::kRelu}, {{4, 6}, {2, 6}, {9, 6}, {6, 9}, {9, 6}, {6, 9}}, {4, 6}},
      {Embedding{}, {{9, 4}, {3}}, {3, 4}},
      {Patchify{4}, {{2, 3, 8, 12}}, {2, 6, 48}},
      {PixelShuffle{2}, {{2, 16, 3}}, {2, 4, 12}},
      {Reshape{{6, 2}}, {{3, 4}}, {6, 2}},
      {Repeat{5}, {{3}}, {5, 3}},
      {Concat{0}, {{2, 3}, {4, 3}}, {6, 3}},
      {Concat{1}, {{2, 3}, {2, 1}}, {2, 4}},
      {Slice{1, 1, 3}, {{2, 4}}, {2, 2}},
  };
  for (const ShapeCase& c : cases) {
    EXPECT_EQ(result_shape(c.op, c.inputs), c.result) << name_of(c.op);
  }
  std::cout << cases.size() << " shapes inferred\n";
}

TEST(Operators, MisfitsAreRefusedByName) {
  const std::vector<ShapeCase> cases = {
      {Linear{}, {{5, 4}, {3, 5}}, {}},
      {Linear{}, {{5, 4}, {3, 4}, {4}}, {}},
      {Linear{}, {{5, 4}}, {}},
      {Add{}, {{5, 4}, {5}}, {}},
      {Gate{}, {{5, 4}, {4, 5}}, {}},
      {LayerNorm{}, {{5, 4}, {4}, {5}}, {}},
      {RmsNorm{}, {{5, 4}, {5}}, {}},
      {Rope{4, 3, 1e4, 0}, {{5, 8}}, {}},
      {Rope{3, 2, 1e4, 0}, {{5, 8}}, {}},
      {Attention{4, 3, 8, 1, 6, {}}, {{5, 32}, {6, 24}, {6, 24}}, {}},
      {Attention{4, 2, 8, 1, 7, {}}, {{5, 32}, {6, 16}, {6, 16}}, {}},
      {Attention{4, 2, 8, 1, 0, 2}, {{5, 32}, {6, 16}, {6, 16}}, {}},
      {Attention{4, 2, 8, 1, 0, {}}, {{5, 32}, {6, 16}, {6, 16}}, {}},
      {Patchify{5}, {{2, 3, 8, 12}}, {}},
      {PixelShuffle{2}, {{2, 15, 3}}, {}},
      {Reshape{{5, 2}}, {{3, 4}}, {}},
      {Repeat{0}, {{3}}, {}},
      {Concat{0}, {{2, 3}, {4, 4}}, {}},
      {Concat{2}, {{2, 3}, {2, 3}}, {}},
      {Slice{1, 3, 3}, {{2, 4}}, {}},
      {Slice{1, 0, 5}, {{2, 4}}, {}},
  };
  for (const ShapeCase& c : cases) {
    try {
      (void)result_shape(c.op, c.inputs);
      ADD_FAILURE() << name_of(c.op) << " accepted a misfit";
    } catch (const InternalError& error) {
      EXPECT_NE(std::string(error.what()).find(name_of(c.op)), std::string::npos) << error.what();
    }
  }
  std::cout << cases.size() << " misfits refused\n";
}

/// x -> 3 times x W + row of `steps` -> silu.
Graph loop_graph() {
  GraphBuilder builder("example");
  builder.stage("only");
  const ValueId x = builder.input("x", DType::kF32, {2, 4});
  const ValueId steps = builder.constant("steps", Tensor(DType::kF32, {3, 4}));
  builder.begin_loop(3);
  const ValueId current = builder.carry("y", x);
  const ValueId row = builder.scan("step", steps);
  const ValueId moved = builder.add("moved", Linear{}, {current, builder.weight("w", {4, 4}), row});
  builder.tap("trip.{}", moved);
  builder.carry_next(current, moved);
  const ValueId last = builder.end_loop().front();
  builder.output(builder.add("z", Map{Function::kSilu}, {last}));
  return builder.finish();
}

TEST(Graph, PrintsAsIndentedText) {
  EXPECT_EQ(to_string(loop_graph()),
            "graph example\n"
            "  input %x : F32[2,4]\n"
            "  constant %steps : F32[3,4]\n"
            "stage only\n"
            "  loop 3 times, %y = %x then %moved, %step = row of %steps {\n"
            "    %moved : F32[2,4] = linear(%y, @w, %step)\n"
            "  } -> %y.final : F32[2,4]\n"
            "  %z : F32[2,4] = map(%y.final) silu\n"
            "output %z\n");
}

TEST(Graph, LoopsReadWhatTheirBodiesTakeFromOutside) {
  const Graph graph = loop_graph();
  std::vector<std::string> names;
  for (const ValueId id : reads_of(graph.nodes.front())) names.push_back(graph[id].name);
  EXPECT_NE(std::find(names.begin(), names.end(), "w"), names.end());
  EXPECT_NE(std::find(names.begin(), names.end(), "x"), names.end());
}

TEST(GraphBuilder, AWeightIsDeclaredOnce) {
  GraphBuilder builder("example");
  const ValueId first = builder.weight("w", {2, 2});
  EXPECT_EQ(builder.weight("w", {2, 2}), first);
  EXPECT_THROW(builder.weight("w", {2, 3}), InternalError);
}

/// What verify() says of the example after `damage`.
template <typename Damage>
std::string refusal(Damage damage) {
  Graph graph = loop_graph();
  damage(graph, std::get<Loop>(graph.nodes[0].what));
  try {
    verify(graph);
  } catch (const InternalError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Graph, TheVerifierNamesTheValue) {
  EXPECT_EQ(refusal([](Graph&, Loop&) {}), "accepted");
  const auto says = [](const std::string& text, std::string_view part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
    std::cout << text << "\n";
  };
  says(refusal([](Graph& g, Loop&) { std::swap(g.nodes[0], g.nodes[1]); }), "y.final");
  says(refusal([](Graph& g, Loop&) { g.values[0].name = "steps"; }), "steps");
  says(refusal([](Graph& g, Loop&) { g.values[g.outputs[0].index].shape = {8}; }), "z");
  says(refusal([](Graph&, Loop& loop) { loop.trips = 2; }), "steps");
  says(refusal([](Graph&, Loop& loop) { loop.trips = 0; }), "0 times");
  says(refusal([](Graph&, Loop& loop) { loop.body.push_back(loop.body[0]); }), "moved");
  says(refusal([](Graph& g, Loop& loop) { g.outputs[0] = loop.body[0].output; }), "moved");
  says(refusal([](Graph&, Loop& loop) { loop.carried[0].next = loop.scanned[0].row; }), "y");
}

}  // namespace
}  // namespace heddle

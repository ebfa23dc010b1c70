#include "engine/plan/fusion.h"

#include <gtest/gtest.h>

#include "model/graph_builder.h"

namespace heddle {
namespace {

constexpr std::int64_t kWidth = 4;

class SameOperandTest : public testing::Test {
 protected:
  SameOperandTest() { builder.stage("all"); }

  ValueId linear(const std::string& name, ValueId of) {
    return builder.add(name, Linear{}, {of, builder.weight("w", {kWidth, kWidth})});
  }
  ValueId attention(const std::string& name, ValueId of) {
    Attention op;
    op.heads = op.kv_heads = 1;
    op.head_dim = kWidth;
    op.visible_prefix = 3;
    return builder.add(name, op, {of, of, of});
  }

  /// The linears that find their operand prepared.
  std::vector<std::string> marked(ValueId output) {
    builder.output(output);
    const Graph graph = builder.finish();
    std::vector<std::string> names;
    const auto note = [&](const FusedNode& node) {
      if (node.same_operand) names.push_back(graph[node.output].name);
    };
    for (const FusedStep& step : one_by_one(graph)) {
      if (const auto* node = std::get_if<FusedNode>(&step)) {
        note(*node);
      } else {
        for (const FusedNode& inner : std::get<FusedLoop>(step).body) note(inner);
      }
    }
    return names;
  }

  GraphBuilder builder{"same operand"};
  ValueId x = builder.input("x", DType::kF32, {3, kWidth});
};

TEST_F(SameOperandTest, LinearsOfOneValueShareIt) {
  linear("q", x);
  linear("k", x);
  EXPECT_EQ(marked(linear("v", x)), (std::vector<std::string>{"k", "v"}));
}

TEST_F(SameOperandTest, WhatNeedsNoScratchMemoryMayStandBetween) {
  const ValueId a = linear("a", x);
  builder.add("sum", Add{}, {a, x});
  EXPECT_EQ(marked(linear("b", x)), (std::vector<std::string>{"b"}));
}

TEST_F(SameOperandTest, AnotherLinearOrAnAttentionTakesTheMemory) {
  const ValueId a = linear("a", x);
  linear("b", a);
  linear("c", x);
  attention("d", x);
  EXPECT_EQ(marked(linear("e", x)), std::vector<std::string>());
}

/// In its second trip a loop's first step follows its last one.
TEST_F(SameOperandTest, ALoopBeginsAnew) {
  linear("a", x);
  builder.begin_loop(2);
  const ValueId carried = builder.carry("carried", x);
  linear("b", x);
  linear("c", x);
  builder.carry_next(carried, linear("d", carried));
  const ValueId result = builder.end_loop().front();
  linear("e", x);
  EXPECT_EQ(marked(result), (std::vector<std::string>{"c"}));
}

}  // namespace
}  // namespace heddle

#include "engine/quant/sizes.h"

#include <gtest/gtest.h>

#include "model/graph_builder.h"
#include "support/user_error.h"

namespace heddle {
namespace {

Graph linear(std::int64_t inputs) {
  GraphBuilder builder("linear");
  builder.stage("all");
  const ValueId x = builder.input("x", DType::kF32, {1, inputs});
  builder.output(builder.add("y", Linear{}, {x, builder.weight("w", {2, inputs})}));
  return builder.finish();
}

Graph norm(std::int64_t width, bool in_loop) {
  GraphBuilder builder("norm");
  builder.stage("all");
  ValueId x = builder.input("x", DType::kF32, {1, width});
  const ValueId weight = builder.weight("w", {width});
  if (in_loop) {
    builder.begin_loop(2);
    x = builder.carry("carried", x);
  }
  ValueId y = builder.add("y", RmsNorm{1e-6}, {x, weight});
  if (in_loop) {
    builder.carry_next(x, y);
    y = builder.end_loop().front();
  }
  builder.output(y);
  return builder.finish();
}

Graph attention(std::int64_t head_dim, std::int64_t keys) {
  GraphBuilder builder("attention");
  builder.stage("all");
  const ValueId q = builder.input("q", DType::kF32, {1, head_dim});
  const ValueId k = builder.input("k", DType::kF32, {keys, head_dim});
  Attention op;
  op.heads = op.kv_heads = 1;
  op.head_dim = head_dim;
  op.visible_prefix = keys;
  builder.output(builder.add("y", op, {q, k, k}));
  return builder.finish();
}

TEST(SizesTest, TheGreatestThatAreProvedRightPass) {
  EXPECT_NO_THROW(check_sizes(linear(131'072)));
  EXPECT_NO_THROW(check_sizes(norm(65'536, false)));
  EXPECT_NO_THROW(check_sizes(attention(4'096, 65'536)));
}

TEST(SizesTest, OperatorsWithoutIntegersAreRefusedByName) {
  GraphBuilder biased("biased");
  biased.stage("all");
  const ValueId x = biased.input("x", DType::kF32, {4, 8});
  const ValueId bias = biased.input("bias", DType::kF32, {1, 4, 4});
  Attention op;
  op.heads = op.kv_heads = 1;
  op.head_dim = 8;
  op.visible_prefix = 4;
  biased.output(biased.add("y", op, {x, x, x, bias}));
  expect_parts(user_error([&] { check_sizes(biased.finish()); }),
               {"y is made by attention with a bias", "float checkpoint"});
  GraphBuilder sparse("sparse");
  sparse.stage("all");
  const ValueId rows = sparse.input("x", DType::kF32, {4, 8});
  sparse.output(sparse.add("z", Experts{Function::kRelu},
                           {rows, sparse.weight("router", {1, 8}), sparse.weight("wi", {6, 8}),
                            sparse.weight("wo", {8, 6})}));
  expect_parts(user_error([&] { check_sizes(sparse.finish()); }), {"z is made by experts"});
  GraphBuilder distance("distance");
  distance.stage("all");
  distance.output(
      distance.add("b", RelativeBias{2, 2, 0, 128, true}, {distance.weight("table", {32, 4})}));
  expect_parts(user_error([&] { check_sizes(distance.finish()); }), {"b is made by relative_bias"});
}

TEST(SizesTest, OneMoreIsRefusedByName) {
  const auto says = [](const Graph& graph, std::initializer_list<std::string_view> parts) {
    expect_parts(user_error([&] { check_sizes(graph); }), parts);
  };
  says(linear(131'073), {"y has 131073 inputs", "131072"});
  says(norm(65'537, false), {"y has 65537 channels", "65536"});
  says(norm(65'537, true), {"y has 65537 channels", "65536"});
  says(attention(4'097, 3), {"y has 4097 numbers in a head", "4096"});
  says(attention(2, 65'537), {"y has 65537 keys", "65536"});
}

}  // namespace
}  // namespace heddle

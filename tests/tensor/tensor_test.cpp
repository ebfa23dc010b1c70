// Tensors and their conversion to float32.
#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "base/error.h"

namespace heddle {
namespace {

/// A tensor of any element type from its values.
template <typename Element>
Tensor make(DType dtype, const std::vector<Element>& values) {
  Tensor tensor(dtype, {static_cast<std::int64_t>(values.size())});
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

using Floats = std::vector<float>;

TEST(Tensor, ShapesCountAndPrint) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({50, 32}), 1600);
  EXPECT_EQ(element_count({50, 0, 32}), 0);
  EXPECT_EQ(to_string(Shape{}), "[]");
  EXPECT_EQ(to_string(Shape{50, 32}), "[50,32]");
}

TEST(Tensor, StartsAsZeros) {
  const Tensor tensor(DType::kBF16, {2, 3});
  EXPECT_EQ(tensor.bytes.size(), 12U);
  EXPECT_EQ(to_floats(tensor.view()), Floats(6, 0.0F));
  EXPECT_EQ(Tensor(DType::kI64, {}).bytes.size(), 8U);
  EXPECT_TRUE(Tensor(DType::kF32, {0, 4}).bytes.empty());
}

TEST(Tensor, FromFloatsChecksTheCount) {
  const std::array values = {1.0F, 2.0F};
  Tensor tensor = Tensor::from_floats({2, 1}, values);
  EXPECT_EQ(tensor.floats()[1], 2.0F);
  EXPECT_EQ(tensor.view().shape, (Shape{2, 1}));
  EXPECT_THROW(Tensor::from_floats({3}, values), InternalError);
  EXPECT_TRUE(Tensor::from_floats({0}, {}).floats().empty());
}

TEST(Tensor, FloatsOfAnotherDtypeIsOurMistake) {
  EXPECT_THROW((void)Tensor(DType::kI32, {1}).floats(), InternalError);
}

TEST(Tensor, ConvertsEveryDtype) {
  EXPECT_EQ(to_floats(make<float>(DType::kF32, {-1.5F, 3e38F}).view()), (Floats{-1.5F, 3e38F}));
  EXPECT_EQ(to_floats(make<std::uint16_t>(DType::kBF16, {0x3f80, 0xc000}).view()),
            (Floats{1.0F, -2.0F}));
  EXPECT_EQ(to_floats(make<std::uint16_t>(DType::kF16, {0x3c00, 0x7bff}).view()),
            (Floats{1.0F, 65504.0F}));
  EXPECT_EQ(to_floats(make<std::uint8_t>(DType::kBool, {0, 1}).view()), (Floats{0.0F, 1.0F}));
  EXPECT_EQ(to_floats(make<std::uint8_t>(DType::kU8, {0, 255}).view()), (Floats{0.0F, 255.0F}));
  EXPECT_EQ(to_floats(make<std::int8_t>(DType::kI8, {-128, 127}).view()),
            (Floats{-128.0F, 127.0F}));
  EXPECT_EQ(to_floats(make<std::uint16_t>(DType::kU16, {65535}).view()), Floats{65535.0F});
  EXPECT_EQ(to_floats(make<std::int32_t>(DType::kI32, {-7, 16777217}).view()),
            (Floats{-7.0F, 16777216.0F}));
  EXPECT_EQ(to_floats(make<std::int64_t>(DType::kI64, {-1, 1LL << 40}).view()),
            (Floats{-1.0F, 0x1p40F}));
}

TEST(Tensor, ConvertsAPartOfUnalignedBytes) {
  const std::array values = {1.0F, 2.0F, 3.0F, 4.0F};
  std::vector<std::byte> bytes(1 + sizeof values);
  std::memcpy(bytes.data() + 1, values.data(), sizeof values);
  const TensorView view{DType::kF32, {2, 2}, std::span(bytes).subspan(1)};
  Floats part(2);
  convert_to_f32(view, 1, part);
  EXPECT_EQ(part, (Floats{2.0F, 3.0F}));
}

}  // namespace
}  // namespace heddle

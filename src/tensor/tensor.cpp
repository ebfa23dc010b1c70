#include "tensor/tensor.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace heddle {
namespace {

template <typename Source, typename Convert>
void convert(const std::byte* source, std::span<float> target, Convert to_float) {
  for (std::size_t i = 0; i < target.size(); ++i) {
    Source element;  // The bytes of a view may be unaligned.
    std::memcpy(&element, source + i * sizeof(Source), sizeof(Source));
    target[i] = to_float(element);
  }
}

template <typename Source>
void cast(const std::byte* source, std::span<float> target) {
  convert<Source>(source, target, [](Source value) { return static_cast<float>(value); });
}

}  // namespace

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ","));
}

Tensor::Tensor(DType element, Shape extents)
    : dtype(element),
      shape(std::move(extents)),
      bytes(static_cast<std::size_t>(element_count(shape)) * size_of(dtype)) {}

Tensor Tensor::from_floats(Shape shape, std::span<const float> values) {
  Tensor tensor(DType::kF32, std::move(shape));
  ensure(values.size_bytes() == tensor.bytes.size(), "{} values for shape {}", values.size(),
         to_string(tensor.shape));
  std::ranges::copy(std::as_bytes(values), tensor.bytes.begin());
  return tensor;
}

std::span<float> Tensor::floats() {
  ensure(dtype == DType::kF32, "floats() of a {} tensor", name_of(dtype));
  return {reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)};
}

std::span<const float> Tensor::floats() const {
  return const_cast<Tensor*>(this)->floats();
}

void convert_to_f32(const TensorView& source, std::int64_t first, std::span<float> target) {
  const std::byte* bytes =
      source.bytes.data() + static_cast<std::size_t>(first) * size_of(source.dtype);
  switch (source.dtype) {
    case DType::kF32:
      return cast<float>(bytes, target);
    case DType::kBF16: {
      const auto widen = [](std::uint16_t bits) { return bf16_to_f32(bits); };
      return convert<std::uint16_t>(bytes, target, widen);
    }
    case DType::kF16:
      return convert<std::uint16_t>(bytes, target, f16_to_f32);
    case DType::kBool:
    case DType::kU8:
      return cast<std::uint8_t>(bytes, target);
    case DType::kI8:
      return cast<std::int8_t>(bytes, target);
    case DType::kU16:
      return cast<std::uint16_t>(bytes, target);
    case DType::kI32:
      return cast<std::int32_t>(bytes, target);
    case DType::kI64:
      return cast<std::int64_t>(bytes, target);
  }
}

std::vector<float> to_floats(const TensorView& source) {
  std::vector<float> values(static_cast<std::size_t>(element_count(source.shape)));
  convert_to_f32(source, 0, values);
  return values;
}

}  // namespace heddle

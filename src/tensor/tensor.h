// Tensors: a dtype, a shape and bytes in row-major order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace heddle {

/// Extents from the slowest-moving dimension to the fastest; empty for a scalar.
using Shape = std::vector<std::int64_t>;

/// Product of the extents; 1 for a scalar. The caller guarantees that it does not overflow.
std::int64_t element_count(const Shape& shape);

/// "[50,32]"
std::string to_string(const Shape& shape);

/// A tensor whose bytes belong to somebody else.
struct TensorView {
  DType dtype = DType::kF32;
  Shape shape;
  std::span<const std::byte> bytes;
};

/// A tensor that owns its bytes.
struct Tensor {
  DType dtype = DType::kF32;
  Shape shape;
  std::vector<std::byte> bytes;

  Tensor() = default;
  /// Zeros.
  Tensor(DType element, Shape extents);
  /// A copy of `values`; their count must be the shape's.
  static Tensor from_floats(Shape shape, std::span<const float> values);

  [[nodiscard]] TensorView view() const { return {dtype, shape, bytes}; }
  /// The elements of a float32 tensor; InternalError for another dtype.
  [[nodiscard]] std::span<float> floats();
  [[nodiscard]] std::span<const float> floats() const;
};

/// Converts count elements of `source` to float32, starting at element `first`. Exact for every
/// dtype except I32 and I64, which round to nearest.
void convert_to_f32(const TensorView& source, std::int64_t first, std::span<float> target);

/// All elements as float32.
std::vector<float> to_floats(const TensorView& source);

}  // namespace heddle

// The arrays that a kernel is run on.
#pragma once

#include <cstddef>
#include <span>
#include <variant>
#include <vector>

#include "kernel/scalar.h"

namespace heddle::kernel {

/// A dense row-major array in memory, laid out as Type::bytes says: what native code reads and
/// writes.
class Buffer {
 public:
  /// Zeros. Throws UserError for negative extents or more than 2^40 bytes.
  Buffer(const Type& element, std::vector<std::int64_t> shape);

  [[nodiscard]] const Type& element() const { return element_; }
  [[nodiscard]] const std::vector<std::int64_t>& shape() const { return shape_; }
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::byte* data() { return bytes_.data(); }
  [[nodiscard]] const std::byte* data() const { return bytes_.data(); }
  [[nodiscard]] std::size_t byte_size() const { return bytes_.size(); }

  [[nodiscard]] Scalar get(std::int64_t index) const;
  /// Throws InternalError if the value's type is not the element's or its raw is out of range.
  void set(std::int64_t index, const Scalar& value);
  /// The element nearest to a real number: rounded to nearest even and saturated.
  void set(std::int64_t index, double value);
  [[nodiscard]] double real(std::int64_t index) const;

  /// As a span of C++ numbers. T must have Type::bytes() bytes.
  template <typename T>
  std::span<T> as() {
    return {reinterpret_cast<T*>(bytes_.data()), bytes_.size() / sizeof(T)};
  }
  template <typename T>
  [[nodiscard]] std::span<const T> as() const {
    return {reinterpret_cast<const T*>(bytes_.data()), bytes_.size() / sizeof(T)};
  }

  /// Same type, shape and bits; a NaN equals itself.
  bool operator==(const Buffer&) const = default;

 private:
  Type element_;
  std::vector<std::int64_t> shape_;
  std::int64_t size_ = 1;
  std::vector<std::byte> bytes_;
};

/// What a kernel is launched with, in the order of its parameters: buffers for arrays, values for
/// scalars. A kernel with stream parameters cannot be launched by itself.
using Argument = std::variant<Buffer*, Scalar>;

/// Throws UserError unless the arguments fit the kernel's parameters: number, kinds, element types,
/// extents (those that depend on scalar arguments included).
void check_arguments(const struct Kernel& kernel, std::span<const Argument> arguments);
/// The extents of each array parameter, given the scalar arguments (those for arrays are ignored
/// and may be null pointers). Throws UserError if an extent is negative or absurd.
std::vector<std::vector<std::int64_t>> argument_shapes(const struct Kernel& kernel,
                                                       std::span<const Argument> arguments);

}  // namespace heddle::kernel

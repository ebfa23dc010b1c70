// Workloads: benchmark programs written twice, as a kernel and as plain C++, with inputs to run on.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "kernel/buffer.h"
#include "kernel/ir.h"

namespace heddle::kernel {

/// A dense row-major array of C++ numbers, g(i, j): what the plain C++ programs work on. Copies
/// share their elements. Throws InternalError for a subscript outside of the array.
template <typename T>
class Grid {
 public:
  /// Zeros.
  explicit Grid(std::vector<std::int64_t> shape) : shape_(std::move(shape)) {
    std::int64_t count = 1;
    for (const std::int64_t extent : shape_) count *= extent;
    data_ = std::make_shared<T[]>(static_cast<std::size_t>(count));
  }
  /// The buffer's elements, not a copy of them.
  explicit Grid(Buffer& buffer)
      : shape_(buffer.shape()), data_(std::shared_ptr<void>(), buffer.as<T>().data()) {
    ensure(sizeof(T) == static_cast<std::size_t>(buffer.element().bytes()),
           "a grid of {}-byte numbers over {}", sizeof(T), to_string(buffer.element()));
  }

  template <typename... Indices>
  T& operator()(Indices... indices) const {
    ensure(sizeof...(indices) == shape_.size(), "{} subscripts for {} dimensions",
           sizeof...(indices), shape_.size());
    std::int64_t offset = 0;
    std::size_t dimension = 0;
    ((offset = advance(offset, dimension++, indices)), ...);
    return data_[offset];
  }
  [[nodiscard]] int extent(std::size_t dimension) const {
    return static_cast<int>(shape_.at(dimension));
  }

 private:
  [[nodiscard]] std::int64_t advance(std::int64_t offset, std::size_t dimension,
                                     std::int64_t index) const {
    ensure(index >= 0 && index < shape_[dimension], "subscript {} is outside of 0..{}", index,
           shape_[dimension]);
    return offset * shape_[dimension] + index;
  }

  std::vector<std::int64_t> shape_;
  std::shared_ptr<T[]> data_;
};

/// What a kernel is launched with, by parameter name. Copies have elements of their own.
class Operands {
 public:
  /// Arrays of the shapes that the scalars make, filled at random (the same for the same kernel):
  /// floats in -1...1, integers in the part of -100...100 that their type has. Outputs, too, so
  /// that an element which is never written shows.
  Operands(KernelPtr kernel, const std::map<std::string, double>& scalars);

  [[nodiscard]] Buffer& buffer(const std::string& name);
  template <typename T>
  [[nodiscard]] Grid<T> grid(const std::string& name) {
    return Grid<T>(buffer(name));
  }
  /// Scalar arguments.
  [[nodiscard]] int size(const std::string& name) const;
  [[nodiscard]] float real(const std::string& name) const;

  /// For a launch; they point into this object.
  [[nodiscard]] std::vector<Argument> arguments();
  /// The first element in which an array differs from that of `expected`, as a sentence; "" if all
  /// arrays have the same bits.
  [[nodiscard]] std::string difference(const Operands& expected) const;
  /// The names of arrays that hold a float which is infinite or no number.
  [[nodiscard]] std::vector<std::string> not_finite() const;

 private:
  [[nodiscard]] const Scalar& scalar(const std::string& name) const;

  KernelPtr kernel_;
  std::vector<std::variant<Buffer, Scalar>> values_;
};

/// Fills an array with random numbers of low...high: integers if its elements are, seeded by
/// `seed`.
void randomise(Buffer& buffer, double low, double high, std::uint64_t seed);

struct Workload {
  std::string name;  ///< the benchmark's own name, as in "floyd-warshall"
  KernelPtr kernel;
  Operands inputs;
  /// The same computation in plain C++, on a copy of the inputs.
  std::function<void(Operands&)> reference;
};

/// A workload on random inputs, which `prepare` (if given) changes to what the program expects.
Workload make_workload(std::string name, KernelPtr kernel,
                       const std::map<std::string, double>& scalars,
                       std::function<void(Operands&)> reference,
                       const std::function<void(Operands&)>& prepare = {});

/// How large the arrays are: kSmall suits the interpreter, kLarge (four times as long in most
/// directions) compiled code.
enum class Size : std::uint8_t { kSmall, kLarge };
/// `small`, or four times as much.
int scaled(Size size, int small);

/// All workloads of the lists, in their order.
std::vector<Workload> join(std::vector<std::vector<Workload>> lists);

}  // namespace heddle::kernel

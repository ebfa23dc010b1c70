// What the names of a kernel stand for in the C++ function being written.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/codegen/hls/ranges.h"
#include "kernel/ir.h"

namespace heddle::kernel::hls {

/// A loop counter, scalar argument or a Function's name.
struct VariableView {
  std::string name;
  Type type;
  Range range = any_index();  ///< of an index
  bool is_long = true;        ///< of an index: else it is an int
};

/// A C++ array, or a pointer, behind an array of the kernel or a window of one.
struct ArrayView {
  /// kElement: a scalar variable or reference. kDimensions: a C array, dims[d] says what its
  /// subscript d is. kFlat: a pointer, the subscript is offset + sum of index * stride.
  enum class Kind : std::uint8_t { kElement, kDimensions, kFlat };
  struct Dimension {
    std::string extent;                  ///< empty for an unknown first one
    Expr base;                           ///< an index
    std::optional<std::size_t> logical;  ///< the kernel's dimension that is added to base
  };

  std::string name;
  Type element;
  Kind kind = Kind::kElement;
  std::int64_t lanes = 1;  ///< more than 1: the C++ elements are words of so many of the kernel's
  std::vector<Dimension> dimensions;
  Expr offset;
  std::vector<Expr> strides;  ///< of the kernel's dimensions

  /// The subscripts of the C++ array, before a word's lane is taken off the last one.
  [[nodiscard]] std::vector<Expr> subscripts(const std::vector<Expr>& indices) const;
  /// Bits of a C++ element in memory.
  [[nodiscard]] int word_bits() const;
  /// The C++ type of an element: the kernel's, or "ap_uint<512>".
  [[nodiscard]] std::string element_type() const;
  /// The declaration as a parameter: "const ap_int<8> a[64][96]", "ap_int<32> &sum".
  [[nodiscard]] std::string parameter(bool is_constant) const;
};

struct StreamView {
  std::string name;
  Type element;
  std::vector<std::string> extents;  ///< of channels

  [[nodiscard]] std::string parameter() const;
};

struct Scope {
  std::map<std::string, VariableView> variables;
  std::map<std::string, ArrayView> arrays;
  std::map<std::string, StreamView> streams;
  /// Memory words that stand in a local variable here: "a[i][e]" -> "a_word".
  std::map<std::string, std::string> words;
  /// The names of Functions in C++, and of nothing else.
  const std::map<std::string, std::string>* functions = nullptr;

  [[nodiscard]] std::map<std::string, Range> ranges() const;
};

}  // namespace heddle::kernel::hls

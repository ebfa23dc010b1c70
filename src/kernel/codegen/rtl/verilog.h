// Pieces of SystemVerilog text: vectors, literals, registers.
//
// Every value is a vector whose declaration says whether it is signed, so that a size cast extends
// it rightly.
#pragma once

#include <string>
#include <vector>

#include "kernel/expr.h"

namespace heddle::kernel::rtl {

/// "[7:0]", "signed [7:0]".
std::string vector_range(std::int64_t width, bool is_signed);
/// "logic [7:0]", "logic signed [7:0]".
std::string vector_type(int width, bool is_signed);
/// A number in so many bits.
std::string literal(Int128 value, int width);
/// The ways in which text grows: lines at the module's level.
struct Text {
  std::string lines;

  void line(const std::string& text) { lines += "  " + text + "\n"; }
  void gap() { lines += "\n"; }
  /// NAME[i] is `input` i cycles later, for i from 1 to `length`; all 0 after a reset.
  void shift_register(const std::string& name, int length, const std::string& input);
};
/// The lowest `width` bits of a vector of `from` bits, or as many with its sign in front.
std::string resized(const std::string& name, int from, int width);
/// A vector's field number `index`, an expression, where each has `width` bits.
std::string field(const std::string& vector, const std::string& index, std::int64_t width);
/// Terms joined by an operator; `none` if there are no terms.
std::string joined(const std::vector<std::string>& terms, const std::string& op,
                   const std::string& none);

}  // namespace heddle::kernel::rtl

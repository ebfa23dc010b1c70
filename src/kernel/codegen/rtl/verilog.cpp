#include "kernel/codegen/rtl/verilog.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "kernel/scalar.h"

namespace heddle::kernel::rtl {

std::string vector_range(std::int64_t width, bool is_signed) {
  return fmt::format("{}[{}:0]", is_signed ? "signed " : "", width - 1);
}

std::string vector_type(int width, bool is_signed) {
  return "logic " + vector_range(width, is_signed);
}

std::string literal(Int128 value, int width) {
  if (value >= 0) return fmt::format("{}'d{}", width, to_string(value));
  std::string digits;
  for (int bit = 0; bit < width; bit += 4) {
    const auto digit = static_cast<int>((bit < 127 ? value >> bit : Int128{-1}) & 15);
    const int kept = std::min(width - bit, 4);
    digits.insert(digits.begin(), "0123456789abcdef"[digit & ((1 << kept) - 1)]);
  }
  return fmt::format("{}'sh{}", width, digits);
}

void Text::shift_register(const std::string& name, int length, const std::string& input) {
  line(fmt::format("logic [{}:1] {};", length, name));
  const std::string next =
      length == 1 ? input : fmt::format("{{{}[{}:1], {}}}", name, length - 1, input);
  line(fmt::format("always_ff @(posedge clk) if (rst) {0} <= '0; else if (ce) {0} <= {1};", name,
                   next));
}

std::string resized(const std::string& name, int from, int width) {
  return from == width ? name : fmt::format("{}'({})", width, name);
}

std::string field(const std::string& vector, const std::string& index, std::int64_t width) {
  return fmt::format("{0}[{1} * {2} +: {2}]", vector, index, width);
}

std::string joined(const std::vector<std::string>& terms, const std::string& op,
                   const std::string& none) {
  if (terms.empty()) return none;
  return fmt::format("{}", fmt::join(terms, " " + op + " "));
}

}  // namespace heddle::kernel::rtl

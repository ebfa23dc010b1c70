#include "kernel/codegen/rtl/verilog.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "kernel/codegen/lines.h"
#include "kernel/scalar.h"

namespace heddle::kernel::rtl {
namespace {

constexpr std::size_t kColumns = 120;

}  // namespace

std::string vector_range(std::int64_t width, bool is_signed) {
  return fmt::format("{}[{}:0]", is_signed ? "signed " : "", width - 1);
}

std::string vector_type(int width, bool is_signed) {
  return "logic " + vector_range(width, is_signed);
}

std::string port_text(const std::string& direction, int width, const std::string& name) {
  return fmt::format("{} {} {}", direction, width == 1 ? "logic" : vector_type(width, false), name);
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

std::string wire_type(std::int64_t width) {
  return width == 1 ? "wire" : "wire " + vector_range(width, false);
}

void Text::line(const std::string& text) {
  const std::size_t inner = text.find_first_not_of(' ');
  lines += wrap_line(text.substr(inner), indent + inner, kColumns);
}

void Text::comment(const std::string& text) {
  lines += std::string(indent, ' ') + "// " + text + "\n";
}

void Text::open(const std::string& index, std::int64_t count, const std::string& label, int step) {
  const std::string next = step == 1 ? index + "++" : fmt::format("{0} = {0} + {1}", index, step);
  line(fmt::format("for (genvar {0} = 0; {0} < {1}; {2}) begin : {3}", index, count, next, label));
  indent += 2;
}

void Text::close() {
  indent -= 2;
  line("end");
}

void Text::list(const PortGroups& groups, const std::string& end) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    line(fmt::format("{}{}", fmt::join(groups[i], ", "), i + 1 < groups.size() ? "," : end));
  }
}

void Text::instance(const std::string& head, const PortGroups& connections) {
  line(head + " (");
  indent += 4;
  list(connections, ");");
  indent -= 4;
}

void Text::clocked(const std::string& statement) {
  const std::string clock = "always_ff @(posedge clk)";
  const std::string whole = clock + " " + statement;
  if (indent + whole.size() <= kColumns) return line(whole);
  line(clock);
  line("  " + statement);
}

void Text::enabled(const std::vector<std::string>& statements) {
  if (statements.size() == 1) return clocked("if (ce) " + statements.front());
  line("always_ff @(posedge clk) if (ce) begin");
  for (const std::string& statement : statements) line("  " + statement);
  line("end");
}

void Text::step(const std::string& name, const std::string& next) {
  clocked(fmt::format("if (rst) {0} <= '0; else if (ce) {0} <= {1};", name, next));
}

void Text::shift_register(const std::string& name, int length, const std::string& input) {
  line(fmt::format("logic [{}:1] {};", length, name));
  step(name, length == 1 ? input : fmt::format("{{{}[{}:1], {}}}", name, length - 1, input));
}

void Declarations::add(const std::string& type, const std::string& name) {
  const auto same = std::ranges::find(types_, type, [](const auto& entry) { return entry.first; });
  if (same == types_.end()) {
    types_.push_back({type, {name}});
  } else {
    same->second.push_back(name);
  }
}

std::string Declarations::lines() const {
  Text text;
  for (const auto& [type, names] : types_) {
    text.line(fmt::format("{} {};", type, fmt::join(names, ", ")));
  }
  return text.lines;
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

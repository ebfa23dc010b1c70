// Pieces of SystemVerilog text: vectors, literals, registers.
//
// Every value is a vector whose declaration says whether it is signed, so that a size cast extends
// it rightly.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernel/expr.h"

namespace heddle::kernel::rtl {

/// "[7:0]", "signed [7:0]".
std::string vector_range(std::int64_t width, bool is_signed);
/// "logic [7:0]", "logic signed [7:0]".
std::string vector_type(int width, bool is_signed);
/// "output logic [7:0] name"; no range for one bit.
std::string port_text(const std::string& direction, int width, const std::string& name);
/// A number in so many bits.
std::string literal(Int128 value, int width);
/// "wire" for one bit, "wire [7:0]".
std::string wire_type(std::int64_t width);

/// Ports or connections: those that belong together, such as an AXI channel's, in each.
using PortGroups = std::vector<std::vector<std::string>>;

/// The ways in which text grows: lines of at most 120 characters.
struct Text {
  std::string lines;
  std::size_t indent = 2;

  void line(const std::string& text);
  void comment(const std::string& text);
  void gap() { lines += "\n"; }
  /// A generate loop over `index` from 0 to `count`: what follows, up to close(), is its body.
  void open(const std::string& index, std::int64_t count, const std::string& label, int step = 1);
  void close();
  /// What stands between brackets: each group from a line of its own, and `end` behind the last.
  void list(const PortGroups& groups, const std::string& end);
  /// An instance: its head up to its name, and its connections.
  void instance(const std::string& head, const PortGroups& connections);
  /// What happens at each clock; at those where the clock is enabled.
  void clocked(const std::string& statement);
  void enabled(const std::vector<std::string>& statements);
  /// A register's step while the clock is enabled; all 0 after a reset.
  void step(const std::string& name, const std::string& next);
  /// NAME[i] is `input` i cycles later, for i from 1 to `length`; all 0 after a reset.
  void shift_register(const std::string& name, int length, const std::string& input);
};

/// Declarations without values: names of one type stand together.
class Declarations {
 public:
  void add(const std::string& type, const std::string& name);
  /// In the order in which the types came.
  [[nodiscard]] std::string lines() const;

 private:
  std::vector<std::pair<std::string, std::vector<std::string>>> types_;
};

/// The lowest `width` bits of a vector of `from` bits, or as many with its sign in front.
std::string resized(const std::string& name, int from, int width);
/// A vector's field number `index`, an expression, where each has `width` bits.
std::string field(const std::string& vector, const std::string& index, std::int64_t width);
/// Terms joined by an operator; `none` if there are no terms.
std::string joined(const std::vector<std::string>& terms, const std::string& op,
                   const std::string& none);

}  // namespace heddle::kernel::rtl

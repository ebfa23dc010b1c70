// Expressions as the interpreter's instructions: fast ones where they are the same as scalar.h.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kernel/program.h"

namespace heddle::kernel {

/// Appends to a kernel's code. Registers are taken like a stack's: a statement gives back what its
/// expressions took.
class ExpressionTranslator {
 public:
  ExpressionTranslator(Code& code, bool check_ports) : code_(code), check_ports_(check_ports) {}

  /// The register that holds the value.
  std::int32_t expression(const Expr& e);
  /// The value of type `from` in register a as a value of type `to`, by convert() of scalar.h.
  std::int32_t converted(std::int32_t a, const Type& from, const Type& to);
  /// Registers of several values: the place of the first in Code::operands.
  std::int32_t operands(const std::vector<Expr>& list);
  std::int32_t constant_register(const Register& value, const Type& type);

  /// Brings an array's element to a new register; the reverse for `store`.
  std::int32_t load(const std::string& array, std::int32_t first_operand, std::size_t rank);
  void store(const std::string& array, std::int32_t first_operand, std::size_t rank,
             std::int32_t value);

  std::int32_t emit(Instruction instruction);
  [[nodiscard]] std::int32_t here() const {
    return static_cast<std::int32_t>(code_.instructions.size());
  }
  /// A jump emitted earlier goes to the next instruction.
  void land(std::int32_t jump) { code_.instructions[jump].c = here(); }

  std::int32_t take_register();
  [[nodiscard]] std::int32_t taken() const { return next_; }
  void give_back(std::int32_t taken) { next_ = taken; }

  void set_variable(const std::string& name, std::int32_t place) { variables_[name] = place; }
  std::int32_t add_array(const Array& array);
  [[nodiscard]] std::int32_t array(const std::string& name) const { return arrays_.at(name); }
  [[nodiscard]] const Type& element(const std::string& array) const;
  /// The statement that following instructions belong to.
  void set_site(std::int32_t site) { site_ = site; }
  [[nodiscard]] std::int32_t site() const { return site_; }

 private:
  std::int32_t node(const ExprNode& node, const Constant& value);
  std::int32_t node(const ExprNode& node, const Variable& value);
  std::int32_t node(const ExprNode& node, const Load& value);
  std::int32_t node(const ExprNode& node, const Unary& value);
  std::int32_t node(const ExprNode& node, const Binary& value);
  std::int32_t node(const ExprNode& node, const Select& value);
  std::int32_t node(const ExprNode& node, const Cast& value);
  std::int32_t node(const ExprNode& node, const Bitcast& value);
  std::int32_t node(const ExprNode& node, const Apply& value);

  std::int32_t emit_to_new(Opcode op, std::int32_t a, std::int32_t b = 0, std::int32_t c = 0,
                           std::uint16_t rank = 0, std::uint8_t mode = 0);
  std::int32_t emit_general(Opcode op, const General& general, std::int32_t a, std::int32_t b);
  std::int32_t lazy_logic(const Binary& value);
  std::optional<Opcode> narrow_unary(UnaryOp op, const Type& operand, const Type& result) const;
  std::int32_t float_binary(const Binary& value, std::int32_t a, std::int32_t b,
                            const Type& result);
  /// Nothing if the narrow instructions cannot do it.
  std::optional<std::int32_t> narrow_binary(const Binary& value, std::int32_t a, std::int32_t b,
                                            const Type& result);
  std::optional<std::int32_t> aligned(std::int32_t a, const Type& type, int fraction);
  std::optional<std::int32_t> narrow_to_narrow(std::int32_t a, const Type& from, const Type& to);
  std::optional<std::int32_t> narrow_to_float(std::int32_t a, const Type& from, const Type& to);
  std::optional<std::int32_t> float_to_narrow(std::int32_t a, const Type& to);
  /// The value in register a, somewhere in low ... high, by the type's overflow mode.
  std::int32_t fitted(std::int32_t a, Int128 low, Int128 high, const Type& to);
  void explain_conversion(std::size_t first_instruction, std::int32_t a, const Type& from,
                          const Type& to);

  Code& code_;
  bool check_ports_;
  std::int32_t next_ = 0;
  std::int32_t site_ = 0;
  std::map<std::string, std::int32_t> variables_;
  std::map<std::string, std::int32_t> arrays_;
  std::map<std::pair<bool, Int128>, std::int32_t> constants_;  ///< by float or not, and bits
};

}  // namespace heddle::kernel

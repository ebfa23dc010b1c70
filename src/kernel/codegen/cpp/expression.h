// Expressions as C++ text that gives the bits of scalar.h.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "kernel/codegen/cpp/carrier.h"
#include "kernel/codegen/cpp/scope.h"

namespace heddle::kernel::native {

/// What the text of a function asks for outside of it.
struct Needs {
  /// Notes that a helper of the prelude is used; returns "heddle::NAME".
  std::function<std::string(const std::string& name)> helper;
  /// The name to call a Function by.
  std::function<std::string(const Function& function)> function;
};

/// Writes the expressions of one function. No text evaluates what the kernel's expression would
/// not, and none overflows where the interpreter would not fault.
class ExpressionWriter {
 public:
  ExpressionWriter(const Scope& scope, const Needs& needs) : scope_(scope), needs_(needs) {}

  /// The value, in carrier_of(its type).
  [[nodiscard]] Value exact(const Expr& e) const;
  /// The value as convert() brings it into a type, in carrier_of(to).
  [[nodiscard]] Value converted(const Expr& e, const Type& to) const;
  /// The same as an element of an array has it in memory (a bfloat16 as its bits).
  [[nodiscard]] std::string stored(const Expr& e, const Type& element) const;

  /// The position of an element or channel behind a view's start: "i * 64 + j", "" for 0.
  [[nodiscard]] std::string offset(const View& view, const std::vector<Expr>& indices) const;
  /// An element or channel: "a[i * 64 + j]", "sum".
  [[nodiscard]] std::string element(const View& view, const std::vector<Expr>& indices) const;

 private:
  /// The value modulo 2^bits: lets sums and products that are cut off later be computed narrowly.
  [[nodiscard]] Value low(const Expr& e, Carrier carrier) const;
  [[nodiscard]] Value low_binary(const Expr& e, const Binary& node, Carrier carrier) const;
  [[nodiscard]] Value shifted(const Value& value, int by) const;

  [[nodiscard]] Value of(const Expr& e, const Constant& node) const;
  [[nodiscard]] Value of(const Expr& e, const Variable& node) const;
  [[nodiscard]] Value of(const Expr& e, const Load& node) const;
  [[nodiscard]] Value of(const Expr& e, const Unary& node) const;
  [[nodiscard]] Value of(const Expr& e, const Binary& node) const;
  [[nodiscard]] Value of(const Expr& e, const Select& node) const;
  [[nodiscard]] Value of(const Expr& e, const Cast& node) const;
  [[nodiscard]] Value of(const Expr& e, const Bitcast& node) const;
  [[nodiscard]] Value of(const Expr& e, const Apply& node) const;

  [[nodiscard]] Value compared(const Binary& node) const;
  [[nodiscard]] Value float_binary(const Expr& e, const Binary& node) const;
  [[nodiscard]] Value index_binary(const Binary& node) const;
  [[nodiscard]] Value divided(const Expr& e, const Binary& node) const;
  [[nodiscard]] Value shift(const Expr& e, const Binary& node) const;
  [[nodiscard]] Value rounded(const std::string& text, const Type& type) const;

  [[nodiscard]] Value to_float(const Expr& e, const Type& to) const;
  [[nodiscard]] Value from_float(const Expr& e, const Type& to) const;
  [[nodiscard]] Value to_fixed(const Expr& e, const Type& to) const;
  [[nodiscard]] Value wrapped(const Value& value, const Type& type) const;

  const Scope& scope_;
  const Needs& needs_;
};

}  // namespace heddle::kernel::native

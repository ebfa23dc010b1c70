// Reading types and expressions of a kernel's text.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernel/cursor.h"
#include "kernel/made.h"

namespace heddle::kernel {

/// What a name means where the text is being read.
struct Meaning {
  enum class Kind : std::uint8_t { kVariable, kArray, kStream, kProcess };
  Kind kind = Kind::kVariable;
  Type type;             ///< of the variable, or of one element
  std::size_t rank = 0;  ///< of an array or stream
};

/// The names in scope.
class Scope {
 public:
  void declare(const std::string& name, const Meaning& meaning);
  [[nodiscard]] const Meaning* find(const std::string& name) const;
  /// The names that mean something of that kind.
  [[nodiscard]] std::vector<std::string> names(Meaning::Kind kind) const;
  /// Everything that was declared since `size` was the scope's size is forgotten.
  [[nodiscard]] std::size_t size() const { return history_.size(); }
  void shrink(std::size_t size);

 private:
  std::map<std::string, Meaning> meanings_;
  std::vector<std::pair<std::string, std::optional<Meaning>>> history_;
};

using Functions = std::map<std::string, std::shared_ptr<const Function>>;

/// Counts how deep the parser is in brackets and braces; throws UserError where that is too deep.
class Nesting {
 public:
  Nesting(const Cursor& cursor, int& depth);
  ~Nesting() { --depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  int& depth_;
};

class ExprParser {
  /// A parsed expression and how deep its tree is.
  struct Part {
    Operand operand;
    int height = 1;
  };

 public:
  ExprParser(Cursor& cursor, const Scope& scope, const Functions& functions)
      : cursor_(cursor), scope_(scope), functions_(functions) {}

  Type type();
  /// An expression; what stands around it decides what becomes of a literal.
  Operand expression() { return binary(1).operand; }
  /// An expression by itself.
  Expr value() { return expression().value; }
  Expr index();
  Expr stored(const Type& element);
  Expr argument(const Type& type);
  /// "[i, 3]", or nothing.
  std::vector<Expr> subscripts();
  /// What stands between the brackets of a typed literal.
  Expr content(const Type& type);

  /// How deep in brackets and braces the text is.
  int& depth() { return depth_; }

 private:
  Part binary(int level);
  Part unary();
  Part primary();
  Part negative_number();
  Part number();
  Part converted();
  Part bits();
  Part named();
  Part element(const Token& name, const Type& type);
  Part call(const Token& name);
  Part builtin_call(const Token& name, const std::vector<Part>& arguments);
  std::vector<Part> list(std::string_view open, std::string_view close);
  [[nodiscard]] bool at_type() const;
  /// Whether the content of a typed literal and its closing bracket stand so far ahead.
  [[nodiscard]] bool at_content(std::size_t at) const;
  [[nodiscard]] std::optional<std::pair<BinaryOp, int>> infix() const;
  void check_logic(const Token& sign, BinaryOp op, const Expr& operand) const;
  /// What the maker builds; its mistakes are placed at the token.
  [[nodiscard]] Part made(const Token& token, const std::vector<Part>& parts,
                          const Maker& make) const;

  Cursor& cursor_;
  const Scope& scope_;
  const Functions& functions_;
  int depth_ = 0;
};

}  // namespace heddle::kernel

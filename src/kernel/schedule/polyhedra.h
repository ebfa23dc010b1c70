// Questions about integers, answered by isl: the only file that knows of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kernel/expr.h"

namespace heddle::kernel {

/// Whether a formula has an integer solution.
struct Answer {
  enum class Kind : std::uint8_t {
    kNone,
    kSolution,
    kUnknown
  };  ///< kUnknown: gave up at the limit
  Kind kind = Kind::kUnknown;
  std::map<std::string, std::int64_t> solution;  ///< a value for each variable of a condition
};

/// A conjunction of affine (with / and % by literals) conditions over integer variables, all
/// existentially quantified: "is there a pair of iterations that ...". Index arithmetic that is not
/// affine, loads among it, becomes a fresh variable without bounds and clears exact(): the answer
/// "no solution" stays right, "solution" becomes "perhaps".
class Formula {
 public:
  /// Renames the variables of an expression: {"i", "i_src"}; those not named keep their names
  /// (scalar arguments mean one value throughout).
  using Renaming = std::map<std::string, std::string>;

  /// The expression (index or integer) as a term. Terms are linear text: names, literals, + - * and
  /// parentheses, so "4 * i_src + 1" is one too.
  std::string term(const Expr& e, const Renaming& renaming = {});
  /// Adds `a op b`, op one of "=", "<=", "<", ">=", ">", "!=".
  void require(const std::string& a, const std::string& op, const std::string& b);
  /// Adds a disjunction of conjunctions of such relations, e.g. for lexicographic order.
  struct Relation {
    std::string a, op, b;
  };
  void require_any(const std::vector<std::vector<Relation>>& alternatives);
  /// Adds a bool expression; parts that are not affine comparisons are left out (clears exact()).
  void require(const Expr& condition, bool holds, const Renaming& renaming = {});
  /// A new variable, called `name` and a number.
  std::string fresh(const std::string& name);

  [[nodiscard]] bool exact() const { return exact_; }
  /// `operation_limit` bounds isl's work; the default is some 50 ms.
  [[nodiscard]] Answer solve(std::uint64_t operation_limit = 100'000) const;

 private:
  /// sum of factor * variable + constant, = 0 or >= 0.
  struct Row {
    std::map<int, std::int64_t> factors;
    std::int64_t constant = 0;
    bool is_equality = false;
  };
  using Conjunction = std::vector<Row>;
  class Reader;
  class Search;

  int number(const std::string& variable);
  std::string atom(const Expr& e, const Renaming& renaming);
  std::string quotient(const Expr& dividend, std::int64_t divisor, const Renaming& renaming);
  std::string extremum(const std::string& a, const std::string& b, bool is_max);
  std::string unknown(const Expr& e);
  std::string choice(const Select& node, const Renaming& renaming);
  std::vector<Conjunction> rows(const Relation& relation);
  std::vector<Conjunction> rows(const std::vector<Relation>& conjunction);
  std::vector<std::vector<Relation>> alternatives(const Expr& condition, bool holds,
                                                  const Renaming& renaming);

  std::vector<std::string> variables_;
  std::map<std::string, int> numbers_;
  Conjunction base_;
  std::vector<std::vector<Conjunction>> choices_;  ///< one alternative of each holds
  bool exact_ = true;
};

}  // namespace heddle::kernel

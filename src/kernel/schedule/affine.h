// Index arithmetic in one form: a sum of atoms with literal factors.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/ir.h"

namespace heddle::kernel {

/// Whether it is an std::int64_t.
bool fits_64_bits(Int128 value);
/// Whether its values are whole numbers.
bool counts(const Type& type);
Expr index_literal(std::int64_t value);

/// Both ends included.
struct Range {
  std::int64_t low = 0;
  std::int64_t high = 0;
};
/// What is known of variables; those without an entry may have any value.
using Ranges = std::map<std::string, Range>;

/// constant + sum of factor * atom. An atom is anything that is not a sum, a difference, a product
/// with a literal or a cast that keeps every value: a variable, a load, a quotient, ...
struct LinearForm {
  struct Term {
    Expr atom;
    std::int64_t factor = 1;  ///< not 0
  };
  std::vector<Term> terms;  ///< different atoms, in the order of their first appearance
  std::int64_t constant = 0;
};

/// Of an index or integer expression. What would leave 64 bits stays an atom.
LinearForm linear_form(const Expr& e);
/// As an index expression: `i * 4 + j + 1`.
Expr to_expr(const LinearForm& form);
/// Whether the two differ by a literal, and by which: a - b.
std::optional<std::int64_t> difference(const Expr& a, const Expr& b);

/// Bounds of an index or integer expression, as far as they are known.
std::optional<Range> range_of(const Expr& e, const Ranges& ranges);
/// The values that the loop's counter takes, if its bounds are bounded.
std::optional<Range> counter_range(const For& loop, const Ranges& ranges);

/// Every index expression inside e brought into linear form; quotients and remainders are carried
/// out as far as the ranges tell: (i * 4 + j) / 4 is i and (i * 4 + j) % 4 is j for j in 0..4.
Expr simplify(const Expr& e, const Ranges& ranges = {});
/// The counter replaced by an expression everywhere in stmt, and what mentioned it simplified. The
/// ranges of loops inside stmt are found there; `ranges` are those of what surrounds it.
Stmt replace_counter(const Stmt& stmt, const std::string& counter, const Expr& value,
                     const Ranges& ranges);

}  // namespace heddle::kernel

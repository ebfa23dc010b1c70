// What the makers of expr.h build from given operands, and how some literals are left alone.
//
// Makers look at literals: they convert, fold and measure them. A literal that took a variable's
// place after its operator was made (substitute() does that) must stay as it is; such a one is
// called pinned, and is written T{v} in a kernel's text.
#pragma once

#include <functional>
#include <vector>

#include "kernel/expr.h"

namespace heddle::kernel {

struct Operand {
  Expr value;
  bool pinned = false;  ///< a literal that makers treat as a variable of its type
};
using Maker = std::function<Expr(const std::vector<Expr>&)>;

/// make(operands), the pinned ones treated as variables.
Expr make_from(const std::vector<Operand>& operands, const Maker& make);
/// The maker of an expression's outermost node, to be given other operands.
Maker maker_of(const Expr& e);
/// Whether the outermost node of e is what its maker builds of its operands, or would build if
/// literals were variables. Throws UserError if the operands do not go together.
bool is_made(const Expr& e);

/// A literal that is stored into an element takes its type, so that x = 0 and x = 0.5 store what
/// they say; other values stay as they are.
Expr as_stored(const Type& element, const Expr& value);

}  // namespace heddle::kernel

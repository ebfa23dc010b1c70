// Expressions as text that reads back as the same tree.
#pragma once

#include <string>

#include "kernel/expr.h"

namespace heddle::kernel {

/// An expression that stands by itself: a literal has its type unless it needs none.
std::string expr_text(const Expr& e);
/// One that is converted to index where it stands: a subscript, bound or extent.
std::string index_text(const Expr& e);
/// One that is stored into an element of that type.
std::string stored_text(const Type& element, const Expr& e);
/// One of which a literal is cast to that type: an argument, a result.
std::string argument_text(const Type& type, const Expr& e);
/// "[i, 3]", or nothing for no subscripts.
std::string subscripts_text(const std::vector<Expr>& indices);

}  // namespace heddle::kernel

// The rules on how an array lies in memory, and on what it takes.
#pragma once

#include <string>

#include "kernel/ir.h"

namespace heddle::kernel {

/// Checks that an array or stream of that name may have such elements.
void check_element_type(const std::string& name, const Type& type);
/// Checks an array's element type, bank, partition, lanes and table, its extents being right.
void check_layout(const Array& array, bool is_parameter);
/// Checks that a value may be stored into an element (of the array or stream `name`).
void check_stored(const std::string& name, const Type& element, const Expr& value);
/// Checks that it may be reduced into one.
void check_reduced(const std::string& name, const Type& element, ReduceOp op, const Expr& value);

}  // namespace heddle::kernel

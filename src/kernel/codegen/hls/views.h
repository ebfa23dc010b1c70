// C++ arrays for the arrays of a kernel, its windows and its streams.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernel/codegen/hls/scope.h"
#include "kernel/ir.h"

namespace heddle::kernel::hls {

/// A parameter of the top function: an array of literal inner extents, or a pointer; memory words
/// if the array is packed and lies in global memory. Throws UserError for words that AXI has not.
ArrayView top_view(const Array& array, const std::string& name);
/// Whether the parameter lies in global memory.
bool is_global(const Array& array);
/// A local array or a table. Throws UserError for extents that are no literals, and global memory.
ArrayView local_view(const Array& array, const std::string& name);
/// A stream's channels. Throws UserError for extents that are no literals.
StreamView stream_view(const Stream& stream, const std::string& name);

/// What a callee sees of an array, and what its caller passes.
struct PassedArray {
  ArrayView view;
  std::string argument;  ///< in the caller: "a", "q[h]", "sum"
  /// Numbers that the view needs and that are no literals in the caller: parameters of the callee
  /// and expressions of the caller.
  struct Number {
    std::string name;
    Expr value;
  };
  std::vector<Number> numbers;
};

/// A window of an array as the callee's parameter `name`. Leading dimensions that the window fixes
/// become subscripts of the argument; other offsets are added inside of the callee.
/// `fresh` makes a name in the callee; `element` prints a whole element or a subscript in the
/// caller.
PassedArray pass_window(const ArrayView& actual, const Window& window, const std::string& name,
                        const std::function<std::string(const std::string&)>& fresh,
                        const std::function<std::string(const Expr&)>& print);
/// Text that is equal for views that a callee treats alike.
std::string form_of(const PassedArray& passed);

}  // namespace heddle::kernel::hls

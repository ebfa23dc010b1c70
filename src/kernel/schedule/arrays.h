// What the array primitives share: where an array is declared and what a memory can hold.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kernel/schedule/affine.h"
#include "kernel/schedule/place.h"

namespace heddle::kernel {

/// The parameter of that name; null for local arrays.
const ArrayParameter* array_parameter(const Kernel& kernel, const std::string& array);
/// Whether the array lies in off-chip memory: arguments, unless their storage is on chip.
bool is_global(const Kernel& kernel, const std::string& array);
/// Whether every element has a value when the kernel starts: inputs, inouts and tables.
bool has_values(const Kernel& kernel, const std::string& array);

/// A refusal that marks the array's declaration, where it has one.
[[noreturn]] void refuse_array(const Kernel& kernel, const std::string& step,
                               const std::string& array, const std::string& reason,
                               const std::string& remedy);

/// Refuses a local array of this shape in that storage: off chip, or more registers than a chip
/// has.
void check_local_storage(const Kernel& kernel, const std::string& step, const Array& array,
                         Storage storage);

/// The ranges of all counters of the kernel, as far as the bounds tell.
Ranges counter_ranges(const Kernel& kernel);

/// How the accesses of an array are to be written.
struct Redirection {
  std::string array;  ///< of this name
  std::function<std::vector<Expr>(const std::vector<Expr>& indices)> indices;
  std::function<Window(const Window& window, const ArrayParameter& parameter)> window;
};
/// The statement with every load, store, get and window of `array` redirected.
Stmt redirect(const Stmt& stmt, const std::string& array, const Redirection& to);

}  // namespace heddle::kernel

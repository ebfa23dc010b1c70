// What the names of a kernel are called in its native code.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernel/codegen/cpp/carrier.h"
#include "kernel/codegen/cpp/ranges.h"

namespace heddle::kernel::native {

/// Elements from one index of a dimension to the next: a number, or an expression of the text.
struct Stride {
  std::optional<std::int64_t> literal;
  std::string text;
};

/// An array, or the channels of a stream, as the text sees it.
struct View {
  std::string name;  ///< a pointer or array; a variable if is_variable
  Type element;
  std::vector<Stride> strides;
  bool is_variable = false;  ///< an array without dimensions that is no pointer
  bool is_const = false;
};

struct Counter {
  std::string name;
  Carrier carrier = Carrier::kI64;
};

/// The names in scope. Each means one thing in a kernel, so none is ever taken out.
struct Scope {
  std::map<std::string, View> arrays;
  std::map<std::string, View> streams;
  std::map<std::string, Counter> numbers;  ///< loop counters, scalar arguments, bound names
  std::map<std::string, Range> ranges;     ///< of those
  std::set<std::string> taken;             ///< C++ names
};

/// A C++ identifier that is not taken (keywords are): the name, with something at its end if need
/// be. Takes it.
std::string identifier(const std::string& name, std::set<std::string>& taken);

}  // namespace heddle::kernel::native

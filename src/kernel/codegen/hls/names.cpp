#include "kernel/codegen/hls/names.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "kernel/codegen/keywords.h"
#include "kernel/rewrite.h"

namespace heddle::kernel::hls {
namespace {

/// What the text itself uses, and names that its headers may make macros of.
constexpr std::array kWords = std::to_array<std::string_view>(
    {"ap_fixed", "ap_int", "ap_ufixed", "ap_uint", "errno", "heddle", "heddle_stand_in", "hls",
     "linux", "main", "std", "stderr", "stdin", "stdout", "typeof", "unix"});

/// Functions that the C headers put beside ours.
constexpr std::array kLibrary = std::to_array<std::string_view>(
    {"abort",    "abs",    "acos",   "acosh",   "asin",     "asinh",     "atan",   "atan2",
     "atanh",    "atof",   "atoi",   "atol",    "bsearch",  "cbrt",      "ceil",   "clock",
     "copysign", "cos",    "cosh",   "div",     "double_t", "drem",      "erf",    "erfc",
     "exit",     "exp",    "exp10",  "exp2",    "expf",     "expm1",     "fabs",   "fdim",
     "float_t",  "floor",  "fma",    "fmax",    "fmin",     "fmod",      "free",   "frexp",
     "gamma",    "getenv", "half",   "hypot",   "ilogb",    "index",     "j0",     "j1",
     "jn",       "kill",   "labs",   "ldexp",   "ldiv",     "lgamma",    "link",   "llabs",
     "log",      "log10",  "log1p",  "log2",    "logb",     "lrint",     "lround", "malloc",
     "memcmp",   "memcpy", "memset", "modf",    "nan",      "nearbyint", "pipe",   "pow",
     "printf",   "puts",   "qsort",  "raise",   "rand",     "random",    "read",   "remainder",
     "remove",   "rename", "rint",   "round",   "scalb",    "select",    "signal", "significand",
     "sin",      "sincos", "sinh",   "sqrt",    "srand",    "strlen",    "system", "tan",
     "tanh",     "tgamma", "time",   "tmpfile", "trunc",    "write",     "y0",     "y1",
     "yn"});

std::string pick(std::string wanted, bool is_reserved, std::set<std::string>& taken) {
  if (is_reserved) wanted += "_";
  return fresh_name(wanted, taken);
}

bool is_word(const std::string& name) {
  // AMD's headers are full of macros that begin so.
  return is_cpp_keyword(name) || std::ranges::binary_search(kWords, std::string_view(name)) ||
         name.starts_with("AP_") || name.starts_with("_");
}

}  // namespace

std::string local_name(const std::string& wanted, std::set<std::string>& taken) {
  return pick(wanted.starts_with("_") ? "x" + wanted : wanted,
              !wanted.starts_with("_") && is_word(wanted), taken);
}

std::string function_name(const std::string& wanted, std::set<std::string>& taken) {
  if (std::ranges::binary_search(kLibrary, std::string_view(wanted)))
    return pick(wanted, true, taken);
  return local_name(wanted, taken);
}

}  // namespace heddle::kernel::hls

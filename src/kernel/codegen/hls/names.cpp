#include "kernel/codegen/hls/names.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "kernel/rewrite.h"

namespace heddle::kernel::hls {
namespace {

/// Words of C++20 and what the text itself uses.
constexpr std::array kWords = std::to_array<std::string_view>({"alignas",
                                                               "alignof",
                                                               "and",
                                                               "and_eq",
                                                               "ap_fixed",
                                                               "ap_int",
                                                               "ap_ufixed",
                                                               "ap_uint",
                                                               "asm",
                                                               "auto",
                                                               "bitand",
                                                               "bitor",
                                                               "bool",
                                                               "break",
                                                               "case",
                                                               "catch",
                                                               "char",
                                                               "char16_t",
                                                               "char32_t",
                                                               "char8_t",
                                                               "class",
                                                               "co_await",
                                                               "co_return",
                                                               "co_yield",
                                                               "compl",
                                                               "concept",
                                                               "const",
                                                               "const_cast",
                                                               "consteval",
                                                               "constexpr",
                                                               "constinit",
                                                               "continue",
                                                               "decltype",
                                                               "default",
                                                               "delete",
                                                               "do",
                                                               "double",
                                                               "dynamic_cast",
                                                               "else",
                                                               "enum",
                                                               "errno",
                                                               "explicit",
                                                               "export",
                                                               "extern",
                                                               "false",
                                                               "float",
                                                               "for",
                                                               "friend",
                                                               "goto",
                                                               "heddle",
                                                               "heddle_stand_in",
                                                               "hls",
                                                               "if",
                                                               "inline",
                                                               "int",
                                                               "linux",
                                                               "long",
                                                               "main",
                                                               "mutable",
                                                               "namespace",
                                                               "new",
                                                               "noexcept",
                                                               "not",
                                                               "not_eq",
                                                               "nullptr",
                                                               "operator",
                                                               "or",
                                                               "or_eq",
                                                               "private",
                                                               "protected",
                                                               "public",
                                                               "register",
                                                               "reinterpret_cast",
                                                               "requires",
                                                               "return",
                                                               "short",
                                                               "signed",
                                                               "sizeof",
                                                               "static",
                                                               "static_assert",
                                                               "static_cast",
                                                               "std",
                                                               "stderr",
                                                               "stdin",
                                                               "stdout",
                                                               "struct",
                                                               "switch",
                                                               "template",
                                                               "this",
                                                               "thread_local",
                                                               "throw",
                                                               "true",
                                                               "try",
                                                               "typedef",
                                                               "typeid",
                                                               "typename",
                                                               "typeof",
                                                               "union",
                                                               "unix",
                                                               "unsigned",
                                                               "using",
                                                               "virtual",
                                                               "void",
                                                               "volatile",
                                                               "wchar_t",
                                                               "while",
                                                               "xor",
                                                               "xor_eq"});

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
  return std::ranges::binary_search(kWords, std::string_view(name)) || name.starts_with("AP_") ||
         name.starts_with("_");
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

#include "kernel/codegen/cpp/scope.h"

#include <algorithm>
#include <cctype>

#include "kernel/codegen/keywords.h"
#include "kernel/rewrite.h"

namespace heddle::kernel::native {
namespace {

bool is_reserved(const std::string& name) {
  // <cstdint>'s macros: INT8_MAX, UINT64_C, ...; and what starts with _ or holds __.
  return is_cpp_keyword(name) || name.starts_with("INT") || name.starts_with("UINT") ||
         name.starts_with("_") || name.find("__") != std::string::npos;
}

}  // namespace

std::string identifier(const std::string& name, std::set<std::string>& taken) {
  std::string text = name;
  std::ranges::replace_if(
      text, [](unsigned char c) { return std::isalnum(c) == 0 && c != '_'; }, '_');
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text.front())) != 0)
    text = "n" + text;
  if (is_reserved(text)) text = "k" + text;
  return fresh_name(text, taken);
}

}  // namespace heddle::kernel::native

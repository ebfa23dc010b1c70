// The words that C++ keeps for itself, whatever text a back end writes.
#pragma once

#include <string_view>

namespace heddle::kernel {

/// Whether C++20 does not take the name for an identifier.
bool is_cpp_keyword(std::string_view name);

}  // namespace heddle::kernel

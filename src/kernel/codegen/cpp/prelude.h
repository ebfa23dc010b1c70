// The small helper functions that native code uses, as C++ text: written only where needed.
#pragma once

#include <set>
#include <string>

namespace heddle::kernel::native {

/// The text, in namespace heddle, of the named helpers and of those that they need.
std::string prelude_text(const std::set<std::string>& helpers);

}  // namespace heddle::kernel::native

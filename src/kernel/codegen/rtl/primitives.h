// The hand-written modules of rtl/, as texts by name.
#pragma once

#include <map>
#include <string>

namespace heddle::kernel::rtl {

const std::map<std::string, std::string>& primitives();

}  // namespace heddle::kernel::rtl

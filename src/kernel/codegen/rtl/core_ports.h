// The ports of a core for an array argument (module_text.h says what they mean).
#pragma once

#include <vector>

#include "kernel/codegen/rtl/design.h"

namespace heddle::kernel::rtl {

struct CorePort {
  const char* direction;  ///< as the core sees it: "input" or "output"
  const char* signal;     ///< without the array's name before it
  int width;
};

std::vector<CorePort> core_ports(const Memory& memory);

}  // namespace heddle::kernel::rtl

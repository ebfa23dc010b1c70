// The precision that most tests of costs are about.
#pragma once

#include "cost/precision.h"

namespace heddle::cost {

inline const Precision& w8a8() {
  return find_precision("w8a8");
}

}  // namespace heddle::cost

// What every fuzz target does: a UserError is a good answer to bad input, anything else is a bug.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace heddle {

template <typename Action>
void only_user_errors(Action action) {
  try {
    action();
  } catch (const UserError&) {  // NOLINT(bugprone-empty-catch): the expected outcome.
  }
}

}  // namespace heddle

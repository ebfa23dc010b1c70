// What the lessons share: filling arrays, running a kernel, and saying so when a result is wrong.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "kernel/buffer.h"
#include "kernel/interpret.h"
#include "kernel/schedule/schedule.h"
#include "kernel/text.h"

namespace lesson {

using namespace heddle::kernel;

/// An array of small numbers that repeat after a while.
inline Buffer numbers(const Type& type, std::vector<std::int64_t> shape) {
  Buffer buffer(type, std::move(shape));
  for (std::int64_t i = 0; i < buffer.size(); ++i)
    buffer.set(i, static_cast<double>(i * 7 % 11 - 5));
  return buffer;
}

/// Ends the program if a result is not what the lesson says; ctest runs every lesson.
inline void expect(bool holds, const std::string& what) {
  if (holds) return;
  fmt::print("this lesson is wrong: {}\n", what);
  std::exit(1);
}

}  // namespace lesson

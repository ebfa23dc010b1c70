// Schedules that are written as C++ when the tests are built, and what that C++ makes of them.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "kernel/schedule/schedule.h"

namespace heddle::kernel {

/// The library's schedules, and one whose steps have arguments of every kind; by names that are C++
/// identifiers.
std::map<std::string, Schedule> replay_cases();

/// The same names with the C++ that to_cpp() wrote: it starts from the kernel of that case.
extern const std::map<std::string, std::function<Schedule(const KernelPtr&)>> kReplays;

}  // namespace heddle::kernel

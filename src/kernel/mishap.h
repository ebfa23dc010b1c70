// What the interpreter says when a kernel goes wrong.
#pragma once

#include <map>
#include <string>

#include "kernel/machine_state.h"

namespace heddle::kernel {

/// All of these throw UserError, with the statement of the instruction `at` of the process's
/// innermost call, the values of the loop counters around it, and the calls that led there.
[[noreturn]] void fail(const Process& process, std::int32_t at, const std::string& what,
                       const std::string& remedy);
[[noreturn]] void fail_arithmetic(const Process& process, std::int32_t at, Fault fault);
/// A subscript or channel index outside of its array or stream.
[[noreturn]] void fail_subscript(const Process& process, std::int32_t at);
[[noreturn]] void fail_unwritten(const Process& process, std::int32_t at);

/// "x[3]": a channel of a stream.
std::string channel_name(const StreamState& stream, std::int64_t channel);
/// Every blocked process below (and including) `root`, and what it waits for, a line each.
std::string describe_deadlock(const Process& root);
/// What to do about it. `depths` are those with which the kernel runs to its end, if there are any.
std::string deadlock_remedy(const Process& root,
                            const std::map<const Stream*, std::int64_t>& depths);

}  // namespace heddle::kernel

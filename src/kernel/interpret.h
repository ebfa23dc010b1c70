// Running a kernel statement by statement: the oracle for every other back end.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "kernel/buffer.h"
#include "kernel/ir.h"

namespace heddle::kernel {

struct InterpretOptions {
  /// Stops with a UserError after so many executed statements, or 64 times as many iterations of
  /// loops (0: no limit).
  std::uint64_t statement_limit = 0;
  /// Report iterations of pipelined loops that need more ports of a local array's bank than it has
  /// in the loop's interval. The loops inside are part of the iteration, as they are unrolled; a
  /// loop that is only unrolled is not looked at, nor are arguments, whose memory is the caller's.
  bool check_ports = false;
};

/// A memory whose partition cannot serve what a loop asks of it.
struct PortConflict {
  std::string array;
  std::string loop;  ///< the pipelined loop
  std::int64_t bank = 0;
  std::int64_t accesses = 0;   ///< distinct words of that bank in one iteration
  std::int64_t available = 0;  ///< ports times initiation interval
};

struct InterpretReport {
  std::uint64_t statements = 0;                   ///< executed stores, puts and gets
  std::map<std::string, std::int64_t> peak_fill;  ///< most elements each stream ever held
  std::vector<PortConflict> conflicts;            ///< the worst one for each array and loop
};

/// Runs the kernel. Inputs and inouts hold values; outputs start without values. Throws UserError,
/// with the statement and the values of the loop counters around it, for: a subscript outside its
/// array (the array and extent named), an element read before it was written, an overflow of an
/// exact type, a division by zero, written arguments that overlap, a stream whose writer and reader
/// disagree in number, and for a deadlock of bounded streams: every blocked process, the stream it
/// waits for and its fill.
InterpretReport interpret(const Kernel& kernel, std::span<const Argument> arguments,
                          const InterpretOptions& options = {});

}  // namespace heddle::kernel

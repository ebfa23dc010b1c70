// The machine that runs an interpreter's program: processes that take turns.
#pragma once

#include <deque>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "kernel/interpret.h"
#include "kernel/machine_state.h"

namespace heddle::kernel {

class Machine {
 public:
  Machine(const Program& program, const InterpretOptions& options);
  /// Runs codes[0] on arguments that fit it, once.
  InterpretReport run(std::span<const Argument> arguments);

 private:
  // Taking turns (machine.cpp).
  void run_until_blocked();
  [[noreturn]] void report_deadlock();
  /// Goes on from a deadlock, with ever deeper streams.
  bool ends_with_more_depth();
  /// Lets a writer that waits for room go on, by giving its stream a greater depth.
  bool deepen();
  Process* writer_of_shallowest(Process& below) const;
  void wait_for_channel(Process& process, Process::State state, StreamState& stream,
                        std::int64_t channel);
  void wake(Channel& channel);
  void make_ready(Process& process);
  void begin_region(Process& process, const RegionPlan& plan);
  void spawn(Process& process, std::int32_t number, std::int32_t entry);
  /// Whether the region has ended; else the process waits.
  bool end_region(Process& process);
  void end_process(Process& process);
  static bool writers_have_ended(const Process& process);

  // Running one process (machine_run.cpp).
  void execute(Process& process);
  void count_statement(const Process& process, std::int32_t at) {
    if (++report_.statements > limit_) fail_limit(process, at);
  }
  [[noreturn]] void fail_limit(const Process& process, std::int32_t at) const;
  /// Called every so many iterations of loops.
  void check_iterations(const Process& process, std::int32_t at);
  void put(Process& process, StreamState& stream, std::int64_t channel, const Register& value);
  void get(StreamState& stream, std::int64_t channel, Register& value);
  static void touch(Process& process, const Memory& memory, std::int64_t element);

  // Calls and declarations (machine_frames.cpp).
  std::unique_ptr<Frame> new_frame(const Code& code);
  void call(Process& process, const CallSite& site, std::int32_t at);
  void leave(Process& process);
  void bind(Frame& frame, std::span<const Argument> arguments);
  static void pass_window(const Process& process, std::int32_t at, const CallArgument& argument,
                          const Frame& from, Frame& to);
  void fit_window(Process& process, std::int32_t at);
  static void fit_channels(Process& process, std::int32_t at);
  static void refuse_overlaps(const Process& process, std::int32_t at);
  void declare_array(Process& process, std::int32_t at);
  void declare_stream(Process& process, std::int32_t at);
  void end_stream(const Process& process, std::int32_t at);

  static constexpr std::int64_t kFuel = 1 << 16;

  const Program& program_;
  InterpretOptions options_;
  InterpretReport report_;
  std::uint64_t limit_;
  std::int64_t fuel_ = kFuel;  ///< iterations until the next check_iterations()
  std::uint64_t iterations_ = 0;
  std::uint64_t generations_ = 0;
  std::vector<std::unique_ptr<Memory>> arguments_;
  std::vector<std::vector<std::unique_ptr<Frame>>> spare_frames_;  ///< for each code
  Process root_;
  std::deque<Process*> ready_;
  std::map<const Stream*, std::int64_t> deepened_;
};

}  // namespace heddle::kernel

#include "kernel/machine.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "kernel/mishap.h"

namespace heddle::kernel {
namespace {

/// How much further a deadlocked kernel is run to find the depths that it needs.
constexpr std::uint64_t kSearchStatements = 20'000'000;
constexpr int kSearchSteps = 100'000;

}  // namespace

Machine::Machine(const Program& program, const InterpretOptions& options)
    : program_(program),
      options_(options),
      limit_(options.statement_limit != 0 ? options.statement_limit
                                          : std::numeric_limits<std::uint64_t>::max()),
      spare_frames_(program.codes.size()) {}

InterpretReport Machine::run(std::span<const Argument> arguments) {
  const Code& code = *program_.codes.front();
  root_.identity = std::make_shared<Identity>(Identity{code.kernel->name});
  root_.frames.push_back(new_frame(code));
  bind(*root_.frames.front(), arguments);
  ready_.push_back(&root_);
  run_until_blocked();
  if (!root_.identity->ended) report_deadlock();
  return std::move(report_);
}

void Machine::run_until_blocked() {
  while (!ready_.empty()) {
    Process& process = *ready_.front();
    ready_.pop_front();
    execute(process);
  }
}

void Machine::report_deadlock() {
  const std::string problem = describe_deadlock(root_);
  const std::string remedy = deadlock_remedy(root_, {});
  throw UserError(problem, ends_with_more_depth() ? deadlock_remedy(root_, deepened_) : remedy);
}

bool Machine::ends_with_more_depth() {
  limit_ = std::min(limit_, report_.statements + kSearchStatements);
  try {
    for (int step = 0; step < kSearchSteps && !root_.identity->ended && deepen(); ++step) {
      run_until_blocked();
    }
  } catch (const UserError&) {
    return false;  // It goes wrong in another way.
  }
  return root_.identity->ended;
}

// The stream with the least depth first, by one: the way to bound the streams of a process network
// of T. M. Parks, "Bounded Scheduling of Process Networks", 1995. In larger steps once it is deep.
bool Machine::deepen() {
  constexpr std::int64_t kDeep = 1024;
  const Process* writer = writer_of_shallowest(root_);
  if (writer == nullptr) return false;
  StreamState& stream = *writer->stream;
  const std::int64_t depth = stream.depth + (stream.depth < kDeep ? 1 : stream.depth / 2);
  deepened_[stream.declaration] = depth;
  stream.depth = depth;
  for (Channel& channel : stream.channels) wake(channel);
  return true;
}

Process* Machine::writer_of_shallowest(Process& below) const {
  Process* best = below.state == Process::State::kPutting ? &below : nullptr;
  if (below.region == nullptr) return best;
  for (const std::unique_ptr<Process>& child : below.region->processes) {
    if (child->identity->ended) continue;
    Process* found = writer_of_shallowest(*child);
    if (found == nullptr) continue;
    if (best == nullptr || found->stream->depth < best->stream->depth) best = found;
  }
  return best;
}

void Machine::make_ready(Process& process) {
  process.state = Process::State::kReady;
  ready_.push_back(&process);
}

void Machine::wait_for_channel(Process& process, Process::State state, StreamState& stream,
                               std::int64_t channel) {
  process.state = state;
  process.stream = &stream;
  process.channel = channel;
  process.next_waiting = stream.channels[channel].waiting;
  stream.channels[channel].waiting = &process;
}

void Machine::wake(Channel& channel) {
  while (channel.waiting != nullptr) {
    Process& process = *channel.waiting;
    channel.waiting = process.next_waiting;
    process.next_waiting = nullptr;
    make_ready(process);
  }
}

// Regions.

void Machine::begin_region(Process& process, const RegionPlan& plan) {
  process.region = std::make_unique<RunningRegion>();
  process.region->running.assign(plan.processes.size(), 0);
  process.plan = &plan;
}

bool Machine::writers_have_ended(const Process& process) {
  const std::vector<std::int32_t>& writers =
      process.parent->plan->processes[process.number].waits_for;
  return std::all_of(writers.begin(), writers.end(), [&](std::int32_t writer) {
    return process.parent->region->running[writer] == 0;
  });
}

void Machine::spawn(Process& process, std::int32_t number, std::int32_t entry) {
  const Frame& outer = *process.frames.back();
  const RegionProcess& plan = process.plan->processes[number];
  auto child = std::make_unique<Process>();
  std::string name = plan.name;
  for (std::size_t i = 0; i < plan.counters.size(); ++i) {
    name += fmt::format("{}{}", i == 0 ? "[" : ", ", outer.registers()[plan.counters[i]].word);
  }
  if (!plan.counters.empty()) name += "]";
  child->identity = std::make_shared<Identity>(Identity{std::move(name)});
  child->parent = &process;
  child->number = number;
  std::unique_ptr<Frame> frame = new_frame(*outer.code);
  frame->file = outer.file;
  frame->views = outer.views;
  frame->streams = outer.streams;
  frame->next = entry;
  child->frames.push_back(std::move(frame));
  ++process.region->running[number];
  ++process.region->all_running;
  child->state = Process::State::kAwaitingWriters;
  process.region->processes.push_back(std::move(child));
}

bool Machine::end_region(Process& process) {
  RunningRegion& region = *process.region;
  if (region.all_running == 0) {
    for (const std::unique_ptr<Process>& child : region.processes) {
      Frame& frame = *child->frames.front();
      spare_frames_[frame.code->number].push_back(std::move(child->frames.front()));
    }
    process.region = nullptr;
    return true;
  }
  process.state = Process::State::kAwaitingRegion;
  for (const std::unique_ptr<Process>& child : region.processes) {
    if (writers_have_ended(*child)) make_ready(*child);
  }
  return false;
}

void Machine::end_process(Process& process) {
  process.identity->ended = true;
  Process& parent = *process.parent;
  RunningRegion& region = *parent.region;
  --region.all_running;
  if (--region.running[process.number] == 0) {
    for (const std::unique_ptr<Process>& child : region.processes) {
      const bool waits = child->state == Process::State::kAwaitingWriters;
      if (waits && writers_have_ended(*child)) make_ready(*child);
    }
  }
  if (region.all_running == 0) make_ready(parent);
}

}  // namespace heddle::kernel

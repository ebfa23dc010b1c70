#include "kernel/mishap.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "base/error.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

std::string first_line(const Stmt& stmt) {
  const std::string text = to_text(stmt);
  const std::size_t start = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(start, text.find('\n', start) - start);
}

/// " at i=3, j=7", or nothing outside of loops.
std::string counters(const Frame& frame, std::int32_t at) {
  const Code& code = *frame.code;
  std::vector<std::string> values;
  for (std::int32_t loop = code.sites[code.site_of[at]].loop; loop >= 0;
       loop = code.loops[loop].parent) {
    values.push_back(fmt::format("{}={}", code.loops[loop].name,
                                 frame.registers()[code.loops[loop].counter].word));
  }
  std::reverse(values.begin(), values.end());
  return values.empty() ? "" : fmt::format(" at {}", fmt::join(values, ", "));
}

/// " at i=3, in `x[i] = 1`": where an instruction stands; nothing for the extents of parameters,
/// which are the caller's matter.
std::string place(const Frame& frame, std::int32_t at) {
  const Stmt& stmt = frame.code->sites[frame.code->site_of[at]].statement;
  if (!stmt) return "";
  const std::string values = counters(frame, at);
  return fmt::format("{}{} in `{}`", values, values.empty() ? "" : ",", first_line(stmt));
}

/// The calls of a process and of those that started it, innermost first. A process's first frame is
/// a copy of the one that its parent waits in, and stands for it.
std::vector<const Frame*> calls(const Process& process) {
  std::vector<const Frame*> frames;
  for (const Process* p = &process; p != nullptr; p = p->parent) {
    for (std::size_t i = p->frames.size() - (p == &process ? 0 : 1); i-- > 0;) {
      frames.push_back(p->frames[i].get());
    }
  }
  return frames;
}

const Frame& top(const Process& process) {
  return *process.frames.back();
}

const Explanation& explanation_of(const Code& code, std::int32_t at) {
  const auto found = std::lower_bound(
      code.explanations.begin(), code.explanations.end(), at,
      [](const Explanation& explanation, std::int32_t wanted) { return explanation.at < wanted; });
  ensure(found != code.explanations.end() && found->at == at,
         "an operation that cannot fault did so in kernel {}", code.kernel->name);
  return *found;
}

/// "3, 4"; "0" of a variable without dimensions.
std::string subscripts(const Frame& frame, const Instruction& instruction) {
  if (instruction.rank == 0) return "0";
  std::vector<std::int64_t> values;
  values.reserve(instruction.rank);
  for (std::int32_t d = 0; d < instruction.rank; ++d) {
    values.push_back(frame.registers()[frame.code->operands[instruction.b + d]].word);
  }
  return fmt::format("{}", fmt::join(values, ", "));
}

bool is_stream_access(Opcode op) {
  return op == Opcode::kPut || op == Opcode::kGet;
}

/// What one process waits for.
std::string wait_of(const Process& process) {
  switch (process.state) {
    case Process::State::kReady:
      return "can go on";
    case Process::State::kAwaitingRegion:
      return "waits for its own processes to end";
    case Process::State::kAwaitingWriters: {
      std::vector<std::string> names;
      for (const std::int32_t writer : process.parent->plan->processes[process.number].waits_for) {
        if (process.parent->region->running[writer] > 0) {
          names.push_back(process.parent->plan->processes[writer].name);
        }
      }
      return fmt::format("waits for process {} to end, which writes an array that it reads",
                         fmt::join(names, ", "));
    }
    case Process::State::kPutting:
    case Process::State::kGetting:
      break;
  }
  const StreamState& stream = *process.stream;
  const Channel& channel = stream.channels[process.channel];
  return fmt::format("waits to {} {} ({} of {} full)",
                     process.state == Process::State::kPutting ? "write" : "read",
                     channel_name(stream, process.channel), channel.fill, stream.depth);
}

/// How many elements have gone through the channel that a process waits for.
std::string history_of(const Process& process) {
  if (process.stream == nullptr) return "";
  const Channel& channel = process.stream->channels[process.channel];
  std::string text = fmt::format("; {} put, {} taken", channel.puts, channel.gets);
  if (process.state != Process::State::kGetting) return text;
  if (channel.writer == nullptr) return text + "; no process has written it";
  if (channel.writer->ended) text += fmt::format("; its writer {} has ended", channel.writer->name);
  return text;
}

/// Calls `visit` with each process that is blocked by itself, outermost first.
template <typename Visit>
void for_each_blocked(const Process& process, const Visit& visit) {
  // The kernel itself, in the middle of a Dataflow, is no process that anyone named.
  if (process.parent != nullptr || process.state != Process::State::kAwaitingRegion) visit(process);
  if (process.region == nullptr) return;
  for (const std::unique_ptr<Process>& child : process.region->processes) {
    if (!child->identity->ended) for_each_blocked(*child, visit);
  }
}

}  // namespace

void fail(const Process& process, std::int32_t at, const std::string& what,
          const std::string& remedy) {
  const std::vector<const Frame*> frames = calls(process);
  std::string text = fmt::format("kernel {}: {}", frames.front()->code->kernel->name, what);
  text += place(*frames.front(), at);
  for (const Frame* frame : std::span(frames).subspan(1)) {
    text += fmt::format("\n  called by kernel {}", frame->code->kernel->name);
    text += place(*frame, frame->next - 1);
  }
  throw UserError(text, remedy);
}

void fail_arithmetic(const Process& process, std::int32_t at, Fault fault) {
  const Frame& frame = top(process);
  const Explanation& about = explanation_of(*frame.code, at);
  const auto value = [&](std::int32_t place, const Type& type) {
    return to_string(boxed(frame.registers()[place], type));
  };
  std::string what = value(about.a, about.a_type);
  if (about.operation) {
    what += fmt::format(" {} {}", to_string(*about.operation), value(about.b, about.b_type));
  }
  switch (fault) {
    case Fault::kOverflow:
      fail(process, at, fmt::format("overflow: {} does not fit {}", what, to_string(about.result)),
           "use a wider type, or one that wraps or saturates");
    case Fault::kDivideByZero:
      fail(process, at, fmt::format("division by zero: {}", what),
           "guard the division with an if or a select");
    case Fault::kShift:
      fail(process, at, fmt::format("a shift by a negative amount: {}", what),
           "shift by 0 or more");
    case Fault::kNotPositive:
      fail(process, at, fmt::format("an index divided by a negative number: {}", what),
           "divide an index by a positive number");
    case Fault::kNone:
      break;
  }
  throw InternalError("a fault without a reason");
}

void fail_subscript(const Process& process, std::int32_t at) {
  const Frame& frame = top(process);
  const Instruction& instruction = frame.code->instructions[at];
  const bool is_stream = is_stream_access(instruction.op);
  const std::string& name = is_stream ? frame.code->streams[instruction.a]->name
                                      : frame.code->arrays[instruction.a].declaration->name;
  const Dimension* dimensions =
      is_stream ? frame.streams[instruction.a].dimensions : frame.views[instruction.a].dimensions;
  for (std::int32_t d = 0; d < instruction.rank; ++d) {
    const std::int64_t value = frame.registers()[frame.code->operands[instruction.b + d]].word;
    if (value >= 0 && value < dimensions[d].extent) continue;
    fail(process, at,
         fmt::format("{} {} of {} is {}, outside of 0 ... {} (extent {})",
                     is_stream ? "channel index" : "subscript", d, name, value,
                     dimensions[d].extent - 1, dimensions[d].extent),
         dimensions[d].extent > 0 ? "check the loop's bounds, or guard the access with an if"
                                  : "guard the access with an if: there is no element");
  }
  throw InternalError("a subscript that is inside was found outside");
}

void fail_unwritten(const Process& process, std::int32_t at) {
  const Frame& frame = top(process);
  const Instruction& instruction = frame.code->instructions[at];
  fail(process, at,
       fmt::format("element {} of {} is read before it has a value", subscripts(frame, instruction),
                   frame.code->arrays[instruction.a].declaration->name),
       "store to it first; a local array has no values each time its declaration is reached");
}

std::string channel_name(const StreamState& stream, std::int64_t channel) {
  std::vector<std::int64_t> at;
  at.reserve(stream.dimensions.size());
  for (const Dimension& dimension : stream.dimensions) {
    at.push_back(channel / dimension.stride % dimension.extent);
  }
  const std::string& name = stream.declaration->name;
  return at.empty() ? name : fmt::format("{}[{}]", name, fmt::join(at, ", "));
}

std::string describe_deadlock(const Process& root) {
  std::string text = fmt::format("kernel {}: deadlock: no process can go on",
                                 root.frames.front()->code->kernel->name);
  for_each_blocked(root, [&](const Process& process) {
    const Frame& frame = top(process);
    const bool has_started = process.state != Process::State::kAwaitingWriters;
    text += fmt::format("\n  {} {}", process.identity->name, wait_of(process));
    if (has_started) text += place(frame, frame.next) + history_of(process);
  });
  return text;
}

std::string deadlock_remedy(const Process& root,
                            const std::map<const Stream*, std::int64_t>& depths) {
  if (!depths.empty()) {
    std::vector<std::string> list;
    list.reserve(depths.size());
    for (const auto& [stream, depth] : depths) {
      list.push_back(
          fmt::format("stream {} a larger depth: {} (now {})", stream->name, depth, stream->depth));
    }
    std::sort(list.begin(), list.end());
    return fmt::format(
        "give {}, and the kernel runs to its end; or let writer and reader use their streams in "
        "the "
        "same order",
        fmt::join(list, ", "));
  }
  std::string remedy = "let each process put and take in the order in which others take and put";
  for_each_blocked(root, [&](const Process& process) {
    if (process.state != Process::State::kGetting) return;
    const Channel& channel = process.stream->channels[process.channel];
    if (channel.writer != nullptr && !channel.writer->ended) return;
    remedy = fmt::format("put as many elements into {} as are taken from it",
                         channel_name(*process.stream, process.channel));
  });
  return remedy;
}

}  // namespace heddle::kernel

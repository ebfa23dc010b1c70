#include "kernel/interpret.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <list>

#include "base/error.h"
#include "base/interrupt.h"
#include "kernel/fiber.h"
#include "kernel/memory.h"
#include "kernel/program.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

/// What the names of a kernel stand for in one call of it.
struct Frame {
  const PreparedKernel* kernel = nullptr;
  std::vector<Scalar> variables;
  std::vector<View> arrays;
  std::vector<StreamView> streams;
  const Frame* caller = nullptr;
};

/// One thread of control: the kernel itself, or a process of a Dataflow.
struct Process {
  std::string name;
  std::unique_ptr<Fiber> fiber;
  /// Set while it cannot go on: what it waits for, and whether that has come.
  std::function<bool()> ready;
  std::string waiting;
  std::string full_stream;        ///< the stream whose lack of room it waits out
  std::vector<const For*> loops;  ///< around the current statement, outermost first
  std::vector<const Frame*> loop_frames;
  PortCounter ports;
  int pipelined = 0;  ///< pipelined loops around the current statement
};

std::string first_line(const Stmt& stmt) {
  const std::string text = to_text(stmt);
  const std::size_t start = text.find_first_not_of(' ');
  return text.substr(start, text.find('\n') - start);
}

std::string indices_text(const std::vector<std::int64_t>& indices) {
  return indices.empty() ? "" : fmt::format("[{}]", fmt::join(indices, ", "));
}

class Machine {
 public:
  Machine(const KernelPtr& kernel, const InterpretOptions& options)
      : program_(prepare(kernel)), options_(options) {}

  InterpretReport run(std::span<const Argument> arguments) {
    Frame frame = frame_of(*program_, nullptr);
    bind(frame, arguments);
    Process root;
    root.name = program_->kernel->name;
    root.fiber = std::make_unique<Fiber>([&] { execute(program_->body, frame, root); });
    processes_.push_back(&root);
    schedule();
    return std::move(report_);
  }

 private:
  // Running processes.

  /// Lets every process that can go on do so, until all have ended.
  void schedule() {
    while (!processes_.empty()) {
      bool progress = false;
      // By number: processes start others while they run.
      for (std::size_t i = 0; i < processes_.size();) {
        Process& process = *processes_[i];
        if (process.ready && !process.ready()) {
          ++i;
          continue;
        }
        process.ready = nullptr;
        progress = true;
        process.fiber->resume();
        if (process.fiber->ended()) {
          processes_.erase(std::find(processes_.begin(), processes_.end(), &process));
        } else {
          ++i;
        }
      }
      if (!progress) report_deadlock();
    }
  }

  void wait(Process& process, std::string what, std::string full_stream,
            std::function<bool()> ready) {
    process.waiting = std::move(what);
    process.full_stream = std::move(full_stream);
    process.ready = std::move(ready);
    process.fiber->pause();
  }

  [[noreturn]] void report_deadlock() const {
    std::string text =
        fmt::format("kernel {}: deadlock, every process waits:", program_->kernel->name);
    std::string deepen;
    for (const Process* process : processes_) {
      text += fmt::format("\n  {} {}{}", process->name, process->waiting, counters_text(*process));
      if (!process->full_stream.empty() && deepen.empty()) deepen = process->full_stream;
    }
    throw UserError(text,
                    deepen.empty()
                        ? "put as many elements as are taken, and put them before they are "
                          "needed"
                        : fmt::format("give stream {} a larger depth, or write and read streams "
                                      "in the same order",
                                      deepen));
  }

  // Mistakes.

  static std::string counters_text(const Process& process) {
    std::string text;
    for (std::size_t i = 0; i < process.loops.size(); ++i) {
      const Frame& frame = *process.loop_frames[i];
      const int place = frame.kernel->variable_places.at(process.loops[i]->name);
      text += fmt::format("{}{}={}", text.empty() ? " at " : ", ", process.loops[i]->name,
                          to_string(frame.variables[place].raw));
    }
    return text;
  }

  [[noreturn]] static void fail(const Process& process, const Frame& frame, const Stmt& at,
                                const std::string& what, const std::string& remedy) {
    throw UserError(fmt::format("kernel {}: {}\n  in `{}`{}", frame.kernel->kernel->name, what,
                                first_line(at), counters_text(process)),
                    remedy);
  }

  static void check(Fault fault, const Scalar& value, const Type& type, const Process& process,
                    const Frame& frame, const Stmt& at) {
    switch (fault) {
      case Fault::kNone:
        return;
      case Fault::kOverflow:
        fail(process, frame, at,
             fmt::format("{} does not fit {}", to_string(value), to_string(type)),
             "use a wider type, or one that wraps or saturates");
      case Fault::kDivideByZero:
        fail(process, frame, at, "division by zero", "guard the division with an if or a select");
      case Fault::kShift:
        fail(process, frame, at, "a shift by a negative amount", "shift by 0 or more");
      case Fault::kNotPositive:
        fail(process, frame, at, "an index divided by a number that is not positive",
             "divide an index by a positive number");
    }
  }

  // Expressions.

  struct Context {
    Frame& frame;
    Process& process;
    const Stmt& statement;
  };

  std::int64_t index(const PreparedExpr& e, const Context& at) {
    return static_cast<std::int64_t>(evaluate(e, at, at.frame.variables).raw);
  }

  std::vector<std::int64_t> all_indices(const std::vector<PreparedExpr>& list, const Context& at) {
    std::vector<std::int64_t> result;
    result.reserve(list.size());
    for (const PreparedExpr& e : list) result.push_back(index(e, at));
    return result;
  }

  /// `variables` are the frame's, or a function's.
  Scalar evaluate(const PreparedExpr& e, const Context& at, const std::vector<Scalar>& variables) {
    using Kind = PreparedExpr::Kind;
    switch (e.kind) {
      case Kind::kConstant:
        return e.constant;
      case Kind::kVariable:
        return variables[e.place];
      case Kind::kLoad:
        return load(e, at);
      case Kind::kSelect: {
        const bool first = evaluate(e.operands[0], at, variables).raw != 0;
        return evaluate(e.operands[first ? 1 : 2], at, variables);
      }
      case Kind::kApply:
        return call_function(e, at, variables);
      case Kind::kBinary:
        return evaluate_binary(e, at, variables);
      default:
        break;
    }
    const Scalar operand = evaluate(e.operands[0], at, variables);
    if (e.kind == Kind::kBitcast) return reinterpret(operand, e.type);
    Fault fault = Fault::kNone;
    const Scalar result = e.kind == Kind::kCast ? convert(operand, e.type, fault)
                                                : apply(e.unary, operand, e.type, fault);
    check(fault, operand, e.type, at.process, at.frame, at.statement);
    return result;
  }

  Scalar evaluate_binary(const PreparedExpr& e, const Context& at,
                         const std::vector<Scalar>& variables) {
    const Scalar a = evaluate(e.operands[0], at, variables);
    if (e.type.is_bool() && a.type.is_bool()) {
      // The second operand counts only if the first leaves the answer open.
      if (e.binary == BinaryOp::kAnd && a.raw == 0) return a;
      if (e.binary == BinaryOp::kOr && a.raw != 0) return a;
    }
    const Scalar b = evaluate(e.operands[1], at, variables);
    Fault fault = Fault::kNone;
    const Scalar result = apply(e.binary, a, b, e.type, fault);
    check(fault, a, e.type, at.process, at.frame, at.statement);
    return result;
  }

  Scalar call_function(const PreparedExpr& e, const Context& at,
                       const std::vector<Scalar>& variables) {
    std::vector<Scalar> own;
    own.reserve(e.operands.size() + e.function->bindings.size());
    for (const PreparedExpr& operand : e.operands) own.push_back(evaluate(operand, at, variables));
    for (const PreparedExpr& binding : e.function->bindings) {
      own.push_back(evaluate(binding, at, own));
    }
    return evaluate(e.function->result, at, own);
  }

  // Arrays.

  std::int64_t locate(int place, const std::vector<PreparedExpr>& indices, const Context& at) {
    const View& view = at.frame.arrays[place];
    std::int64_t element = view.offset;
    for (std::size_t d = 0; d < indices.size(); ++d) {
      const std::int64_t value = index(indices[d], at);
      if (value < 0 || value >= view.extents[d]) {
        fail(at.process, at.frame, at.statement,
             fmt::format("subscript {} of {} is {}, outside of 0 ... {}", d,
                         view.memory->declaration->name, value, view.extents[d] - 1),
             "check the loop's bounds, or guard the access with an if");
      }
      element += value * view.strides[d];
    }
    if (options_.check_ports && at.process.pipelined > 0) {
      at.process.ports.count(*view.memory, element);
    }
    return element;
  }

  Scalar load(const PreparedExpr& e, const Context& at) {
    return read(e.place, locate(e.place, e.operands, at), at);
  }

  Scalar read(int place, std::int64_t element, const Context& at) {
    const Memory& memory = *at.frame.arrays[place].memory;
    if (!memory.written.empty() && !memory.written[element]) {
      fail(at.process, at.frame, at.statement,
           fmt::format("element {} of {} is read before it has a value",
                       element - at.frame.arrays[place].offset, memory.declaration->name),
           "store to it first");
    }
    return memory.buffer->get(element);
  }

  void write(int place, std::int64_t element, const Scalar& value, const Context& at) {
    Memory& memory = *at.frame.arrays[place].memory;
    Fault fault = Fault::kNone;
    const Type& type = memory.buffer->element();
    const Scalar kept = value.type == type ? value : convert(value, type, fault);
    check(fault, value, type, at.process, at.frame, at.statement);
    memory.buffer->set(element, kept);
    if (!memory.written.empty()) memory.written[element] = true;
    count_statement(at);
  }

  void count_statement(const Context& at) {
    constexpr std::uint64_t kBetweenChecks = 1 << 16;
    if (++report_.statements % kBetweenChecks == 0) check_interrupt();
    if (options_.statement_limit != 0 && report_.statements > options_.statement_limit) {
      fail(at.process, at.frame, at.statement,
           fmt::format("more than {} statements were executed", options_.statement_limit),
           "use smaller sizes, or raise the limit");
    }
  }

  static std::vector<std::int64_t> dense_strides(const std::vector<std::int64_t>& extents) {
    std::vector<std::int64_t> strides(extents.size());
    std::int64_t stride = 1;
    for (std::size_t d = extents.size(); d-- > 0;) {
      strides[d] = stride;
      stride *= extents[d];
    }
    return strides;
  }

  // Frames.

  static Frame frame_of(const PreparedKernel& kernel, const Frame* caller) {
    Frame frame;
    frame.kernel = &kernel;
    frame.variables.resize(kernel.variables);
    frame.arrays.resize(kernel.arrays);
    frame.streams.resize(kernel.streams);
    frame.caller = caller;
    return frame;
  }

  void bind(Frame& frame, std::span<const Argument> arguments) const {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const int place = program_->parameter_places[i];
      const Parameter& parameter = program_->kernel->parameters[i];
      if (const auto* array = std::get_if<ArrayParameter>(&parameter)) {
        auto memory = std::make_shared<Memory>();
        memory->declaration = &array->array;
        memory->buffer = std::get<Buffer*>(arguments[i]);
        if (array->direction == Direction::kOut)
          memory->written.assign(memory->buffer->size(), false);
        frame.arrays[place] = {memory, 0, memory->buffer->shape(),
                               dense_strides(memory->buffer->shape())};
      } else {
        frame.variables[place] = std::get<Scalar>(arguments[i]);
      }
    }
  }

  // Statements.

  void execute(const PreparedStmt& stmt, Frame& frame, Process& process) {
    std::visit([&](const auto& node) { execute(node, stmt, frame, process); }, stmt.source->value);
  }

  void execute(const Block&, const PreparedStmt& stmt, Frame& frame, Process& process) {
    for (const PreparedStmt& part : stmt.body) execute(part, frame, process);
    for (const PreparedStmt& part : stmt.body) {
      if (as<DeclareStream>(part.source) != nullptr) check_empty(part, frame, process);
    }
  }

  void execute(const For& node, const PreparedStmt& stmt, Frame& frame, Process& process) {
    const Context at{frame, process, stmt.source};
    const std::int64_t lower = index(stmt.values[0], at);
    const std::int64_t upper = index(stmt.values[1], at);
    process.loops.push_back(&node);
    process.loop_frames.push_back(&frame);
    process.pipelined += node.marks.pipeline ? 1 : 0;
    Scalar& counter = frame.variables[stmt.place];
    counter = {index_type(), lower, 0};
    for (std::int64_t i = lower; i < upper; ++i) {
      counter.raw = i;
      execute(stmt.body.front(), frame, process);
      if (options_.check_ports && node.marks.pipeline) finish_iteration(node, process);
    }
    process.pipelined -= node.marks.pipeline ? 1 : 0;
    process.loops.pop_back();
    process.loop_frames.pop_back();
  }

  void finish_iteration(const For& loop, Process& process) {
    constexpr std::int64_t kPorts = 2;
    const std::int64_t available = kPorts * loop.marks.pipeline.value_or(1);
    for (const PortCounter::Worst& worst : process.ports.finish()) {
      if (worst.accesses <= available) continue;
      const auto known = std::find_if(
          report_.conflicts.begin(), report_.conflicts.end(), [&](const PortConflict& conflict) {
            return conflict.array == worst.array->name && conflict.loop == loop.name;
          });
      const PortConflict conflict{worst.array->name, loop.name, worst.bank, worst.accesses,
                                  available};
      if (known == report_.conflicts.end()) {
        report_.conflicts.push_back(conflict);
      } else if (known->accesses < worst.accesses) {
        *known = conflict;
      }
    }
  }

  void execute(const If&, const PreparedStmt& stmt, Frame& frame, Process& process) {
    const bool taken =
        evaluate(stmt.values[0], {frame, process, stmt.source}, frame.variables).raw != 0;
    if (taken) {
      execute(stmt.body[0], frame, process);
    } else if (stmt.body.size() > 1) {
      execute(stmt.body[1], frame, process);
    }
  }

  void execute(const DeclareArray& node, const PreparedStmt& stmt, Frame& frame, Process& process) {
    const Context at{frame, process, stmt.source};
    auto memory = std::make_shared<Memory>();
    memory->declaration = &node.array;
    memory->own = std::make_unique<Buffer>(node.array.element, all_indices(stmt.indices, at));
    memory->buffer = memory->own.get();
    if (stmt.values.empty()) memory->written.assign(memory->buffer->size(), false);
    for (std::size_t i = 0; i < stmt.values.size(); ++i) {
      memory->buffer->set(static_cast<std::int64_t>(i), stmt.values[i].constant);
    }
    frame.arrays[stmt.place] = {memory, 0, memory->buffer->shape(),
                                dense_strides(memory->buffer->shape())};
  }

  void execute(const DeclareStream& node, const PreparedStmt& stmt, Frame& frame,
               Process& process) {
    auto memory = std::make_shared<StreamMemory>();
    memory->declaration = &node.stream;
    memory->extents = all_indices(stmt.indices, {frame, process, stmt.source});
    std::int64_t count = 1;
    for (const std::int64_t extent : memory->extents) count *= std::max<std::int64_t>(0, extent);
    constexpr std::int64_t kMostChannels = 1 << 24;
    if (count > kMostChannels) {
      fail(process, frame, stmt.source,
           fmt::format("stream {} has {} channels", node.stream.name, count),
           fmt::format("use at most {}", kMostChannels));
    }
    memory->channels.resize(static_cast<std::size_t>(count));
    frame.streams[stmt.place] = {std::move(memory), std::nullopt};
  }

  void execute(const Store& node, const PreparedStmt& stmt, Frame& frame, Process& process) {
    const Context at{frame, process, stmt.source};
    Scalar value = evaluate(stmt.values[0], at, frame.variables);
    const std::int64_t element = locate(stmt.place, stmt.indices, at);
    if (node.reduce) {
      const Scalar old = read(stmt.place, element, at);
      value = reduced(*node.reduce, old, value, at);
    }
    write(stmt.place, element, value, at);
  }

  static Scalar reduced(ReduceOp op, const Scalar& old, Scalar value, const Context& at) {
    constexpr BinaryOp kOps[] = {BinaryOp::kAdd, BinaryOp::kMul, BinaryOp::kMin, BinaryOp::kMax};
    const BinaryOp binary = kOps[static_cast<std::size_t>(op)];
    Fault fault = Fault::kNone;
    Scalar first = old;
    // As the makers of expressions do: floats and indices meet in one type, min and max too.
    const Type common = common_type(first.type, value.type);
    if (!common.is_fixed() || op == ReduceOp::kMin || op == ReduceOp::kMax) {
      first = convert(first, common, fault);
      value = convert(value, common, fault);
    }
    const Type type = result_type(binary, first.type, value.type);
    const Scalar result = apply(binary, first, value, type, fault);
    check(fault, value, type, at.process, at.frame, at.statement);
    return result;
  }

  void execute(const Put&, const PreparedStmt& stmt, Frame& frame, Process& process) {
    const Context at{frame, process, stmt.source};
    const Scalar value = evaluate(stmt.values[0], at, frame.variables);
    const std::vector<std::int64_t> indices = all_indices(stmt.indices, at);
    StreamMemory& stream = *frame.streams[stmt.place].memory;
    std::deque<Scalar>& elements = channel(stmt.place, indices, at).elements;
    const auto depth = static_cast<std::size_t>(stream.declaration->depth);
    if (elements.size() >= depth) {
      wait(process,
           fmt::format("waits to write {}{} ({} of {} full)", stream.declaration->name,
                       indices_text(indices), elements.size(), depth),
           stream.declaration->name, [&elements, depth] { return elements.size() < depth; });
    }
    Fault fault = Fault::kNone;
    const Type& type = stream.declaration->element;
    elements.push_back(value.type == type ? value : convert(value, type, fault));
    check(fault, value, type, process, frame, stmt.source);
    std::int64_t& peak = report_.peak_fill[stream.declaration->name];
    peak = std::max(peak, static_cast<std::int64_t>(elements.size()));
    count_statement(at);
  }

  void execute(const Get&, const PreparedStmt& stmt, Frame& frame, Process& process) {
    const Context at{frame, process, stmt.source};
    const std::vector<std::int64_t> indices = all_indices(stmt.indices, at);
    const StreamMemory& stream = *frame.streams[stmt.place].memory;
    std::deque<Scalar>& elements = channel(stmt.place, indices, at).elements;
    if (elements.empty()) {
      wait(process,
           fmt::format("waits to read {}{} (0 of {} full)", stream.declaration->name,
                       indices_text(indices), stream.declaration->depth),
           "", [&elements] { return !elements.empty(); });
    }
    const Scalar value = elements.front();
    elements.pop_front();
    write(stmt.target, locate(stmt.target, stmt.target_indices, at), value, at);
  }

  Channel& channel(int place, const std::vector<std::int64_t>& indices, const Context& at) {
    const StreamView& view = at.frame.streams[place];
    if (view.channel) return view.memory->channels[*view.channel];
    std::int64_t number = 0;
    for (std::size_t d = 0; d < indices.size(); ++d) {
      const std::int64_t extent = view.memory->extents[d];
      if (indices[d] < 0 || indices[d] >= extent) {
        fail(at.process, at.frame, at.statement,
             fmt::format("channel {} of {} is {}, outside of 0 ... {}", d,
                         view.memory->declaration->name, indices[d], extent - 1),
             "check the loop's bounds, or guard the access with an if");
      }
      number = number * extent + indices[d];
    }
    return view.memory->channels[static_cast<std::size_t>(number)];
  }

  void check_empty(const PreparedStmt& declaration, const Frame& frame,
                   const Process& process) const {
    const StreamMemory& stream = *frame.streams[declaration.place].memory;
    for (std::size_t i = 0; i < stream.channels.size(); ++i) {
      const std::size_t left = stream.channels[i].elements.size();
      if (left == 0) continue;
      fail(process, frame, declaration.source,
           fmt::format("{} element{} of stream {} (channel {}) {} put and never taken", left,
                       left == 1 ? "" : "s", stream.declaration->name, i,
                       left == 1 ? "was" : "were"),
           "take as many elements as are put");
    }
  }

  void execute(const Call& node, const PreparedStmt& stmt, Frame& frame, Process& process) {
    const Context at{frame, process, stmt.source};
    Frame inner = frame_of(*stmt.callee, &frame);
    std::vector<std::pair<std::size_t, View>> windows;
    for (std::size_t i = 0; i < stmt.arguments.size(); ++i) {
      const PreparedStmt::Argument& argument = stmt.arguments[i];
      const int place = stmt.callee->parameter_places[i];
      if (std::holds_alternative<Expr>(node.arguments[i])) {
        inner.variables[place] = evaluate(argument.value, at, frame.variables);
      } else if (std::holds_alternative<StreamArgument>(node.arguments[i])) {
        StreamView view = frame.streams[argument.place];
        if (!argument.indices.empty()) {
          const std::vector<std::int64_t> indices = all_indices(argument.indices, at);
          view.channel = static_cast<std::size_t>(&channel(argument.place, indices, at) -
                                                  view.memory->channels.data());
        }
        inner.streams[place] = view;
      } else {
        windows.emplace_back(i, window(argument, at));
      }
    }
    // The extents of a window are the callee's, which its scalars may decide.
    for (auto& [number, view] : windows) {
      fit_window(stmt, number, view, inner, at);
      const auto& parameter = std::get<ArrayParameter>(node.callee->parameters[number]);
      if (parameter.direction == Direction::kOut) forget(view);
      inner.arrays[stmt.callee->parameter_places[number]] = std::move(view);
    }
    execute(stmt.callee->body, inner, process);
  }

  /// The spanned dimensions of an argument, as far as the array goes.
  View window(const PreparedStmt::Argument& argument, const Context& at) {
    const View& whole = at.frame.arrays[argument.place];
    View view{whole.memory, whole.offset, {}, {}};
    for (std::size_t d = 0; d < argument.indices.size(); ++d) {
      const std::int64_t base = index(argument.indices[d], at);
      const bool is_inside = base >= 0 && base <= whole.extents[d];
      if (!is_inside || (!argument.spanned[d] && base == whole.extents[d])) {
        fail(at.process, at.frame, at.statement,
             fmt::format("the window of {} starts at {} in dimension {}, outside of 0 ... {}",
                         whole.memory->declaration->name, base, d, whole.extents[d] - 1),
             "let windows lie inside of their arrays");
      }
      view.offset += base * whole.strides[d];
      if (!argument.spanned[d]) continue;
      view.extents.push_back(whole.extents[d] - base);
      view.strides.push_back(whole.strides[d]);
    }
    return view;
  }

  void fit_window(const PreparedStmt& stmt, std::size_t number, View& view, Frame& inner,
                  const Context& at) {
    const std::vector<PreparedExpr>& extents = stmt.callee->extents[number];
    for (std::size_t d = 0; d < extents.size(); ++d) {
      const std::int64_t wanted = index(extents[d], {inner, at.process, at.statement});
      if (wanted > view.extents[d]) {
        fail(
            at.process, at.frame, at.statement,
            fmt::format("{} of {} needs {} elements of {} in dimension {}, and there are {}",
                        name_of(stmt.callee->kernel->parameters[number]), stmt.callee->kernel->name,
                        wanted, view.memory->declaration->name, d, view.extents[d]),
            "let windows lie inside of their arrays");
      }
      view.extents[d] = std::max<std::int64_t>(0, wanted);
    }
  }

  /// A callee finds its out parameters without values.
  static void forget(const View& view) {
    if (view.memory->written.empty()) {
      view.memory->written.assign(static_cast<std::size_t>(view.memory->buffer->size()), true);
    }
    std::vector<std::int64_t> at(view.extents.size(), 0);
    if (std::find(view.extents.begin(), view.extents.end(), 0) != view.extents.end()) return;
    for (;;) {
      std::int64_t element = view.offset;
      for (std::size_t d = 0; d < at.size(); ++d) element += at[d] * view.strides[d];
      view.memory->written[static_cast<std::size_t>(element)] = false;
      std::size_t d = at.size();
      while (d > 0 && ++at[d - 1] == view.extents[d - 1]) at[--d] = 0;
      if (d == 0) return;
    }
  }

  void execute(const Dataflow& node, const PreparedStmt& stmt, Frame& frame, Process& process) {
    // Each process, or each iteration of one that is an unrolled loop, with a frame of its own for
    // what it declares; the arrays and streams from outside are shared.
    struct Part {
      Process process;
      Frame frame;
    };
    std::list<Part> parts;
    std::vector<int> running(node.processes.size(), 0);
    std::vector<Process*> started;
    for (std::size_t i = 0; i < node.processes.size(); ++i) {
      const PreparedStmt& body = stmt.body[i];
      const auto* loop = as<For>(body.source);
      const bool is_grid = loop != nullptr && loop->marks.unroll;
      const Context at{frame, process, body.source};
      const std::int64_t first = is_grid ? index(body.values[0], at) : 0;
      const std::int64_t last = is_grid ? index(body.values[1], at) : 1;
      for (std::int64_t number = first; number < last; ++number) {
        Part& part = parts.emplace_back();
        part.frame = frame;
        part.process.name = node.processes[i].name;
        part.process.loops = process.loops;
        part.process.loop_frames = process.loop_frames;
        if (is_grid) {
          part.process.name += fmt::format("[{}]", number);
          part.frame.variables[body.place] = {index_type(), number, 0};
          part.process.loops.push_back(loop);
          part.process.loop_frames.push_back(&part.frame);
        }
        const PreparedStmt& work = is_grid ? body.body.front() : body;
        ++running[i];
        part.process.fiber = std::make_unique<Fiber>([this, &part, &work, &running, i] {
          execute(work, part.frame, part.process);
          --running[i];
        });
        const std::vector<int>& writers = stmt.waits_for[i];
        if (!writers.empty()) {
          part.process.waiting =
              fmt::format("waits for {} to end", node.processes[writers.front()].name);
          part.process.ready = [&running, &writers] {
            return std::all_of(writers.begin(), writers.end(),
                               [&](int writer) { return running[writer] == 0; });
          };
        }
        started.push_back(&part.process);
      }
    }
    processes_.insert(processes_.end(), started.begin(), started.end());
    const auto all_ended = [&running] {
      return std::all_of(running.begin(), running.end(), [](int count) { return count == 0; });
    };
    if (!all_ended()) wait(process, "waits for its processes to end", "", all_ended);
  }

  std::shared_ptr<const PreparedKernel> program_;
  InterpretOptions options_;
  InterpretReport report_;
  std::vector<Process*> processes_;
};

}  // namespace

InterpretReport interpret(const Kernel& kernel, std::span<const Argument> arguments,
                          const InterpretOptions& options) {
  check_arguments(kernel, arguments);
  // Not a copy: the pointer only has to live for the run.
  const KernelPtr borrowed(&kernel, [](const Kernel*) {});
  return Machine(borrowed, options).run(arguments);
}

}  // namespace heddle::kernel

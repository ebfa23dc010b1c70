#include "kernel/program.h"

#include <map>
#include <set>

#include "base/error.h"
#include "kernel/program_expressions.h"
#include "kernel/rewrite.h"

namespace heddle::kernel {
namespace {

/// The value that a reduction finds in its element; no identifier, so that it hides no name.
constexpr const char* kOldValue = "(old)";

/// Calls `visit` with each window that a statement passes to a call, and its direction there.
template <typename Visit>
void for_each_window(const Stmt& stmt, const Visit& visit) {
  const auto* call = as<Call>(stmt);
  if (call == nullptr) return;
  for (std::size_t i = 0; i < call->arguments.size(); ++i) {
    const auto* window = std::get_if<Window>(&call->arguments[i]);
    const auto* parameter = std::get_if<ArrayParameter>(&call->callee->parameters[i]);
    if (window != nullptr && parameter != nullptr) visit(*window, parameter->direction);
  }
}

std::set<std::string> written_arrays(const Stmt& body) {
  std::set<std::string> names;
  for_each(body, [&](const Stmt& stmt) {
    if (const auto* store = as<Store>(stmt)) names.insert(store->array);
    if (const auto* get = as<Get>(stmt)) names.insert(get->array);
    for_each_window(stmt, [&](const Window& window, Direction direction) {
      if (direction != Direction::kIn) names.insert(window.array);
    });
  });
  return names;
}

std::set<std::string> read_arrays(const Stmt& body) {
  std::set<std::string> names;
  for_each_expression(body, [&](const Expr& e) { names.merge(loaded_arrays(e)); });
  for_each(body, [&](const Stmt& stmt) {
    const auto* store = as<Store>(stmt);
    if (store != nullptr && store->reduce) names.insert(store->array);
    for_each_window(stmt, [&](const Window& window, Direction direction) {
      if (direction != Direction::kOut) names.insert(window.array);
    });
  });
  return names;
}

/// Translates one kernel; `number_of` gives the code of a callee.
class KernelTranslator {
 public:
  KernelTranslator(Code& code, bool check_ports,
                   const std::function<std::int32_t(const KernelPtr&)>& number_of)
      : code_(code), check_ports_(check_ports), number_of_(number_of), out_(code, check_ports) {}

  void run() {
    const Kernel& kernel = *code_.kernel;
    set_site(nullptr);
    declare_parameters(kernel);
    fit_parameters(kernel);
    statement(kernel.body);
    out_.emit({Opcode::kReturn});
  }

 private:
  void declare_parameters(const Kernel& kernel) {
    for (const Parameter& parameter : kernel.parameters) {
      if (const auto* scalar = std::get_if<ScalarParameter>(&parameter)) {
        code_.parameters.push_back(out_.take_register());
        out_.set_variable(scalar->name, code_.parameters.back());
      } else if (const auto* array = std::get_if<ArrayParameter>(&parameter)) {
        code_.parameters.push_back(out_.add_array(array->array));
      } else {
        code_.parameters.push_back(add_stream(std::get<StreamParameter>(parameter).stream));
      }
    }
  }

  void fit_parameters(const Kernel& kernel) {
    int written = 0;
    for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
      const std::int32_t place = code_.parameters[i];
      if (const auto* array = std::get_if<ArrayParameter>(&kernel.parameters[i])) {
        with_extents(Opcode::kFitWindow, place, array->array.shape,
                     array->direction == Direction::kOut ? 1 : 0);
        written += array->direction != Direction::kIn ? 1 : 0;
      } else if (const auto* stream = std::get_if<StreamParameter>(&kernel.parameters[i])) {
        with_extents(Opcode::kFitChannels, place, stream->stream.shape);
      }
    }
    if (written > 1) out_.emit({Opcode::kRefuseOverlaps});
  }

  void with_extents(Opcode op, std::int32_t place, const std::vector<Expr>& extents,
                    std::int32_t detail = 0) {
    const std::int32_t first = out_.operands(extents);
    out_.emit({op, 0, static_cast<std::uint16_t>(extents.size()), 0, place, first, detail});
  }

  std::int32_t add_stream(const Stream& stream) {
    const auto place = static_cast<std::int32_t>(code_.streams.size());
    code_.streams.push_back(&stream);
    streams_[stream.name] = place;
    return place;
  }

  void set_site(const Stmt& stmt) {
    code_.sites.push_back({stmt, loop_});
    out_.set_site(static_cast<std::int32_t>(code_.sites.size()) - 1);
  }

  void statement(const Stmt& stmt) {
    const std::int32_t taken = out_.taken();
    const std::int32_t site = out_.site();
    set_site(stmt);
    std::visit([&](const auto& value) { node(value); }, stmt->value);
    out_.set_site(site);
    out_.give_back(taken);
  }

  void node(const Block& value) {
    for (const Stmt& stmt : value.body) statement(stmt);
    for (const Stmt& stmt : value.body) {
      const auto* declaration = as<DeclareStream>(stmt);
      if (declaration == nullptr) continue;
      set_site(stmt);
      out_.emit({Opcode::kEndStream, 0, 0, 0, streams_.at(declaration->stream.name)});
    }
  }

  /// The loop around whatever `body` emits.
  template <typename Body>
  void loop(const For& value, const Body& body) {
    const std::int32_t limit = out_.expression(value.upper);
    const std::int32_t counter = out_.take_register();
    out_.emit({Opcode::kMove, 0, 0, counter, out_.expression(value.lower)});
    out_.set_variable(value.name, counter);
    const std::int32_t enter = out_.emit({Opcode::kLoopEnter, 0, 0, 0, counter, limit});
    const std::int32_t around = loop_;
    code_.loops.push_back({value.name, counter, around});
    loop_ = static_cast<std::int32_t>(code_.loops.size()) - 1;
    const std::int32_t start = out_.here();
    body(counter);
    loop_ = around;
    out_.emit({Opcode::kLoopNext, 0, 0, 0, counter, limit, start});
    out_.land(enter);
  }

  void node(const For& value) {
    if (!check_ports_ || !value.marks.pipeline) {
      return loop(value, [&](std::int32_t) { statement(value.body); });
    }
    const auto number = static_cast<std::int32_t>(code_.pipelines.size());
    code_.pipelines.push_back({value.name, value.marks.pipeline.value_or(1)});
    out_.emit({Opcode::kOpenPipeline, 0, 0, 0, 0, 0, number});
    loop(value, [&](std::int32_t) {
      statement(value.body);
      out_.emit({Opcode::kEndIteration, 0, 0, 0, 0, 0, number});
    });
    out_.emit({Opcode::kClosePipeline, 0, 0, 0, 0, 0, number});
  }

  void node(const If& value) {
    const std::int32_t otherwise =
        out_.emit({Opcode::kJumpIfFalse, 0, 0, 0, out_.expression(value.condition)});
    statement(value.then);
    if (value.otherwise) {
      const std::int32_t done = out_.emit({Opcode::kJump});
      out_.land(otherwise);
      statement(value.otherwise);
      out_.land(done);
    } else {
      out_.land(otherwise);
    }
  }

  void node(const DeclareArray& value) {
    with_extents(Opcode::kDeclareArray, out_.add_array(value.array), value.array.shape);
  }
  void node(const DeclareStream& value) {
    with_extents(Opcode::kDeclareStream, add_stream(value.stream), value.stream.shape);
  }

  void node(const Store& value) {
    const Type element = out_.element(value.array);
    const std::int32_t first = out_.operands(value.indices);
    Expr result = value.value;
    if (value.reduce) {
      constexpr BinaryOp kOps[] = {BinaryOp::kAdd, BinaryOp::kMul, BinaryOp::kMin, BinaryOp::kMax};
      out_.set_variable(kOldValue, out_.load(value.array, first, value.indices.size()));
      result = binary(kOps[static_cast<std::size_t>(*value.reduce)], variable(kOldValue, element),
                      result);
    }
    const std::int32_t stored = out_.converted(out_.expression(result), result.type(), element);
    out_.store(value.array, first, value.indices.size(), stored);
  }

  void node(const Put& value) {
    const std::int32_t place = streams_.at(value.stream);
    const std::int32_t first = out_.operands(value.channel);
    const std::int32_t element = out_.converted(out_.expression(value.value), value.value.type(),
                                                code_.streams[place]->element);
    const auto rank = static_cast<std::uint16_t>(value.channel.size());
    out_.emit({Opcode::kPut, 0, rank, element, place, first});
  }

  void node(const Get& value) {
    const std::int32_t place = streams_.at(value.stream);
    const std::int32_t channel = out_.operands(value.channel);
    const std::int32_t first = out_.operands(value.indices);
    const std::int32_t got = out_.take_register();
    const auto rank = static_cast<std::uint16_t>(value.channel.size());
    out_.emit({Opcode::kGet, 0, rank, got, place, channel});
    const std::int32_t stored =
        out_.converted(got, code_.streams[place]->element, out_.element(value.array));
    out_.store(value.array, first, value.indices.size(), stored);
  }

  void node(const Call& value) {
    CallSite site;
    site.callee = number_of_(value.callee);
    for (const auto& argument : value.arguments) site.arguments.push_back(prepared(argument));
    const auto number = static_cast<std::int32_t>(code_.calls.size());
    code_.calls.push_back(std::move(site));
    out_.emit({Opcode::kCall, 0, 0, 0, 0, 0, number});
  }

  CallArgument prepared(const std::variant<Window, StreamArgument, Expr>& argument) {
    CallArgument result;
    if (const auto* window = std::get_if<Window>(&argument)) {
      std::vector<Expr> bases;
      for (const Window::Dimension& dimension : window->dimensions) {
        bases.push_back(dimension.base);
        result.spanned.push_back(dimension.spanned);
      }
      result.kind = CallArgument::Kind::kWindow;
      result.from = out_.array(window->array);
      result.indices = out_.operands(bases);
      result.rank = static_cast<std::int32_t>(bases.size());
    } else if (const auto* stream = std::get_if<StreamArgument>(&argument)) {
      result.kind = CallArgument::Kind::kStream;
      result.from = streams_.at(stream->stream);
      result.indices = out_.operands(stream->channel);
      result.rank = static_cast<std::int32_t>(stream->channel.size());
    } else {
      result.kind = CallArgument::Kind::kScalar;
      result.from = out_.expression(std::get<Expr>(argument));
    }
    return result;
  }

  void node(const Dataflow& value) {
    const auto number = static_cast<std::int32_t>(code_.regions.size());
    code_.regions.emplace_back();
    out_.emit({Opcode::kBeginRegion, 0, 0, 0, 0, 0, number});
    std::vector<RegionProcess> processes;
    std::vector<std::set<std::string>> written;
    for (const Dataflow::Process& process : value.processes) {
      RegionProcess& added = processes.emplace_back();
      added.name = process.name;
      const std::set<std::string> read = read_arrays(process.body);
      for (std::size_t earlier = 0; earlier < written.size(); ++earlier) {
        const bool is_read =
            std::any_of(written[earlier].begin(), written[earlier].end(),
                        [&](const std::string& name) { return read.contains(name); });
        if (is_read) added.waits_for.push_back(static_cast<std::int32_t>(earlier));
      }
      written.push_back(written_arrays(process.body));
      spawn(process.body, number, static_cast<std::int32_t>(processes.size()) - 1, added.counters);
    }
    code_.regions[number].processes = std::move(processes);
    out_.emit({Opcode::kWaitRegion, 0, 0, 0, 0, 0, number});
  }

  /// Starts a process for `body`, or one for each iteration of the unrolled loops that it is.
  void spawn(const Stmt& body, std::int32_t region, std::int32_t process,
             std::vector<std::int32_t>& counters) {
    const std::int32_t taken = out_.taken();
    const auto* grid = as<For>(body);
    if (grid != nullptr && grid->marks.unroll) {
      loop(*grid, [&](std::int32_t counter) {
        counters.push_back(counter);
        spawn(grid->body, region, process, counters);
      });
    } else {
      out_.emit({Opcode::kSpawn, 0, 0, 0, process, 0, region});
      const std::int32_t over = out_.emit({Opcode::kJump});
      statement(body);
      out_.emit({Opcode::kEndProcess});
      out_.land(over);
    }
    out_.give_back(taken);
  }

  Code& code_;
  bool check_ports_;
  const std::function<std::int32_t(const KernelPtr&)>& number_of_;
  ExpressionTranslator out_;
  std::map<std::string, std::int32_t> streams_;
  std::int32_t loop_ = -1;
};

/// Translates each kernel once.
class ProgramTranslator {
 public:
  explicit ProgramTranslator(bool check_ports) : check_ports_(check_ports) {}

  std::int32_t translate(const Kernel& kernel) {
    const auto number = static_cast<std::int32_t>(program_.codes.size());
    Code& code = *program_.codes.emplace_back(std::make_unique<Code>());
    code.kernel = &kernel;
    code.number = number;
    numbers_[&kernel] = number;
    const std::function<std::int32_t(const KernelPtr&)> number_of = [&](const KernelPtr& callee) {
      const auto known = numbers_.find(callee.get());
      return known != numbers_.end() ? known->second : translate(*callee);
    };
    KernelTranslator(code, check_ports_, number_of).run();
    return number;
  }
  Program take() { return std::move(program_); }

 private:
  bool check_ports_;
  Program program_;
  std::map<const Kernel*, std::int32_t> numbers_;
};

/// Where the callees find their arguments; known once all are translated.
void link(Program& program) {
  for (const std::unique_ptr<Code>& code : program.codes) {
    for (CallSite& site : code->calls) {
      const Code& callee = *program.codes[site.callee];
      for (std::size_t i = 0; i < site.arguments.size(); ++i) {
        site.arguments[i].to = callee.parameters[i];
      }
    }
  }
}

}  // namespace

Program translate(const Kernel& kernel, bool check_ports) {
  ProgramTranslator translator(check_ports);
  translator.translate(kernel);
  Program program = translator.take();
  link(program);
  return program;
}

}  // namespace heddle::kernel

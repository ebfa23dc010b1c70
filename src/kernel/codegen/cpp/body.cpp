#include "kernel/codegen/cpp/body.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/scalar.h"

namespace heddle::kernel::native {
namespace {

/// Arrays of one function beyond these bytes do not lie on the stack, nor more channels.
constexpr std::int64_t kStackBytes = 65536;
constexpr std::int64_t kStackChannels = 256;
/// A loop is not unrolled into more vector statements than this: registers are few, and compiling
/// takes its time.
constexpr std::int64_t kMaxUnrolledWork = 256;
/// An innermost loop of more iterations is left to the vectoriser, which then unrolls.
constexpr std::int64_t kScalarTrips = 4;
constexpr std::int64_t kVectorTrips = 16;

std::string join(const std::vector<std::string>& list) {
  return fmt::format("{}", fmt::join(list, ", "));
}

/// Whether the body is only assignments and choices, which the compiler can vectorise.
bool is_innermost(const Stmt& body) {
  bool is_plain = true;
  for_each(body, [&](const Stmt& stmt) {
    is_plain = is_plain && as<For>(stmt) == nullptr && as<Call>(stmt) == nullptr;
  });
  return is_plain;
}

/// About how many vector statements a body becomes when the loops inside that are marked unroll
/// are; none if it holds what does not end up in registers anyway.
std::optional<std::int64_t> unrolled_work(const Stmt& stmt) {
  if (!stmt || as<DeclareArray>(stmt) != nullptr) return 0;
  if (as<Store>(stmt) != nullptr) return 1;
  if (const auto* call = as<Call>(stmt)) {
    if (!call->callee->intrinsic) return std::nullopt;
    return 1;
  }
  std::int64_t times = 1;
  if (const auto* loop = as<For>(stmt)) {
    const std::optional<std::int64_t> trips = literal_trips(*loop);
    if (!loop->marks.unroll || !trips) return std::nullopt;
    times = is_innermost(loop->body) ? *trips / kVectorTrips + 1 : *trips;
  } else if (as<Block>(stmt) == nullptr && as<If>(stmt) == nullptr) {
    return std::nullopt;
  }
  std::int64_t sum = 0;
  for (const Stmt& child : children(stmt)) {
    const std::optional<std::int64_t> work = unrolled_work(child);
    if (!work) return std::nullopt;
    sum = std::min(sum + *work, kMaxUnrolledWork + 1);
  }
  return sum * times;
}

/// The names of arrays and streams that the statement itself uses outside of expressions.
std::vector<std::string> own_targets(const Stmt& stmt) {
  if (const auto* store = as<Store>(stmt)) return {store->array};
  if (const auto* put = as<Put>(stmt)) return {put->stream};
  if (const auto* get = as<Get>(stmt)) return {get->stream, get->array};
  std::vector<std::string> names;
  if (const auto* call = as<Call>(stmt)) {
    for (const auto& argument : call->arguments) {
      if (const auto* window = std::get_if<Window>(&argument)) names.push_back(window->array);
      if (const auto* stream = std::get_if<StreamArgument>(&argument)) {
        names.push_back(stream->stream);
      }
    }
  }
  return names;
}

/// Every name that a statement and those inside it mention.
std::set<std::string> mentioned(const Stmt& body) {
  std::set<std::string> names;
  for_each(body, [&](const Stmt& stmt) {
    for (const std::string& name : own_targets(stmt)) names.insert(name);
  });
  for_each_expression(body, [&](const Expr& e) {
    names.merge(variables(e));
    names.merge(loaded_arrays(e));
  });
  return names;
}

}  // namespace

BodyWriter::BodyWriter(Unit& unit, std::string function_name, const CallShape& shape)
    : unit_(unit),
      function_name_(std::move(function_name)),
      is_restrict_(shape.is_restrict),
      is_parallel_(shape.is_parallel),
      needs_{[this](const std::string& name) { return unit_.helper(name); },
             [this](const Function& function) { return unit_.function(function); }},
      expressions_(scope_, needs_) {
  scope_.taken.insert(run_);
}

void BodyWriter::line(const std::string& text) {
  lines_ += std::string(static_cast<std::size_t>(2 * depth_), ' ') + text + "\n";
}

void BodyWriter::prologue(const std::string& text) {
  prologue_ += "  " + text + "\n";
}

std::string BodyWriter::run() {
  needs_run_ = true;
  return run_;
}

std::string BodyWriter::text() const {
  return prologue_ + lines_;
}

std::vector<Stride> BodyWriter::dense_strides(const std::string& name,
                                              const std::vector<Expr>& shape) {
  std::vector<Stride> strides(shape.size());
  Stride next{1, "1"};
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = next;
    const Int128* extent = as_integer(shape[i]);
    if (i == 0) break;
    if (extent && next.literal) {
      next.literal = static_cast<std::int64_t>(*extent) * *next.literal;
      next.text = std::to_string(*next.literal);
      continue;
    }
    const std::string wanted = fmt::format("{}_stride{}", name, i - 1);
    const std::string variable = identifier(wanted, scope_.taken);
    const Value value = expressions_.exact(shape[i]);
    prologue(
        next.literal == 1
            ? fmt::format("const std::int64_t {} = {};", variable, bare(value.text))
            : fmt::format("const std::int64_t {} = {} * {};", variable, value.text, next.text));
    next = {std::nullopt, variable};
  }
  return strides;
}

std::string BodyWriter::count(const std::vector<Expr>& shape) {
  std::vector<std::string> factors;
  factors.reserve(shape.size());
  for (const Expr& extent : shape) factors.push_back(expressions_.exact(extent).text);
  return factors.empty() ? "1" : fmt::format("{}", fmt::join(factors, " * "));
}

void BodyWriter::statement(const Stmt& stmt) {
  if (stmt) std::visit([&](const auto& node) { of(node); }, stmt->value);
}

void BodyWriter::braced(const std::string& head, const Stmt& body) {
  line(head + "{");
  ++depth_;
  statement(body);
  --depth_;
  line("}");
}

void BodyWriter::of(const Block& node) {
  for (const Stmt& stmt : node.body) {
    if (as<Block>(stmt) != nullptr) {
      braced("", stmt);
    } else {
      statement(stmt);
    }
  }
}

// Loops.

void BodyWriter::of(const For& node) {
  if (node.marks.parallel && is_parallel_) {
    parallel_loop(node);
  } else {
    serial_loop(node);
  }
}

std::string BodyWriter::hoisted(const Expr& bound, const std::string& name) {
  if (const Int128* value = as_integer(bound)) return to_string(*value);
  std::string text = bare(expressions_.exact(bound).text);
  if (bound.as<Variable>() != nullptr) return text;
  const std::string variable = identifier(name, scope_.taken);
  line(fmt::format("const std::int64_t {} = {};", variable, text));
  return variable;
}

void BodyWriter::unroll_pragma(const For& node, std::int64_t trips) {
  const bool is_left = trips > kScalarTrips && is_innermost(node.body);
  const std::optional<std::int64_t> work = unrolled_work(node.body);
  if (!is_left && trips > 1 && work && *work * trips <= kMaxUnrolledWork) {
    line(fmt::format("HEDDLE_UNROLL({})", trips));
  }
}

/// Whether a store inside may meet one element in several iterations of a loop in a way that only
/// a quotient, remainder or the like in its subscript tells.
bool stores_by_quotient(const Stmt& body) {
  bool found = false;
  const auto look = [&](const std::vector<Expr>& indices) {
    for (const Expr& index : indices) {
      for_each(index, [&](const Expr& part) {
        const auto* binary = part.as<Binary>();
        found = found || part.as<Select>() != nullptr ||
                (binary != nullptr && binary->op != BinaryOp::kAdd &&
                 binary->op != BinaryOp::kSub && binary->op != BinaryOp::kMul);
      });
    }
  };
  for_each(body, [&](const Stmt& stmt) {
    if (const auto* store = as<Store>(stmt)) look(store->indices);
    if (const auto* get = as<Get>(stmt)) look(get->indices);
  });
  return found;
}

void BodyWriter::serial_loop(const For& node) {
  const std::optional<std::int64_t> trips = literal_trips(node);
  const std::string upper = hoisted(node.upper, node.name + "_end");
  const Range low = range_of(node.lower, scope_.ranges);
  const Range high = range_of(node.upper, scope_.ranges);
  const std::string name = identifier(node.name, scope_.taken);
  const std::string lower = hoisted(node.lower, node.name + "_start");
  scope_.numbers[node.name] = {name, Carrier::kI64};
  scope_.ranges[node.name] = {low.low, high.high - 1};
  // clang 19 vectorises such loops in an order that exchanges stores to one element.
  if (stores_by_quotient(node.body)) line("HEDDLE_NO_VECTORS");
  if (node.marks.unroll && trips) unroll_pragma(node, *trips);
  if (trips && as_integer(node.lower) == nullptr) {
    // A number of iterations that the compiler sees.
    const std::string step = identifier(node.name + "_step", scope_.taken);
    line(fmt::format("for (std::int64_t {0} = 0; {0} < {1}; ++{0}) {{", step, *trips));
    ++depth_;
    line(fmt::format("const std::int64_t {} = {} + {};", name, lower, step));
    statement(node.body);
    --depth_;
    line("}");
  } else {
    braced(fmt::format("for (std::int64_t {0} = {1}; {0} < {2}; ++{0}) ", name, lower, upper),
           node.body);
  }
}

void BodyWriter::parallel_loop(const For& node) {
  const std::string first = hoisted(node.lower, node.name + "_start");
  const std::string end = hoisted(node.upper, node.name + "_end");
  const std::string name = unit_.name(function_name_ + "_" + node.name);
  const std::string begin = identifier("begin", scope_.taken);
  const std::string past = identifier("end", scope_.taken);
  BodyWriter inner(unit_, name, CallShape{{}, is_restrict_, false});
  inner.scope_ = scope_;
  std::set<std::string> outside;
  // No name of a kernel holds two underscores here, see identifier().
  std::string fields = "  std::int64_t loop__start;\n";
  std::string values = first;
  std::string parameters = fmt::format("std::int64_t {}, std::int64_t {}", begin, past);
  std::string arguments = "from->loop__start + begin, from->loop__start + end";
  // A captured name: what the struct holds, how it is passed on, and what it is in the body.
  const auto capture = [&](const std::string& what, const std::string& field_type,
                           const std::string& value, const std::string& parameter_type,
                           const std::string& passed) {
    if (!outside.insert(what).second) return;
    fields += fmt::format("  {} {};\n", field_type, what);
    values += ", " + value;
    parameters += fmt::format(", {} {}", parameter_type, what);
    arguments += fmt::format(", {}from->{}", passed, what);
  };
  const auto capture_view = [&](const View& view, const std::string& type) {
    const std::string element = (view.is_const ? "const " : "") + type;
    const std::string limit = is_restrict_ ? " __restrict" : "";
    if (view.is_variable) {
      capture(view.name, element + "*", "&" + view.name, element + "&" + limit, "*");
    } else {
      capture(view.name, element + "*", view.name, element + "*" + limit, "");
    }
    for (const Stride& stride : view.strides) {
      if (!stride.literal) {
        capture(stride.text, "std::int64_t", stride.text, "std::int64_t", "");
      }
    }
  };
  for (const std::string& used : mentioned(node.body)) {
    if (const auto number = scope_.numbers.find(used); number != scope_.numbers.end()) {
      const auto& [variable, carrier] = number->second;
      capture(variable, cpp_name(carrier), variable, "const " + cpp_name(carrier), "");
    } else if (const auto array = scope_.arrays.find(used); array != scope_.arrays.end()) {
      capture_view(array->second, memory_type(array->second.element));
    } else if (const auto stream = scope_.streams.find(used); stream != scope_.streams.end()) {
      capture_view(stream->second,
                   fmt::format("heddle::Queue<{}>", memory_type(stream->second.element)));
    }
  }
  const std::string counter = identifier(node.name, inner.scope_.taken);
  inner.scope_.numbers[node.name] = {counter, Carrier::kI64};
  inner.scope_.ranges[node.name] = {range_of(node.lower, scope_.ranges).low,
                                    range_of(node.upper, scope_.ranges).high - 1};
  inner.braced(fmt::format("for (std::int64_t {0} = {1}; {0} < {2}; ++{0}) ", counter, begin, past),
               node.body);
  const std::string run_parameter = inner.needs_run_ ? ", heddle::Run* run" : "";
  const std::string run_argument = inner.needs_run_ ? ", run" : "";
  unit_.add(
      fmt::format("struct {0}_captured {{\n{1}}};\n"
                  "static inline void {0}_body({2}{3}) {{\n{4}}}\n"
                  "static void {0}(const void* captured, std::int64_t begin, "
                  "std::int64_t end, heddle::Run* run) {{\n"
                  "  const auto* from = static_cast<const {0}_captured*>(captured);\n"
                  "  {0}_body({5}{6});\n}}\n",
                  name, fields, parameters, run_parameter, inner.text(), arguments, run_argument));
  line("{");
  line(fmt::format("  const kernels::{}_captured captured{{{}}};", name, values));
  line(fmt::format("  {0}->parallel({0}, {1} - {2}, kernels::{3}, &captured);", run(), end, first,
                   name));
  line("}");
}

void BodyWriter::of(const If& node) {
  braced(fmt::format("if ({}) ", bare(expressions_.exact(node.condition).text)), node.then);
  if (!node.otherwise) return;
  lines_.pop_back();
  lines_ += " else {\n";
  ++depth_;
  statement(node.otherwise);
  --depth_;
  line("}");
}

// Declarations.

void BodyWriter::of(const DeclareArray& node) {
  const Array& array = node.array;
  const std::string name = identifier(array.name, scope_.taken);
  const std::string type = memory_type(array.element);
  View view{name, array.element, dense_strides(name, array.shape)};
  const std::optional<std::int64_t> elements = element_count(array.shape);
  if (!array.table.empty()) {
    view.is_const = true;
    table(array, view);
  } else if (array.shape.empty()) {
    view.is_variable = true;
    line(fmt::format("{} {};", type, name));
  } else if (elements && *elements <= (kStackBytes - stack_bytes_) / array.element.bytes()) {
    stack_bytes_ += *elements * array.element.bytes();
    line(fmt::format("alignas(64) {} {}[{}];", type, name, std::max<std::int64_t>(*elements, 1)));
  } else {
    const std::string memory = unit_.helper("Memory");
    if (!takes_memory_) {
      prologue(fmt::format("const {} {}({});", memory, identifier("memory", scope_.taken), run()));
    }
    takes_memory_ = true;
    prologue(
        fmt::format("{0}* const __restrict {1} = static_cast<{0}*>({2}::take({3}, {4} * {5}));",
                    type, name, memory, run(), count(array.shape), array.element.bytes()));
  }
  scope_.arrays[array.name] = std::move(view);
}

void BodyWriter::table(const Array& array, const View& view) {
  std::vector<std::string> values;
  values.reserve(array.table.size());
  for (const Expr& value : array.table) values.push_back(expressions_.stored(value, array.element));
  line(fmt::format("alignas(64) static constexpr {} {}[{}] = {{{}}};", memory_type(array.element),
                   view.name, values.size(), join(values)));
}

void BodyWriter::of(const DeclareStream& node) {
  const Stream& stream = node.stream;
  const std::string name = identifier(stream.name, scope_.taken);
  const std::string type = memory_type(stream.element);
  View view{name, stream.element, dense_strides(name, stream.shape)};
  const std::optional<std::int64_t> channels = element_count(stream.shape);
  if (stream.shape.empty()) {
    view.is_variable = true;
    prologue(fmt::format("{}<{}> {};", unit_.helper("Queue"), type, name));
  } else if (channels && *channels <= kStackChannels) {
    prologue(fmt::format("{}<{}> {}[{}];", unit_.helper("Queue"), type, name, *channels));
  } else {
    const std::string owner = identifier(name + "_channels", scope_.taken);
    prologue(fmt::format("const {}<{}> {}({});", unit_.helper("Channels"), type, owner,
                         count(stream.shape)));
    prologue(fmt::format("heddle::Queue<{}>* const {} = {}.queues;", type, name, owner));
  }
  scope_.streams[stream.name] = std::move(view);
}

// Assignments.

void BodyWriter::of(const Store& node) {
  const View& view = scope_.arrays.at(node.array);
  Expr value = node.value;
  if (node.reduce) {
    value = binary(operator_of(*node.reduce), load(node.array, view.element, node.indices), value);
  }
  line(fmt::format("{} = {};", expressions_.element(view, node.indices),
                   expressions_.stored(value, view.element)));
}

void BodyWriter::of(const Put& node) {
  const View& view = scope_.streams.at(node.stream);
  line(fmt::format("{}.put({});", expressions_.element(view, node.channel),
                   expressions_.stored(node.value, view.element)));
}

void BodyWriter::of(const Get& node) {
  line(fmt::format("{} = {}.get();",
                   expressions_.element(scope_.arrays.at(node.array), node.indices),
                   expressions_.element(scope_.streams.at(node.stream), node.channel)));
}

// Calls.

BodyWriter::Passed BodyWriter::window(const Window& window) {
  const View& view = scope_.arrays.at(window.array);
  if (view.is_variable) return {"&" + view.name, {}};
  std::vector<Expr> bases;
  std::vector<Stride> strides;
  for (std::size_t i = 0; i < window.dimensions.size(); ++i) {
    bases.push_back(window.dimensions[i].base);
    if (window.dimensions[i].spanned) strides.push_back(view.strides[i]);
  }
  const std::string offset = expressions_.offset(view, bases);
  return {offset.empty() ? view.name : fmt::format("{} + ({})", view.name, offset), strides};
}

BodyWriter::Passed BodyWriter::channels(const StreamArgument& argument) {
  const View& view = scope_.streams.at(argument.stream);
  if (view.is_variable) return {"&" + view.name, {}};
  if (argument.channel.empty()) return {view.name, view.strides};
  const std::string offset = expressions_.offset(view, argument.channel);
  return {offset.empty() ? view.name : fmt::format("{} + ({})", view.name, offset), {}};
}

void BodyWriter::of(const Call& node) {
  CallShape shape{{}, is_restrict_ && !shares_written_array(node), is_parallel_};
  std::vector<std::string> arguments;
  const auto pass = [&](const Passed& passed) {
    arguments.push_back(passed.address);
    auto& known = shape.strides.emplace_back();
    for (const Stride& stride : passed.strides) {
      known.push_back(stride.literal);
      if (!stride.literal) arguments.push_back(stride.text);
    }
  };
  for (std::size_t i = 0; i < node.arguments.size(); ++i) {
    const auto& argument = node.arguments[i];
    if (const auto* part = std::get_if<Window>(&argument)) {
      pass(window(*part));
    } else if (const auto* stream = std::get_if<StreamArgument>(&argument)) {
      pass(channels(*stream));
    } else {
      const auto& parameter = std::get<ScalarParameter>(node.callee->parameters[i]);
      arguments.push_back(
          bare(expressions_.converted(std::get<Expr>(argument), parameter.type).text));
    }
  }
  const KernelFunction& callee = unit_.kernel(*node.callee, shape);
  if (callee.needs_run) arguments.insert(arguments.begin(), run());
  line(fmt::format("kernels::{}({});", callee.name, join(arguments)));
}

void BodyWriter::of(const Dataflow& node) {
  for (const Dataflow::Process& process : node.processes) {
    line("// process " + process.name);
    braced("", process.body);
  }
}

}  // namespace heddle::kernel::native

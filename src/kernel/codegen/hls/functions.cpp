// Calls, and functions made of a kernel's parts: what Vitis HLS wants of a dataflow region (AMD
// UG1399, canonical forms): a body of declarations and calls, one function for each process.
#include <algorithm>

#include <fmt/ranges.h>

#include "base/error.h"
#include "kernel/codegen/hls/pragmas.h"
#include "kernel/codegen/hls/types.h"
#include "kernel/codegen/hls/uses.h"
#include "kernel/codegen/hls/writer.h"
#include "kernel/rewrite.h"

namespace heddle::kernel::hls {
namespace {

std::string declaration(const VariableView& view) {
  const std::string type =
      view.type.is_index() ? (view.is_long ? "long" : "int") : cpp_type(view.type);
  return type + " " + view.name;
}

/// The expressions of a view: what its user needs besides the array.
std::vector<Expr> numbers_of(const ArrayView& view) {
  std::vector<Expr> all = view.strides;
  if (view.offset) all.push_back(view.offset);
  for (const ArrayView::Dimension& dimension : view.dimensions) all.push_back(dimension.base);
  return all;
}

/// Whether the callee's array is the caller's, dimension by dimension.
bool is_whole(const ArrayView& view) {
  for (std::size_t d = 0; d < view.dimensions.size(); ++d) {
    const ArrayView::Dimension& dimension = view.dimensions[d];
    const Int128* base = as_integer(dimension.base);
    if (dimension.logical != d || base == nullptr || *base != 0) return false;
  }
  return view.kind == ArrayView::Kind::kDimensions;
}

std::string comment_of(const Kernel& callee) {
  if (!callee.intrinsic) return callee.summary;
  const std::string& summary = callee.summary.empty() ? callee.name : callee.summary;
  if (callee.intrinsic->primitive.empty()) return "An instruction: " + summary;
  return fmt::format("An instruction, the hardware primitive {}: {}", callee.intrinsic->primitive,
                     summary);
}

/// One of a few ranges around `range`, so that calls with different literals share a function.
Range widened(const Range& range) {
  for (const std::int64_t high : {std::int64_t{0xffff}, std::int64_t{0x7fffffff}}) {
    if (range.low >= 0 && range.high <= high) return {0, high};
  }
  if (range.fits_int()) return {-0x80000000LL, 0x7fffffff};
  return range.low >= 0 ? Range{0, any_index().high} : any_index();
}

/// A callee's parameters and a caller's arguments.
struct Passing {
  Scope scope;
  std::vector<std::string> parameters;
  std::vector<std::string> arguments;
  std::vector<std::string> pragmas;
  std::string key;  ///< equal for calls that the same function serves
};

class Passer {
 public:
  Passer(const Kernel& callee, KernelNames& names, const ExpressionPrinter& print)
      : callee_(callee), names_(names), print_(print) {
    passing_.scope.functions = print.scope().functions;
    passing_.key = callee.name;
  }

  Passing pass(const Call& call) {
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
      const Parameter& parameter = callee_.parameters[i];
      if (const auto* window = std::get_if<Window>(&call.arguments[i])) {
        add(std::get<ArrayParameter>(parameter), *window);
      } else if (const auto* stream = std::get_if<StreamArgument>(&call.arguments[i])) {
        add(std::get<StreamParameter>(parameter).stream, *stream);
      } else {
        add(std::get<ScalarParameter>(parameter), std::get<Expr>(call.arguments[i]));
      }
    }
    return std::move(passing_);
  }

 private:
  void add(const ArrayParameter& parameter, const Window& window) {
    const ArrayView& actual = print_.scope().arrays.at(window.array);
    const std::string& name = names_.of.at(parameter.array.name);
    const PassedArray passed = pass_window(
        actual, window, name,
        [&](const std::string& wanted) { return fresh_name(wanted, names_.taken); },
        [&](const Expr& e) { return print_.text(e); });
    passing_.parameters.push_back(passed.view.parameter(parameter.direction == Direction::kIn));
    passing_.arguments.push_back(passed.argument);
    for (const PassedArray::Number& number : passed.numbers) {
      // Not negative, since windows lie inside of their arrays.
      Range range = range_of(number.value, print_.ranges());
      range.low = 0;
      const VariableView view = counter_view(number.name, widened(range));
      passing_.key += view.is_long ? "|long" : "|int";
      passing_.parameters.push_back(declaration(view));
      passing_.arguments.push_back(print_.text(number.value));
      passing_.scope.variables[number.name] = view;
    }
    if (is_whole(passed.view) && passed.view.lanes == 1) {
      for (std::string& line : layout_pragmas(parameter.array, name)) {
        passing_.pragmas.push_back(std::move(line));
      }
    }
    passing_.key += "|" + form_of(passed);
    passing_.scope.arrays[parameter.array.name] = passed.view;
  }

  void add(const Stream& stream, const StreamArgument& argument) {
    const StreamView& actual = print_.scope().streams.at(argument.stream);
    StreamView view = actual;
    view.name = names_.of.at(stream.name);
    if (!argument.channel.empty()) view.extents.clear();
    passing_.arguments.push_back(print_.channel(actual, argument.channel));
    passing_.parameters.push_back(view.parameter());
    passing_.key += fmt::format("|{}", fmt::join(view.extents, ","));
    passing_.scope.streams[stream.name] = view;
  }

  void add(const ScalarParameter& parameter, const Expr& value) {
    VariableView view{names_.of.at(parameter.name), parameter.type};
    if (parameter.type.is_index()) {
      view = counter_view(view.name, widened(range_of(value, print_.ranges())));
      passing_.key += fmt::format("|{}", static_cast<std::int64_t>(view.range.high));
      passing_.key += view.range.is_natural() ? "" : "-";
    }
    passing_.arguments.push_back(print_.value(parameter.type, value));
    passing_.parameters.push_back(declaration(view));
    passing_.scope.variables[parameter.name] = view;
  }

  const Kernel& callee_;
  KernelNames& names_;
  const ExpressionPrinter& print_;
  Passing passing_;
};

}  // namespace

void Writer::call(const Call& node) {
  const Kernel& callee = *node.callee;
  KernelNames names(callee, program_);
  const Passing passing = Passer(callee, names, printer()).pass(node);
  const auto known = program_.specialised.find(passing.key);
  std::string function;
  if (known != program_.specialised.end()) {
    function = known->second;
  } else {
    // The first form of a kernel has the kernel's own name.
    const auto kept = program_.kernels.extract(callee.name);
    function = kept.empty() ? program_.add_function(callee.name) : kept.mapped();
    program_.specialised.emplace(passing.key, function);
    Writer writer(program_, names, callee, passing.scope);
    if (callee.intrinsic) writer.pragma("#pragma HLS INLINE");
    for (const std::string& line : passing.pragmas) writer.pragma(line);
    writer.body(callee.body);
    program_.functions.push_back(function_text(comment_of(callee), "static void " + function,
                                               passing.parameters, writer.text()));
  }
  line(fmt::format("{}({});", function, fmt::join(passing.arguments, ", ")));
}

void Writer::region(const std::vector<Stmt>& parts) {
  pragma("#pragma HLS DATAFLOW");
  for (const Stmt& part : parts) {
    const auto* dataflow = as<Dataflow>(part);
    if (dataflow == nullptr) {
      statement(part);
      continue;
    }
    for (const Dataflow::Process& each : dataflow->processes) process(each.name, each.body);
  }
}

void Writer::process(const std::string& name, const Stmt& stmt) {
  const std::vector<Stmt> parts = statements_of(stmt);
  const Stmt only = parts.size() == 1 ? parts.front() : nullptr;
  if (const auto* called = as<Call>(only)) return call(*called);
  const auto* copies = as<For>(only);
  if (copies == nullptr || !copies->marks.unroll) {
    return outline(stmt, kernel_.name + "_" + name);
  }
  // One process for each iteration.
  const std::map<std::string, Range> ranges = scope_.ranges();
  Range range = {range_of(copies->lower, ranges).low, range_of(copies->upper, ranges).high};
  VariableView counter = counter_view(names_.of.at(copies->name), range);
  counter.range.high = std::max(range.low, range.high - 1);
  scope_.variables[copies->name] = counter;
  open_loop(*copies);
  process(name, copies->body);
  --depth_;
  line("}");
}

void Writer::outline(const Stmt& stmt, const std::string& wanted) {
  const Uses uses = uses_of(stmt);
  Scope inner;
  inner.functions = scope_.functions;
  std::vector<std::string> parameters;
  std::vector<std::string> arguments;
  const auto add_variable = [&](const std::string& name) {
    const auto variable = scope_.variables.find(name);
    if (variable == scope_.variables.end() || !inner.variables.insert(*variable).second) return;
    parameters.push_back(declaration(variable->second));
    arguments.push_back(variable->second.name);
  };
  for (const std::string& name : uses.names) {
    if (const auto array = scope_.arrays.find(name); array != scope_.arrays.end()) {
      parameters.push_back(array->second.parameter(!uses.written.contains(name)));
      arguments.push_back(array->second.name);
      inner.arrays.insert(*array);
    } else if (const auto stream = scope_.streams.find(name); stream != scope_.streams.end()) {
      parameters.push_back(stream->second.parameter());
      arguments.push_back(stream->second.name);
      inner.streams.insert(*stream);
    }
  }
  for (const std::string& name : uses.names) {
    const auto array = scope_.arrays.find(name);
    if (array == scope_.arrays.end()) {
      add_variable(name);
      continue;
    }
    for (const Expr& e : numbers_of(array->second)) {
      for (const std::string& number : variables(e)) add_variable(number);
    }
  }
  const std::string function = program_.add_function(wanted);
  Writer writer(program_, names_, kernel_, inner);
  writer.body(stmt);
  program_.functions.push_back(
      function_text("", "static void " + function, parameters, writer.text()));
  line(fmt::format("{}({});", function, fmt::join(arguments, ", ")));
}

}  // namespace heddle::kernel::hls

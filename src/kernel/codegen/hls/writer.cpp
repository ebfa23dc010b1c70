#include "kernel/codegen/hls/writer.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "base/error.h"
#include "kernel/codegen/hls/names.h"
#include "kernel/codegen/hls/pragmas.h"
#include "kernel/codegen/hls/types.h"
#include "kernel/codegen/hls/uses.h"
#include "kernel/codegen/lines.h"
#include "kernel/rewrite.h"

namespace heddle::kernel::hls {
namespace {

bool has_loads(const Expr& root) {
  bool found = false;
  for_each(root, [&](const Expr& e) { found = found || e.as<Load>() != nullptr; });
  return found;
}

std::string declared_name(const Stmt& stmt) {
  if (const auto* array = as<DeclareArray>(stmt)) return array->array.name;
  if (const auto* stream = as<DeclareStream>(stmt)) return stream->stream.name;
  return "";
}

/// The elements of a table in braces, dimension by dimension.
std::string initializer(const Array& table, std::size_t dimension, std::size_t& next) {
  if (dimension == table.shape.size()) {
    const Expr& e = table.table.at(next++);
    return plain_literal(table.element, *e.as<Constant>());
  }
  std::vector<std::string> parts;
  const auto extent = static_cast<std::int64_t>(*as_integer(table.shape[dimension]));
  parts.reserve(static_cast<std::size_t>(extent));
  for (std::int64_t i = 0; i < extent; ++i)
    parts.push_back(initializer(table, dimension + 1, next));
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

/// Whether `x op= e` in C++ loads, computes and converts as the kernel's does. AMD's ap_int takes
/// the low bits of the exact result, ap_fixed applies its modes to it.
bool has_compound_assignment(const Type& target, const Expr& e, ReduceOp op) {
  if (op != ReduceOp::kAdd && op != ReduceOp::kMul) return false;
  const Type& type = e.type();
  if (!target.is_fixed() || !type.is_fixed()) {
    return (target.kind == TypeKind::kFloat32 && type.is_float()) ||
           (target.is_index() && type.is_index());
  }
  if (is_ap_fixed(target)) return e.as<Constant>() == nullptr;
  bool has_ap_fixed = false;
  for_each(e, [&](const Expr& inner) { has_ap_fixed = has_ap_fixed || is_ap_fixed(inner.type()); });
  return !has_ap_fixed;
}

}  // namespace

std::string Program::add_function(const std::string& wanted) {
  std::set<std::string> taken = names;
  taken.insert(local_names.begin(), local_names.end());
  std::string name = function_name(wanted, taken);
  names.insert(name);
  return name;
}

KernelNames::KernelNames(const Kernel& kernel, const Program& program) : taken(program.names) {
  for (const std::string& name : names_in(kernel)) of.emplace(name, local_name(name, taken));
}

VariableView counter_view(const std::string& name, const Range& range) {
  return {name, index_type(), range, !range.fits_int()};
}

std::string function_text(const std::string& comment, const std::string& signature,
                          const std::vector<std::string>& parameters, const std::string& body) {
  std::string text = comment.empty() ? "" : "// " + comment + "\n";
  std::string head = fmt::format("{}({}) {{\n", signature, fmt::join(parameters, ", "));
  if (head.size() > kColumns) {
    head = fmt::format("{}(\n    {}) {{\n", signature, fmt::join(parameters, ",\n    "));
  }
  return text + head + body + "}\n";
}

void Writer::line(const std::string& text) {
  text_ += wrap_line(text, 2 * static_cast<std::size_t>(depth_), kColumns);
}

void Writer::statements(const Stmt& stmt, bool can_be_region) {
  const std::vector<Stmt> parts = statements_of(stmt);
  const auto is_dataflow = [](const Stmt& s) { return as<Dataflow>(s) != nullptr; };
  const auto dataflows = std::ranges::count_if(parts, is_dataflow);
  const auto declarations = std::ranges::count_if(parts, is_declaration);
  if (dataflows == 1 && can_be_region && declarations + 1 == std::ssize(parts)) {
    return region(parts);
  }
  // Else each region is a function of its own, with what only it uses.
  std::set<std::string> is_private;
  for (const Stmt& part : parts) {
    if (!is_declaration(part)) continue;
    const auto users = std::ranges::count_if(
        parts, [&](const Stmt& s) { return uses_of(s).contains(declared_name(part)); });
    const auto regions = std::ranges::count_if(parts, [&](const Stmt& s) {
      return is_dataflow(s) && uses_of(s).contains(declared_name(part));
    });
    if (users == 1 && regions == 1) is_private.insert(declared_name(part));
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Stmt& part = parts[i];
    if (is_dataflow(part)) {
      std::vector<Stmt> own;
      for (const Stmt& other : parts) {
        if (is_private.contains(declared_name(other)) &&
            uses_of(part).contains(declared_name(other))) {
          own.push_back(other);
        }
      }
      own.push_back(part);
      outline(block(own), kernel_.name + "_dataflow");
    } else if (i + 1 < parts.size() && declare_with_value(part, parts[i + 1])) {
      ++i;
    } else if (!is_private.contains(declared_name(part))) {
      statement(part);
    }
  }
}

void Writer::statement(const Stmt& stmt) {
  if (const auto* loop_node = as<For>(stmt)) {
    loop(*loop_node);
  } else if (const auto* if_node = as<If>(stmt)) {
    branch(*if_node, "");
  } else if (const auto* array = as<DeclareArray>(stmt)) {
    declare(array->array);
  } else if (const auto* stream = as<DeclareStream>(stmt)) {
    declare(stream->stream);
  } else if (const auto* store_node = as<Store>(stmt)) {
    store(*store_node);
  } else if (const auto* put = as<Put>(stmt)) {
    const StreamView& view = scope_.streams.at(put->stream);
    line(fmt::format("{}.write({});", printer().channel(view, put->channel),
                     printer().value(view.element, put->value)));
  } else if (const auto* get_node = as<Get>(stmt)) {
    get(*get_node);
  } else if (const auto* call_node = as<Call>(stmt)) {
    call(*call_node);
  } else {
    statements(stmt, false);
  }
}

// Loops and branches.

std::string Writer::upper_bound(const For& node, const VariableView& counter) {
  std::string text = printer().value(index_type(), node.upper);
  if (!has_loads(node.upper)) return text;
  // Evaluated once: the body may write what it reads.
  const std::string name = fresh_name(counter.name + "_end", names_.taken);
  const bool is_long = !range_of(node.upper, scope_.ranges()).fits_int();
  line(fmt::format("const {} {} = {};", is_long ? "long" : "int", name, text));
  return name;
}

void Writer::open_loop(const For& node) {
  const VariableView& counter = scope_.variables.at(node.name);
  const std::string lower = printer().value(index_type(), node.lower);
  const std::string upper = upper_bound(node, counter);
  if (node.marks.parallel) line("// The iterations are independent.");
  line(fmt::format("{0}: for ({1} {0} = {2}; {0} < {3}; ++{0}) {{", counter.name,
                   counter.is_long ? "long" : "int", lower, upper));
  std::set<std::string> written;
  for (const std::string& name : uses_of(node.body).written) {
    const auto view = scope_.arrays.find(name);
    if (view != scope_.arrays.end() && view->second.kind != ArrayView::Kind::kElement) {
      written.insert(view->second.name);
    }
  }
  for (const std::string& text : loop_pragmas(node.marks, written)) pragma(text);
  ++depth_;
}

void Writer::loop(const For& node) {
  const std::map<std::string, Range> ranges = scope_.ranges();
  const Range lower = range_of(node.lower, ranges);
  const Range upper = range_of(node.upper, ranges);
  // The counter ends one behind its last value.
  VariableView counter =
      counter_view(names_.of.at(node.name), {lower.low, std::max(lower.high, upper.high)});
  counter.range.high = std::max(lower.low, upper.high - 1);
  scope_.variables[node.name] = counter;
  const std::vector<Word> words = words_of(node);
  for (const Word& word : words) {
    const std::string value = word.is_read ? " = " + word.place : "";
    line(fmt::format("{}{} {}{};", word.is_written ? "" : "const ", word.type, word.name, value));
  }
  open_loop(node);
  for (const Word& word : words) scope_.words[word.place] = word.name;
  statements(node.body, true);
  for (const Word& word : words) scope_.words.erase(word.place);
  --depth_;
  line("}");
  for (const Word& word : words) {
    if (word.is_written) line(fmt::format("{} = {};", word.place, word.name));
  }
}

void Writer::branch(const If& node, const std::string& prefix) {
  line(fmt::format("{}if ({}) {{", prefix, printer().text(node.condition)));
  ++depth_;
  statements(node.then, false);
  --depth_;
  if (!node.otherwise) return line("}");
  const std::vector<Stmt> parts = statements_of(node.otherwise);
  if (const auto* next = parts.size() == 1 ? as<If>(parts.front()) : nullptr) {
    return branch(*next, "} else ");
  }
  line("} else {");
  ++depth_;
  statements(node.otherwise, false);
  --depth_;
  line("}");
}

// Declarations.

void Writer::declare(const Array& array) {
  const ArrayView view = local_view(array, names_.of.at(array.name));
  std::string text = cpp_type(array.element) + " " + view.name;
  for (const ArrayView::Dimension& dimension : view.dimensions)
    text += "[" + dimension.extent + "]";
  if (!array.table.empty()) {
    std::size_t next = 0;
    text = "static const " + text + " = " + initializer(array, 0, next);
  }
  line(text + ";");
  for (const std::string& mark : array_pragmas(array, view.name)) pragma(mark);
  scope_.arrays[array.name] = view;
}

bool Writer::declare_with_value(const Stmt& declaration, const Stmt& next) {
  const auto* declared = as<DeclareArray>(declaration);
  if (declared == nullptr) return false;
  const Array& array = declared->array;
  if (!array.shape.empty() || !array.table.empty()) return false;
  std::string value;
  if (const auto* first = as<Store>(next)) {
    const bool is_value = first->array == array.name && !first->reduce &&
                          !loaded_arrays(first->value).contains(array.name);
    if (is_value) value = printer().value(array.element, first->value);
  } else if (const auto* first_get = as<Get>(next); first_get && first_get->array == array.name) {
    value = printer().channel(scope_.streams.at(first_get->stream), first_get->channel) + ".read()";
  }
  if (value.empty()) return false;
  const ArrayView view = local_view(array, names_.of.at(array.name));
  line(fmt::format("{} {} = {};", cpp_type(array.element), view.name, value));
  scope_.arrays[array.name] = view;
  return true;
}

void Writer::declare(const Stream& stream) {
  const StreamView view = stream_view(stream, names_.of.at(stream.name));
  std::string text = fmt::format("hls::stream<{}> {}", cpp_type(stream.element), view.name);
  for (const std::string& extent : view.extents) text += "[" + extent + "]";
  if (view.extents.empty()) text += fmt::format("(\"{}\")", view.name);
  line(text + ";");
  pragma(stream_pragma(stream, view.name));
  scope_.streams[stream.name] = view;
}

// Assignments.

void Writer::assign(const ArrayView& view, const std::vector<Expr>& indices,
                    const std::string& value) {
  const ExpressionPrinter print = printer();
  const std::string place = print.place(view, indices);
  if (view.lanes == 1) return line(fmt::format("{} = {};", place, value));
  const Printed lane = print.print(print.lane(view, indices));
  line(fmt::format("heddle::set_lane<{}>({}, {}, {});", cpp_type(view.element), place,
                   lane.is_long ? "int(" + lane.text + ")" : lane.text, value));
}

void Writer::store(const Store& node) {
  const ArrayView& view = scope_.arrays.at(node.array);
  const ExpressionPrinter print = printer();
  if (!node.reduce) return assign(view, node.indices, print.value(view.element, node.value));
  if (view.lanes == 1 && has_compound_assignment(view.element, node.value, *node.reduce)) {
    return line(fmt::format("{} {}= {};", print.place(view, node.indices),
                            *node.reduce == ReduceOp::kAdd ? "+" : "*", print.text(node.value)));
  }
  const Expr old = load(node.array, view.element, node.indices);
  const Expr value = binary(operator_of(*node.reduce), old, node.value);
  assign(view, node.indices, print.value(view.element, value));
}

void Writer::get(const Get& node) {
  const StreamView& from = scope_.streams.at(node.stream);
  assign(scope_.arrays.at(node.array), node.indices,
         printer().channel(from, node.channel) + ".read()");
}

}  // namespace heddle::kernel::hls

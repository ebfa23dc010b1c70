#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "kernel/expr_printer.h"
#include "kernel/lexer.h"
#include "kernel/rewrite.h"
#include "kernel/spelling.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

constexpr std::size_t kLineWidth = 100;

std::string_view keyword_of(ReduceOp op) {
  switch (op) {
    case ReduceOp::kAdd:
      return "+";
    case ReduceOp::kMul:
      return "*";
    case ReduceOp::kMin:
      return "min";
    case ReduceOp::kMax:
      break;
  }
  return "max";
}

std::string_view keyword_of(Direction direction) {
  switch (direction) {
    case Direction::kIn:
      return "in";
    case Direction::kOut:
      return "out";
    case Direction::kInOut:
      break;
  }
  return "inout";
}

std::string storage_text(const Array& array) {
  const std::string bank = array.bank ? fmt::format("({})", *array.bank) : "";
  switch (array.storage) {
    case Storage::kAuto:
      return "";
    case Storage::kGlobal:
      return " @global" + bank;
    case Storage::kUram:
      return " @uram";
    case Storage::kBram:
      return " @bram";
    case Storage::kLutram:
      return " @lutram";
    case Storage::kRegister:
      break;
  }
  return " @register";
}

std::string partition_text(const Partition& partition) {
  switch (partition.kind) {
    case Partition::Kind::kNone:
      return "none";
    case Partition::Kind::kComplete:
      return "complete";
    case Partition::Kind::kCyclic:
      return fmt::format("cyclic({})", partition.factor);
    case Partition::Kind::kBlock:
      break;
  }
  return fmt::format("block({})", partition.factor);
}

/// An array's element type, extents and marks.
std::string layout_text(const Array& array) {
  std::string text = to_string(array.element) + subscripts_text(array.shape) + storage_text(array);
  if (!array.partition.empty()) {
    std::string dimensions;
    for (const Partition& partition : array.partition) {
      dimensions += (dimensions.empty() ? "" : ", ") + partition_text(partition);
    }
    text += fmt::format(" partition({})", dimensions);
  }
  if (array.lanes != 1) text += fmt::format(" lanes({})", array.lanes);
  return text;
}

std::string layout_text(const Stream& stream) {
  return fmt::format("{}{} depth({})", to_string(stream.element), subscripts_text(stream.shape),
                     stream.depth);
}

std::string to_text(const Parameter& parameter) {
  if (const auto* array = std::get_if<ArrayParameter>(&parameter)) {
    return fmt::format("{}: {} {}", array->array.name, keyword_of(array->direction),
                       layout_text(array->array));
  }
  if (const auto* stream = std::get_if<StreamParameter>(&parameter)) {
    return fmt::format("{}: {} stream {}", stream->stream.name, keyword_of(stream->direction),
                       layout_text(stream->stream));
  }
  const auto& scalar = std::get<ScalarParameter>(parameter);
  return scalar.name + ": " + to_string(scalar.type);
}

std::string to_text(const Window& window) {
  bool is_whole = !window.dimensions.empty();
  std::string text;
  for (const Window::Dimension& dimension : window.dimensions) {
    const Int128* base = as_integer(dimension.base);
    is_whole = is_whole && dimension.spanned && base != nullptr && *base == 0;
    text += (text.empty() ? "" : ", ") + index_text(dimension.base);
    if (dimension.spanned) text += ":";
  }
  return is_whole || text.empty() ? window.array : window.array + "[" + text + "]";
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

/// Statements as lines of text.
class Printer {
 public:
  using Notes = std::map<const StmtNode*, std::string>;

  explicit Printer(const Notes& notes) : notes_(notes) {}

  void kernel(const Kernel& kernel) {
    for (const Parameter& parameter : kernel.parameters) declare(parameter);
    header(kernel);
    note_of_body(kernel.body);
    std::string summary = kernel.summary;
    std::replace(summary.begin(), summary.end(), '\n', ' ');
    ++depth_;
    if (!summary.empty()) line("# " + summary);
    --depth_;
    body(kernel.body);
    line("}");
    if (kernel.intrinsic) intrinsic(*kernel.intrinsic);
  }

  void function(const Function& function) {
    std::vector<std::string> parameters;
    parameters.reserve(function.parameters.size());
    for (const Function::Parameter& parameter : function.parameters) {
      parameters.push_back(parameter.name + ": " + to_string(parameter.type));
    }
    const Type result = function.result.type();
    line(fmt::format("func {}({}) -> {} {{", function.name, joined(parameters), to_string(result)));
    ++depth_;
    for (const Function::Binding& binding : function.bindings) {
      line(fmt::format("let {} = {}", binding.name, expr_text(binding.value)));
    }
    line("return " + argument_text(result, function.result));
    --depth_;
    line("}");
  }

  void statement(const Stmt& stmt) {
    if (stmt == nullptr) return;
    std::visit([&](const auto& node) { print(node, stmt); }, stmt->value);
  }

  void blank_line() { text_ += '\n'; }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void line(const std::string& text) { text_ += std::string(2 * depth_, ' ') + text + "\n"; }

  /// Puts the note of a statement behind the line that was printed last.
  void note(const Stmt& stmt) {
    const auto found = notes_.find(stmt.get());
    if (found != notes_.end()) text_.insert(text_.size() - 1, "  # " + found->second);
  }

  void line(const std::string& text, const Stmt& stmt) {
    line(text);
    note(stmt);
  }

  void header(const Kernel& kernel) {
    std::vector<std::string> parameters;
    parameters.reserve(kernel.parameters.size());
    for (const Parameter& parameter : kernel.parameters) parameters.push_back(to_text(parameter));
    const std::string start =
        fmt::format("{} {}(", kernel.intrinsic ? "instruction" : "kernel", kernel.name);
    const std::string text = start + joined(parameters) + ") {";
    if (text.size() <= kLineWidth) return line(text);
    line(start);
    depth_ += 2;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      line(parameters[i] + (i + 1 < parameters.size() ? "," : ") {"));
    }
    depth_ -= 2;
  }

  void intrinsic(const Intrinsic& intrinsic) {
    const auto strings = [](const std::vector<std::string>& values) {
      std::vector<std::string> tokens;
      tokens.reserve(values.size());
      for (const std::string& value : values) tokens.push_back(string_token(value));
      return joined(tokens);
    };
    if (!intrinsic.native.empty()) native(intrinsic.native);
    if (!intrinsic.features.empty()) line(fmt::format("needs({})", strings(intrinsic.features)));
    if (!intrinsic.dense.empty()) line(fmt::format("dense({})", fmt::join(intrinsic.dense, ", ")));
    if (!intrinsic.primitive.empty()) {
      line(fmt::format("primitive({})", string_token(intrinsic.primitive)));
    }
  }

  /// One string for each line of the native text.
  void native(const std::string& text) {
    line("native");
    ++depth_;
    for (std::size_t start = 0; start < text.size();) {
      const std::size_t end = std::min(text.find('\n', start), text.size() - 1) + 1;
      line(string_token(std::string_view(text).substr(start, end - start)));
      start = end;
    }
    --depth_;
  }

  /// The block whose braces are those around a body; null if the body is one statement. A block of
  /// one statement keeps braces of its own, so that it reads back as a block.
  static const Block* bare_block(const Stmt& stmt) {
    const auto* block = as<Block>(stmt);
    return block != nullptr && block->body.size() != 1 ? block : nullptr;
  }

  /// What stands between braces.
  void body(const Stmt& stmt) {
    ++depth_;
    if (const Block* block = bare_block(stmt)) {
      for (const Stmt& part : block->body) statement(part);
    } else {
      statement(stmt);
    }
    --depth_;
  }

  /// A body's block has no line of its own: its note goes to the line that opens it, which was
  /// printed last.
  void note_of_body(const Stmt& stmt) {
    if (bare_block(stmt) != nullptr) note(stmt);
  }

  void open(const std::string& text, const Stmt& stmt, const Stmt& inner) {
    line(text, stmt);
    note_of_body(inner);
  }

  void print(const Block& node, const Stmt& stmt) {
    line("{", stmt);
    ++depth_;
    for (const Stmt& part : node.body) statement(part);
    --depth_;
    line("}");
  }

  void print(const For& node, const Stmt& stmt) {
    std::string marks;
    if (node.marks.parallel) marks += " parallel";
    if (node.marks.pipeline) marks += fmt::format(" pipeline({})", *node.marks.pipeline);
    if (node.marks.unroll) marks += " unroll";
    open(fmt::format("for {} in {}..{}{} {{", node.name, index_text(node.lower),
                     index_text(node.upper), marks),
         stmt, node.body);
    body(node.body);
    line("}");
  }

  void print(const If& node, const Stmt& stmt) {
    branch("if " + expr_text(node.condition) + " {", node, stmt);
  }

  void branch(const std::string& opening, const If& node, const Stmt& stmt) {
    open(opening, stmt, node.then);
    body(node.then);
    if (node.otherwise == nullptr) return line("}");
    if (const auto* next = as<If>(node.otherwise)) {
      return branch("} else if " + expr_text(next->condition) + " {", *next, node.otherwise);
    }
    line("} else {");
    note_of_body(node.otherwise);
    body(node.otherwise);
    line("}");
  }

  void print(const DeclareArray& node, const Stmt& stmt) {
    const Array& array = node.array;
    elements_[array.name] = array.element;
    const std::string start = fmt::format("{} {}: {}", array.table.empty() ? "var" : "table",
                                          array.name, layout_text(array));
    if (array.table.empty()) return line(start, stmt);
    std::vector<std::string> values;
    std::size_t width = start.size() + 5 + 2 * depth_;
    for (const Expr& value : array.table) {
      values.push_back(table_text(array.element, value));
      width += values.back().size() + 2;
    }
    if (width <= kLineWidth) return line(start + " = {" + joined(values) + "}", stmt);
    line(start + " = {", stmt);
    wrapped(values);
    line("}");
  }

  void wrapped(const std::vector<std::string>& values) {
    ++depth_;
    std::string row;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string value = values[i] + (i + 1 < values.size() ? "," : "");
      if (!row.empty() && 2 * depth_ + row.size() + 1 + value.size() > kLineWidth) {
        line(std::exchange(row, ""));
      }
      row += (row.empty() ? "" : " ") + value;
    }
    line(row);
    --depth_;
  }

  static std::string table_text(const Type& element, const Expr& value) {
    const bool is_element = value.as<Constant>() != nullptr && value.type() == element;
    return is_element ? literal_content(value) : to_string(value);
  }

  void print(const DeclareStream& node, const Stmt& stmt) {
    elements_[node.stream.name] = node.stream.element;
    line(fmt::format("stream {}: {}", node.stream.name, layout_text(node.stream)), stmt);
  }

  void print(const Store& node, const Stmt& stmt) {
    line(fmt::format("{}{} {}= {}", node.array, subscripts_text(node.indices),
                     node.reduce ? keyword_of(*node.reduce) : "",
                     value_text(node.array, node.value)),
         stmt);
  }

  void print(const Put& node, const Stmt& stmt) {
    line(fmt::format("put {}{}, {}", node.stream, subscripts_text(node.channel),
                     value_text(node.stream, node.value)),
         stmt);
  }

  void print(const Get& node, const Stmt& stmt) {
    line(fmt::format("get {}{}, {}{}", node.stream, subscripts_text(node.channel), node.array,
                     subscripts_text(node.indices)),
         stmt);
  }

  void print(const Call& node, const Stmt& stmt) {
    if (node.callee == nullptr) return line("call <nothing>", stmt);
    std::vector<std::string> arguments;
    for (std::size_t i = 0; i < node.arguments.size(); ++i) {
      const auto& argument = node.arguments[i];
      if (const auto* window = std::get_if<Window>(&argument)) {
        arguments.push_back(to_text(*window));
      } else if (const auto* stream = std::get_if<StreamArgument>(&argument)) {
        arguments.push_back(stream->stream + subscripts_text(stream->channel));
      } else {
        const auto& value = std::get<Expr>(argument);
        const auto* scalar = i < node.callee->parameters.size()
                                 ? std::get_if<ScalarParameter>(&node.callee->parameters[i])
                                 : nullptr;
        arguments.push_back(scalar ? argument_text(scalar->type, value) : expr_text(value));
      }
    }
    line(fmt::format("call {}({})", node.callee->name, joined(arguments)), stmt);
  }

  void print(const Dataflow& node, const Stmt& stmt) {
    line("dataflow {", stmt);
    ++depth_;
    for (const Dataflow::Process& process : node.processes) {
      line(fmt::format("process {} {{", process.name));
      note_of_body(process.body);
      body(process.body);
      line("}");
    }
    --depth_;
    line("}");
  }

  void declare(const Parameter& parameter) {
    if (const auto* array = std::get_if<ArrayParameter>(&parameter)) {
      elements_[array->array.name] = array->array.element;
    } else if (const auto* stream = std::get_if<StreamParameter>(&parameter)) {
      elements_[stream->stream.name] = stream->stream.element;
    }
  }

  /// A statement that is printed without its kernel may store to what it does not declare; then a
  /// literal is taken to have the element's type.
  std::string value_text(const std::string& name, const Expr& value) {
    const auto found = elements_.find(name);
    return found == elements_.end() ? to_string(value) : stored_text(found->second, value);
  }

  const Notes& notes_;
  std::string text_;
  std::size_t depth_ = 0;
  std::map<std::string, Type> elements_;  ///< of the arrays and streams declared so far
};

/// The functions and kernels that a kernel uses, each once and before its users.
class Users {
 public:
  std::string print_all(const Kernel& kernel) {
    visit(kernel);
    return printer_.take();
  }

 private:
  void visit(const Kernel& kernel) {
    for (const Parameter& parameter : kernel.parameters) {
      if (const auto* array = std::get_if<ArrayParameter>(&parameter)) visit(array->array.shape);
      if (const auto* stream = std::get_if<StreamParameter>(&parameter)) {
        visit(stream->stream.shape);
      }
    }
    for_each(kernel.body, [&](const Stmt& stmt) {
      const auto* call = as<Call>(stmt);
      if (call != nullptr && kernels_.insert(call->callee->name).second) visit(*call->callee);
      visit(own_expressions(stmt));
    });
    separate();
    printer_.kernel(kernel);
  }

  void visit(const std::vector<Expr>& list) {
    for (const Expr& e : list) visit(e);
  }

  void visit(const Expr& e) {
    for_each(e, [&](const Expr& part) {
      const auto* apply = part.as<Apply>();
      if (apply == nullptr || !functions_.insert(apply->function->name).second) return;
      for (const Function::Binding& binding : apply->function->bindings) visit(binding.value);
      visit(apply->function->result);
      separate();
      printer_.function(*apply->function);
    });
  }

  void separate() {
    if (std::exchange(has_text_, true)) printer_.blank_line();
  }

  const Printer::Notes no_notes_;
  Printer printer_{no_notes_};
  std::set<std::string> functions_;
  std::set<std::string> kernels_;
  bool has_text_ = false;
};

}  // namespace

std::string to_text(const Kernel& kernel) {
  return Users().print_all(kernel);
}

std::string to_text(const Stmt& stmt) {
  const Printer::Notes no_notes;
  Printer printer(no_notes);
  printer.statement(stmt);
  return printer.take();
}

std::string to_text(const Kernel& kernel, const std::map<const StmtNode*, std::string>& notes) {
  Printer printer(notes);
  printer.kernel(kernel);
  return printer.take();
}

}  // namespace heddle::kernel

#include "kernel/verify.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "kernel/array_rules.h"
#include "kernel/dataflow_rules.h"
#include "kernel/expression_rules.h"
#include "kernel/rewrite.h"
#include "kernel/scalar.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

/// Checks a kernel by itself, in the order of its text.
class KernelRules {
 public:
  KernelRules(const Kernel& kernel, Library& library, int call_depth)
      : kernel_(kernel), library_(library), call_depth_(call_depth) {}
  KernelRules(const KernelRules&) = delete;  // names_ refers to the object itself.
  KernelRules& operator=(const KernelRules&) = delete;

  void check_all() {
    check_name("a kernel", kernel_.name);
    if (call_depth_ > kMaxCallDepth) too_deep();
    for (const Parameter& parameter : kernel_.parameters) {
      std::visit([&](const auto& value) { declare_parameter(value); }, parameter);
    }
    if (kernel_.intrinsic) check_intrinsic(*kernel_.intrinsic);
    check_body(kernel_.body, 1);
    check_uses();
    library_.kernels.at(kernel_.name).height = height_;
    if (height_ > kMaxCallDepth) too_deep();
  }

  /// The statement that was being checked last.
  [[nodiscard]] const StmtNode* statement() const { return statement_; }

 private:
  enum class Kind : std::uint8_t { kScalar, kCounter, kArray, kStream, kProcess };
  struct Symbol {
    Kind kind = Kind::kScalar;
    Type type;
    const Array* array = nullptr;
    const Stream* stream = nullptr;
    std::optional<Direction> direction;  ///< of parameters
    bool in_scope = true;
    bool is_read = false;
    bool is_written = false;
    const StmtNode* declaration = nullptr;
  };
  static Symbol plain(Kind kind, const Type& type) {
    return {kind, type, nullptr, nullptr, std::nullopt};
  }
  using Symbols = std::map<std::string, Symbol>;

  static std::string_view name_of(Kind kind) {
    switch (kind) {
      case Kind::kScalar:
        return "a scalar argument";
      case Kind::kCounter:
        return "a loop counter";
      case Kind::kArray:
        return "an array";
      case Kind::kStream:
        return "a stream";
      case Kind::kProcess:
        break;
    }
    return "a process";
  }

  void declare(const std::string& name, Symbol symbol) {
    check_name(name_of(symbol.kind), name);
    symbol.declaration = statement_;
    const auto [place, is_new] = symbols_.emplace(name, symbol);
    if (!is_new) {
      break_rule(fmt::format("{} is declared twice", name),
                 fmt::format("give one of the two another name, such as {}_1", name));
    }
    scope_.push_back(&place->second);
  }

  void declare_parameter(const ScalarParameter& parameter) {
    declare(parameter.name, plain(Kind::kScalar, parameter.type));
  }
  void declare_parameter(const ArrayParameter& parameter) {
    const Array& array = parameter.array;
    if (!array.table.empty()) {
      break_rule(fmt::format("parameter {} is a table", array.name),
                 "declare the table in the body");
    }
    check_array(array, true);
    declare(array.name, {Kind::kArray, array.element, &array, nullptr, parameter.direction});
  }
  void declare_parameter(const StreamParameter& parameter) {
    const Stream& stream = parameter.stream;
    if (parameter.direction == Direction::kInOut) {
      break_rule(fmt::format("stream {} is inout", stream.name),
                 "a kernel reads a stream (in) or writes it (out); take two streams");
    }
    check_stream(stream);
    declare(stream.name, {Kind::kStream, stream.element, nullptr, &stream, parameter.direction});
  }

  [[noreturn]] static void too_deep() {
    break_rule(fmt::format("kernels call each other more than {} deep", kMaxCallDepth),
               "inline some of the calls");
  }

  // Uses of names.

  Symbol& find(Kind kind, const std::string& name) {
    const auto found = symbols_.find(name);
    if (found == symbols_.end()) {
      std::vector<std::string> names;
      for (const auto& [known, symbol] : symbols_) {
        if (symbol.kind == kind && symbol.in_scope) names.push_back(known);
      }
      const std::vector<std::string> near = nearest(name, names);
      break_rule(fmt::format("{} is not declared", quote(name)),
                 near.empty() ? "declare it before its first use"
                              : fmt::format("did you mean {}?", fmt::join(near, ", ")));
    }
    Symbol& symbol = found->second;
    if (!symbol.in_scope) {
      break_rule(fmt::format("{} is used outside of the block that declares it", name),
                 "move its declaration outward, before the block");
    }
    const bool is_number = kind == Kind::kScalar && symbol.kind == Kind::kCounter;
    if (symbol.kind != kind && !is_number) {
      break_rule(fmt::format("{} is {}, not {}", name, name_of(symbol.kind), name_of(kind)),
                 fmt::format("use {} here", name_of(kind)));
    }
    return symbol;
  }

  void check(const Expr& e) { check_expression(e, names_, library_, call_depth_); }

  void check_variable(const std::string& name, const Type& type) {
    const Symbol& symbol = find(Kind::kScalar, name);
    if (symbol.type != type) {
      break_rule(fmt::format("{} is {}, not {}", name, to_string(symbol.type), to_string(type)),
                 fmt::format("use it as {}, or cast it", to_string(symbol.type)));
    }
  }

  void check_load(const Load& load, const Type& type) {
    Symbol& symbol = find(Kind::kArray, load.array);
    check_element(symbol, load.array, load.indices, type);
    symbol.is_read = true;
  }

  static void check_element(const Symbol& symbol, const std::string& name,
                            const std::vector<Expr>& indices, const Type& type) {
    if (symbol.type != type) {
      break_rule(fmt::format("{} holds {}, not {}", name, to_string(symbol.type), to_string(type)),
                 fmt::format("read it as {}, then cast", to_string(symbol.type)));
    }
    check_indices(name, symbol.array->shape.size(), indices, "subscript");
  }

  /// `what` is a subscript or a channel index.
  static void check_indices(const std::string& name, std::size_t rank,
                            const std::vector<Expr>& indices, std::string_view what) {
    if (indices.size() != rank) {
      break_rule(
          fmt::format("{} has {} dimension{} and is given {} {}{}", name, rank,
                      rank == 1 ? "" : "s", indices.size(), what, indices.size() == 1 ? "" : "s"),
          fmt::format("give one {} for each dimension of {}", what, name));
    }
    for (const Expr& index : indices) {
      if (!index.type().is_index()) {
        break_rule(fmt::format("a {} of {} is {}, not index", what, name, to_string(index.type())),
                   fmt::format("cast it: index({})", to_string(index)));
      }
    }
  }

  void check_index(std::string_view what, const Expr& e) {
    check(e);
    if (!e.type().is_index()) {
      break_rule(fmt::format("{} is {}, not index", what, to_string(e.type())),
                 fmt::format("cast it: index({})", to_string(e)));
    }
  }

  void check_all_of(const std::vector<Expr>& list) {
    for (const Expr& e : list) check(e);
  }

  Symbol& written_array(const std::string& name) {
    Symbol& symbol = find(Kind::kArray, name);
    if (symbol.direction == Direction::kIn) {
      break_rule(fmt::format("{} is an input and is written", name),
                 "declare it inout, or write to a local array");
    }
    if (!symbol.array->table.empty()) {
      break_rule(fmt::format("{} is a table and is written", name),
                 "use a var, which can be written");
    }
    symbol.is_written = true;
    return symbol;
  }

  Symbol& used_stream(const std::string& name, bool writes) {
    Symbol& symbol = find(Kind::kStream, name);
    if (symbol.direction == (writes ? Direction::kIn : Direction::kOut)) {
      break_rule(fmt::format("stream {} is an {} and is {}", name, writes ? "input" : "output",
                             writes ? "written" : "read"),
                 fmt::format("declare it {}, or use another stream", writes ? "out" : "in"));
    }
    (writes ? symbol.is_written : symbol.is_read) = true;
    return symbol;
  }

  // Declarations.

  void check_extents(const std::string& name, const std::vector<Expr>& shape) {
    for (const Expr& extent : shape) {
      check_index(fmt::format("an extent of {}", name), extent);
      for_each(extent, [&](const Expr& part) {
        const auto* variable = part.as<Variable>();
        const bool is_counter =
            variable != nullptr && symbols_.at(variable->name).kind == Kind::kCounter;
        if (is_counter || part.as<Load>() != nullptr) {
          break_rule(fmt::format("an extent of {} depends on {}", name, to_string(part)),
                     "extents are made of literals and scalar arguments");
        }
      });
      const Int128* literal = as_integer(extent);
      if (literal != nullptr && *literal < 1) {
        break_rule(fmt::format("an extent of {} is {}", name, to_string(*literal)),
                   "extents are at least 1");
      }
    }
  }

  void check_array(const Array& array, bool is_parameter) {
    check_extents(array.name, array.shape);
    check_layout(array, is_parameter);
    check_all_of(array.table);
  }

  void check_stream(const Stream& stream) {
    check_element_type(stream.name, stream.element);
    check_extents(stream.name, stream.shape);
    if (stream.depth < 1) {
      break_rule(fmt::format("stream {} has depth {}", stream.name, stream.depth),
                 "a stream holds at least 1 element");
    }
  }

  void check_intrinsic(const Intrinsic& intrinsic) const {
    std::vector<std::size_t> ranks;
    for (const Parameter& parameter : kernel_.parameters) {
      if (std::holds_alternative<StreamParameter>(parameter)) {
        break_rule("an instruction has a stream parameter", "instructions take arrays and scalars");
      }
      const auto* array = std::get_if<ArrayParameter>(&parameter);
      if (array != nullptr) ranks.push_back(array->array.shape.size());
    }
    if (intrinsic.dense.empty()) return;
    bool fits = intrinsic.dense.size() == ranks.size();
    for (std::size_t i = 0; fits && i < ranks.size(); ++i) {
      fits = intrinsic.dense[i] >= 0 && intrinsic.dense[i] <= static_cast<int>(ranks[i]);
    }
    if (!fits) {
      break_rule("dense does not fit the array parameters",
                 "give for each array parameter how many of its last dimensions lie dense");
    }
  }

  // Statements.

  void check_body(const Stmt& stmt, int depth) {
    const std::size_t outer = scope_.size();
    check_statement(stmt, depth);
    close_scope(outer);
  }

  void close_scope(std::size_t outer) {
    for (; scope_.size() > outer; scope_.pop_back()) scope_.back()->in_scope = false;
  }

  void check_statement(const Stmt& stmt, int depth) {
    if (stmt == nullptr)
      break_rule("a statement is missing", "leave a body empty with an empty block");
    if (depth > kMaxNesting) {
      break_rule(fmt::format("statements are nested more than {} deep", kMaxNesting),
                 "move an inner part to a kernel of its own and call it");
    }
    const StmtNode* outer = statement_;
    statement_ = stmt.get();
    std::visit([&](const auto& node) { check_statement_node(node, depth); }, stmt->value);
    statement_ = outer;
  }

  void check_statement_node(const Block& node, int depth) {
    const std::size_t outer = scope_.size();
    for (const Stmt& part : node.body) check_statement(part, depth + 1);
    close_scope(outer);
  }

  void check_statement_node(const For& node, int depth) {
    check_index("a loop bound", node.lower);
    check_index("a loop bound", node.upper);
    check_marks(node);
    const std::size_t outer = scope_.size();
    declare(node.name, plain(Kind::kCounter, index_type()));
    const For* around = pipelined_;
    if (node.marks.pipeline) pipelined_ = &node;
    check_body(node.body, depth + 1);
    pipelined_ = around;
    close_scope(outer);
  }

  void check_marks(const For& node) const {
    const std::optional<std::int64_t> trips = literal_trips(node);
    if (node.marks.unroll && (!trips || *trips > kMaxUnrolled)) {
      break_rule(
          trips ? fmt::format("loop {} is unrolled {} times", node.name, *trips)
                : fmt::format("loop {} is unrolled but its trip count is not a literal", node.name),
          fmt::format("split it by a literal of at most {} and unroll the inner loop",
                      kMaxUnrolled));
    }
    if (node.marks.pipeline && *node.marks.pipeline < 1) {
      break_rule(fmt::format("loop {} starts an iteration every {} cycles", node.name,
                             *node.marks.pipeline),
                 "give 1 cycle or more");
    }
    if (pipelined_ != nullptr && !trips) {
      break_rule(
          fmt::format("loop {} stands in the pipelined loop {}, which unrolls it, but its trip "
                      "count is not a literal",
                      node.name, pipelined_->name),
          fmt::format("pipeline {} instead, or give it literal bounds", node.name));
    }
  }

  void check_statement_node(const If& node, int depth) {
    check(node.condition);
    if (!node.condition.type().is_bool()) {
      break_rule(fmt::format("a condition is {}, not bool", to_string(node.condition.type())),
                 "compare it with something, as in x != 0");
    }
    check_body(node.then, depth + 1);
    if (node.otherwise != nullptr) check_body(node.otherwise, depth + 1);
  }

  void check_statement_node(const DeclareArray& node, int /*depth*/) {
    check_array(node.array, false);
    declare(node.array.name,
            {Kind::kArray, node.array.element, &node.array, nullptr, std::nullopt});
  }

  void check_statement_node(const DeclareStream& node, int /*depth*/) {
    check_stream(node.stream);
    declare(node.stream.name,
            {Kind::kStream, node.stream.element, nullptr, &node.stream, std::nullopt});
  }

  void check_statement_node(const Store& node, int /*depth*/) {
    Symbol& symbol = written_array(node.array);
    check_all_of(node.indices);
    check_indices(node.array, symbol.array->shape.size(), node.indices, "subscript");
    check(node.value);
    if (!node.reduce) return check_stored(node.array, symbol.type, node.value);
    symbol.is_read = true;
    check_reduced(node.array, symbol.type, *node.reduce, node.value);
  }

  void check_statement_node(const Put& node, int /*depth*/) {
    const Symbol& symbol = used_stream(node.stream, true);
    check_channel(node.stream, symbol, node.channel);
    check(node.value);
    check_stored(node.stream, symbol.type, node.value);
  }

  void check_statement_node(const Get& node, int /*depth*/) {
    const Symbol& symbol = used_stream(node.stream, false);
    check_channel(node.stream, symbol, node.channel);
    const Symbol& target = written_array(node.array);
    check_all_of(node.indices);
    check_indices(node.array, target.array->shape.size(), node.indices, "subscript");
    if (!same_values(symbol.type, target.type)) {
      break_rule(fmt::format("stream {} of {} is got into {} of {}", node.stream,
                             to_string(symbol.type), node.array, to_string(target.type)),
                 fmt::format("get it into a var of {}, then store that", to_string(symbol.type)));
    }
  }

  void check_channel(const std::string& name, const Symbol& symbol,
                     const std::vector<Expr>& channel) {
    check_all_of(channel);
    check_indices(name, symbol.stream->shape.size(), channel, "channel subscript");
  }

  void check_statement_node(const Dataflow& node, int depth) {
    for (const Dataflow::Process& process : node.processes) {
      declare(process.name, plain(Kind::kProcess, {}));
      check_body(process.body, depth + 1);
    }
    std::map<std::string, const Stream*> streams;
    for (const auto& [name, symbol] : symbols_) {
      if (symbol.kind == Kind::kStream && symbol.in_scope) streams.emplace(name, symbol.stream);
    }
    if (const std::optional<Violation> violation = dataflow_violation(node, streams)) {
      throw Broken{*violation};
    }
  }

  void check_statement_node(const Call& node, int /*depth*/);
  void check_argument(const Kernel& callee, const Parameter& parameter,
                      const std::variant<Window, StreamArgument, Expr>& argument);
  void check_window(const std::string& where, const ArrayParameter& parameter,
                    const Window& window);
  void check_stream_argument(const std::string& where, const StreamParameter& parameter,
                             const StreamArgument& argument);

  // The kernel as a whole.

  void check_uses() {
    for (const auto& [name, symbol] : symbols_) {
      statement_ = symbol.declaration;
      if (symbol.direction == Direction::kOut && !symbol.is_written) {
        break_rule(fmt::format("{} is an output and is never written", name),
                   "write it, or declare it in");
      }
      if (symbol.kind == Kind::kStream && !symbol.direction &&
          symbol.is_read != symbol.is_written) {
        break_rule(
            fmt::format("stream {} is {}", name,
                        symbol.is_written ? "written but never read" : "read but never written"),
            "give every stream one writer and one reader");
      }
    }
  }

  const Kernel& kernel_;
  Library& library_;
  int call_depth_;
  NameRules names_{
      [this](const Variable& variable, const Type& type) { check_variable(variable.name, type); },
      [this](const Load& load, const Type& type) { check_load(load, type); }};
  Symbols symbols_;
  std::vector<Symbol*> scope_;  ///< what is declared so far, the latest last
  const For* pipelined_ = nullptr;
  int height_ = 1;
  const StmtNode* statement_ = nullptr;
};

/// Checks a kernel once; problems are told with its name.
void check_kernel(const Kernel& kernel, Library& library, int depth) {
  using Entry = Library::Entry<Kernel>;
  const auto [known, is_new] = library.kernels.emplace(kernel.name, Entry{&kernel});
  if (!is_new) {
    const Kernel* callee = known->second.callee;
    if (callee == &kernel || equal(*callee, kernel)) return;
    break_rule(fmt::format("two different kernels are named {}", kernel.name),
               "give one of the two another name");
  }
  KernelRules rules(kernel, library, depth);
  try {
    rules.check_all();
  } catch (Broken& broken) {
    if (broken.violation.statement == nullptr) broken.violation.statement = rules.statement();
    throw;
  }
}

void KernelRules::check_statement_node(const Call& node, int /*depth*/) {
  if (node.callee == nullptr) break_rule("a call of no kernel", "give the callee");
  const Kernel& callee = *node.callee;
  if (callee.name == kernel_.name) {
    break_rule(fmt::format("kernel {} calls itself, or another kernel of its name", kernel_.name),
               "kernels cannot be recursive: use a loop, or give one of the two another name");
  }
  try {
    check_kernel(callee, library_, call_depth_ + 1);
  } catch (Broken& broken) {
    // A place inside of the callee says little to who looks at this kernel.
    broken.violation.problem =
        fmt::format("in the called kernel {}: {}", callee.name, broken.violation.problem);
    broken.violation.statement = statement_;
    throw;
  }
  height_ = std::max(height_, library_.kernels.at(callee.name).height + 1);
  if (node.arguments.size() != callee.parameters.size()) {
    break_rule(fmt::format("kernel {} takes {} arguments, not {}", callee.name,
                           callee.parameters.size(), node.arguments.size()),
               "give one argument for each parameter");
  }
  for (std::size_t i = 0; i < node.arguments.size(); ++i) {
    check_argument(callee, callee.parameters[i], node.arguments[i]);
  }
}

void KernelRules::check_argument(const Kernel& callee, const Parameter& parameter,
                                 const std::variant<Window, StreamArgument, Expr>& argument) {
  const std::string where =
      fmt::format("parameter {} of {}", kernel::name_of(parameter), callee.name);
  const auto* array = std::get_if<ArrayParameter>(&parameter);
  const auto* stream = std::get_if<StreamParameter>(&parameter);
  const auto* scalar = std::get_if<ScalarParameter>(&parameter);
  if (array != nullptr && std::holds_alternative<Window>(argument)) {
    check_window(where, *array, std::get<Window>(argument));
  } else if (stream != nullptr && std::holds_alternative<StreamArgument>(argument)) {
    check_stream_argument(where, *stream, std::get<StreamArgument>(argument));
  } else if (scalar != nullptr && std::holds_alternative<Expr>(argument)) {
    const auto& value = std::get<Expr>(argument);
    check(value);
    if (value.type() != scalar->type) {
      break_rule(
          fmt::format("{} is {}, not {}", where, to_string(scalar->type), to_string(value.type())),
          fmt::format("cast it: {}({})", to_string(scalar->type), to_string(value)));
    }
  } else {
    break_rule(fmt::format("{} is {}", where,
                           array != nullptr    ? "an array"
                           : stream != nullptr ? "a stream"
                                               : "a scalar"),
               "give an argument of that kind");
  }
}

void KernelRules::check_window(const std::string& where, const ArrayParameter& parameter,
                               const Window& window) {
  Symbol& symbol = find(Kind::kArray, window.array);
  std::vector<Expr> bases;
  std::size_t spanned = 0;
  for (const Window::Dimension& dimension : window.dimensions) {
    bases.push_back(dimension.base);
    spanned += dimension.spanned ? 1 : 0;
  }
  check_all_of(bases);
  check_indices(window.array, symbol.array->shape.size(), bases, "subscript");
  if (symbol.type != parameter.array.element) {
    break_rule(
        fmt::format("{} holds {}, but {} holds {}", where, to_string(parameter.array.element),
                    window.array, to_string(symbol.type)),
        "copy the array into one of the parameter's type first");
  }
  if (spanned != parameter.array.shape.size()) {
    break_rule(fmt::format("{} has {} dimensions, but the window of {} spans {}", where,
                           parameter.array.shape.size(), window.array, spanned),
               "span one dimension (base:) for each dimension of the parameter");
  }
  if (parameter.direction != Direction::kIn) (void)written_array(window.array);
  if (parameter.direction != Direction::kOut) symbol.is_read = true;
}

void KernelRules::check_stream_argument(const std::string& where, const StreamParameter& parameter,
                                        const StreamArgument& argument) {
  const Symbol& symbol = used_stream(argument.stream, parameter.direction == Direction::kOut);
  check_all_of(argument.channel);
  if (symbol.type != parameter.stream.element) {
    break_rule(
        fmt::format("{} carries {}, but stream {} carries {}", where,
                    to_string(parameter.stream.element), argument.stream, to_string(symbol.type)),
        "declare the stream with the parameter's type");
  }
  const std::size_t rank = symbol.stream->shape.size();
  if (parameter.stream.shape.empty()) {
    check_indices(argument.stream, rank, argument.channel, "channel subscript");
  } else if (!argument.channel.empty() || rank != parameter.stream.shape.size()) {
    break_rule(fmt::format("{} has {} channel dimensions, stream {} has {}", where,
                           parameter.stream.shape.size(), argument.stream, rank),
               "give a stream with as many channel dimensions, without indices");
  }
}

}  // namespace

std::optional<Violation> find_violation(const Kernel& kernel) {
  Library library;
  try {
    check_kernel(kernel, library, 1);
  } catch (const Broken& broken) {
    return broken.violation;
  }
  return std::nullopt;
}

std::optional<Violation> find_violation(const Function& function) {
  Library library;
  try {
    check_function(function, library, 1);
  } catch (const Broken& broken) {
    return broken.violation;
  }
  return std::nullopt;
}

void verify(const Kernel& kernel) {
  const std::optional<Violation> violation = find_violation(kernel);
  if (!violation) return;
  std::string place;
  if (violation->statement != nullptr) {
    // An alias without ownership: the statement is a part of the kernel.
    const std::string text = to_text(Stmt(Stmt(), violation->statement));
    place = fmt::format(", in: {}", shorten(text.substr(0, text.find('\n'))));
  }
  throw UserError(fmt::format("kernel {}: {}{}", kernel.name, violation->problem, place),
                  violation->remedy);
}

}  // namespace heddle::kernel

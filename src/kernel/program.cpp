#include "kernel/program.h"

#include "base/error.h"
#include "kernel/rewrite.h"

namespace heddle::kernel {
namespace {

/// The kernels and functions that are prepared already, by address.
struct Known {
  std::map<const Kernel*, std::shared_ptr<const PreparedKernel>> kernels;
  std::map<const Function*, std::shared_ptr<const PreparedFunction>> functions;
};

class Preparer {
 public:
  explicit Preparer(Known& known) : known_(known) {}

  std::shared_ptr<const PreparedKernel> kernel(const KernelPtr& kernel) {
    if (const auto found = known_.kernels.find(kernel.get()); found != known_.kernels.end()) {
      return found->second;
    }
    Preparer inner(known_);
    auto prepared = std::make_shared<PreparedKernel>();
    prepared->kernel = kernel;
    for (const Parameter& parameter : kernel->parameters) {
      const std::string& name = name_of(parameter);
      if (std::holds_alternative<ScalarParameter>(parameter)) {
        prepared->parameter_places.push_back(inner.variables_.place(name));
      } else if (std::holds_alternative<ArrayParameter>(parameter)) {
        prepared->parameter_places.push_back(inner.arrays_.place(name));
      } else {
        prepared->parameter_places.push_back(inner.streams_.place(name));
      }
    }
    for (const Parameter& parameter : kernel->parameters) {
      const auto* array = std::get_if<ArrayParameter>(&parameter);
      const auto* stream = std::get_if<StreamParameter>(&parameter);
      prepared->extents.push_back(array != nullptr    ? inner.all(array->array.shape)
                                  : stream != nullptr ? inner.all(stream->stream.shape)
                                                      : std::vector<PreparedExpr>());
    }
    prepared->body = inner.statement(kernel->body);
    prepared->variables = inner.variables_.count();
    prepared->arrays = inner.arrays_.count();
    prepared->streams = inner.streams_.count();
    prepared->variable_places = inner.variables_.all();
    known_.kernels.emplace(kernel.get(), prepared);
    return prepared;
  }

  std::shared_ptr<const PreparedFunction> function(const std::shared_ptr<const Function>& source) {
    if (const auto found = known_.functions.find(source.get()); found != known_.functions.end()) {
      return found->second;
    }
    Preparer inner(known_);
    auto prepared = std::make_shared<PreparedFunction>();
    prepared->name = source->name;
    prepared->parameters = static_cast<int>(source->parameters.size());
    for (const Function::Parameter& parameter : source->parameters)
      inner.variables_.place(parameter.name);
    for (const Function::Binding& binding : source->bindings) {
      PreparedExpr value = inner.expression(binding.value);
      inner.variables_.place(binding.name);
      prepared->bindings.push_back(std::move(value));
    }
    prepared->result = inner.expression(source->result);
    known_.functions.emplace(source.get(), prepared);
    return prepared;
  }

 private:
  /// Numbers for names in the order of their first use.
  class Places {
   public:
    int place(const std::string& name) {
      return places_.emplace(name, static_cast<int>(places_.size())).first->second;
    }
    [[nodiscard]] int count() const { return static_cast<int>(places_.size()); }
    [[nodiscard]] const std::map<std::string, int>& all() const { return places_; }

   private:
    std::map<std::string, int> places_;
  };

  PreparedExpr expression(const Expr& e) {
    using Kind = PreparedExpr::Kind;
    PreparedExpr result;
    result.type = e.type();
    result.operands = all(operands(e));
    if (const auto* literal = e.as<Constant>()) {
      result.kind = Kind::kConstant;
      result.constant = {e.type(), literal->raw, literal->real};
    } else if (const auto* variable = e.as<Variable>()) {
      result.kind = Kind::kVariable;
      result.place = variables_.place(variable->name);
    } else if (const auto* access = e.as<Load>()) {
      result.kind = Kind::kLoad;
      result.place = arrays_.place(access->array);
    } else if (const auto* unary = e.as<Unary>()) {
      result.kind = Kind::kUnary;
      result.unary = unary->op;
    } else if (const auto* binary = e.as<Binary>()) {
      result.kind = Kind::kBinary;
      result.binary = binary->op;
    } else if (e.as<Select>() != nullptr) {
      result.kind = Kind::kSelect;
    } else if (e.as<Cast>() != nullptr) {
      result.kind = Kind::kCast;
    } else if (e.as<Bitcast>() != nullptr) {
      result.kind = Kind::kBitcast;
    } else {
      result.kind = Kind::kApply;
      result.function = function(e.as<Apply>()->function);
    }
    return result;
  }

  std::vector<PreparedExpr> all(const std::vector<Expr>& list) {
    std::vector<PreparedExpr> result;
    result.reserve(list.size());
    for (const Expr& e : list) result.push_back(expression(e));
    return result;
  }

  PreparedStmt statement(const Stmt& stmt) {
    PreparedStmt result;
    result.source = stmt;
    std::visit([&](const auto& node) { fill(node, result); }, stmt->value);
    return result;
  }

  void fill(const Block& node, PreparedStmt& result) {
    for (const Stmt& stmt : node.body) result.body.push_back(statement(stmt));
  }
  void fill(const For& node, PreparedStmt& result) {
    result.values = all({node.lower, node.upper});
    result.place = variables_.place(node.name);
    result.body.push_back(statement(node.body));
  }
  void fill(const If& node, PreparedStmt& result) {
    result.values = all({node.condition});
    result.body.push_back(statement(node.then));
    if (node.otherwise) result.body.push_back(statement(node.otherwise));
  }
  void fill(const DeclareArray& node, PreparedStmt& result) {
    result.place = arrays_.place(node.array.name);
    result.indices = all(node.array.shape);
    result.values = all(node.array.table);
  }
  void fill(const DeclareStream& node, PreparedStmt& result) {
    result.place = streams_.place(node.stream.name);
    result.indices = all(node.stream.shape);
  }
  void fill(const Store& node, PreparedStmt& result) {
    result.place = arrays_.place(node.array);
    result.indices = all(node.indices);
    result.values = all({node.value});
  }
  void fill(const Put& node, PreparedStmt& result) {
    result.place = streams_.place(node.stream);
    result.indices = all(node.channel);
    result.values = all({node.value});
  }
  void fill(const Get& node, PreparedStmt& result) {
    result.place = streams_.place(node.stream);
    result.indices = all(node.channel);
    result.target = arrays_.place(node.array);
    result.target_indices = all(node.indices);
  }
  void fill(const Call& node, PreparedStmt& result) {
    result.callee = kernel(node.callee);
    for (const auto& argument : node.arguments) {
      PreparedStmt::Argument& prepared = result.arguments.emplace_back();
      if (const auto* window = std::get_if<Window>(&argument)) {
        prepared.place = arrays_.place(window->array);
        for (const Window::Dimension& dimension : window->dimensions) {
          prepared.indices.push_back(expression(dimension.base));
          prepared.spanned.push_back(dimension.spanned);
        }
      } else if (const auto* stream = std::get_if<StreamArgument>(&argument)) {
        prepared.place = streams_.place(stream->stream);
        prepared.indices = all(stream->channel);
      } else {
        prepared.value = expression(std::get<Expr>(argument));
      }
    }
  }
  void fill(const Dataflow& node, PreparedStmt& result) {
    std::vector<std::set<std::string>> written;
    for (const Dataflow::Process& process : node.processes) {
      const std::set<std::string> read = reads_of(process.body);
      std::vector<int> waits;
      for (std::size_t earlier = 0; earlier < written.size(); ++earlier) {
        for (const std::string& name : written[earlier]) {
          if (!read.contains(name)) continue;
          waits.push_back(static_cast<int>(earlier));
          break;
        }
      }
      result.waits_for.push_back(std::move(waits));
      written.push_back(writes_of(process.body));
      result.body.push_back(statement(process.body));
    }
  }

  static std::set<std::string> writes_of(const Stmt& body) {
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

  static std::set<std::string> reads_of(const Stmt& body) {
    std::set<std::string> names;
    for_each_expression(body, [&](const Expr& e) { names.merge(loaded_arrays(e)); });
    for_each(body, [&](const Stmt& stmt) {
      if (const auto* store = as<Store>(stmt); store != nullptr && store->reduce) {
        names.insert(store->array);
      }
      for_each_window(stmt, [&](const Window& window, Direction direction) {
        if (direction != Direction::kOut) names.insert(window.array);
      });
    });
    return names;
  }

  template <typename Visit>
  static void for_each_window(const Stmt& stmt, const Visit& visit) {
    const auto* call = as<Call>(stmt);
    if (call == nullptr) return;
    for (std::size_t i = 0; i < call->arguments.size(); ++i) {
      const auto* window = std::get_if<Window>(&call->arguments[i]);
      const auto* parameter = std::get_if<ArrayParameter>(&call->callee->parameters[i]);
      if (window != nullptr && parameter != nullptr) visit(*window, parameter->direction);
    }
  }

  Known& known_;
  Places variables_;
  Places arrays_;
  Places streams_;
};

}  // namespace

std::shared_ptr<const PreparedKernel> prepare(const KernelPtr& kernel) {
  Known known;
  return Preparer(known).kernel(kernel);
}

}  // namespace heddle::kernel

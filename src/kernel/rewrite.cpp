#include "kernel/rewrite.h"

#include "base/error.h"

namespace heddle::kernel {
namespace {

using ExprChange = std::function<Expr(const Expr&)>;

std::vector<Expr> changed(const std::vector<Expr>& list, const ExprChange& change) {
  std::vector<Expr> result;
  result.reserve(list.size());
  for (const Expr& e : list) result.push_back(change(e));
  return result;
}

/// The node with its operands changed. Index arithmetic goes through its maker, which carries it
/// out where a variable has become a literal.
Expr rebuild(const Expr& e, const ExprChange& change) {
  const auto node = [&](auto value) {
    return Expr(std::make_shared<const ExprNode>(ExprNode{e.type(), std::move(value)}));
  };
  if (const auto* load = e.as<Load>())
    return node(Load{load->array, changed(load->indices, change)});
  if (const auto* unary = e.as<Unary>()) {
    return e.type().is_index() ? kernel::unary(unary->op, change(unary->operand))
                               : node(Unary{unary->op, change(unary->operand)});
  }
  if (const auto* binary = e.as<Binary>()) {
    Expr a = change(binary->a);
    Expr b = change(binary->b);
    return e.type().is_index() ? kernel::binary(binary->op, std::move(a), std::move(b))
                               : node(Binary{binary->op, std::move(a), std::move(b)});
  }
  if (const auto* select = e.as<Select>()) {
    return node(Select{change(select->condition), change(select->a), change(select->b)});
  }
  if (const auto* cast = e.as<Cast>()) return node(Cast{change(cast->operand)});
  if (const auto* bitcast = e.as<Bitcast>()) return node(Bitcast{change(bitcast->operand)});
  if (const auto* apply = e.as<Apply>()) {
    return node(Apply{apply->function, changed(apply->arguments, change)});
  }
  return e;
}

Window changed(const Window& window, const ExprChange& change) {
  Window result{window.array, {}};
  for (const Window::Dimension& dimension : window.dimensions) {
    result.dimensions.push_back({change(dimension.base), dimension.spanned});
  }
  return result;
}

/// The statement with its own expressions changed and its parts replaced by `part`.
class Rebuilder {
 public:
  Rebuilder(const std::function<Stmt(const Stmt&)>& part, const ExprChange& change)
      : part_(part), change_(change) {}

  Stmt operator()(const Block& node) const {
    std::vector<Stmt> body;
    for (const Stmt& stmt : node.body) {
      if (Stmt kept = part_(stmt)) body.push_back(std::move(kept));
    }
    return block(std::move(body));
  }
  Stmt operator()(const For& node) const {
    Stmt body = part_(node.body);
    if (!body) return nullptr;
    return make_stmt(
        For{node.name, change_(node.lower), change_(node.upper), node.marks, std::move(body)});
  }
  Stmt operator()(const If& node) const {
    Stmt then = part_(node.then);
    Stmt otherwise = node.otherwise ? part_(node.otherwise) : nullptr;
    if (!then && !otherwise) return nullptr;
    if (!then) then = make_stmt(Block{});
    return make_stmt(If{change_(node.condition), std::move(then), std::move(otherwise)});
  }
  Stmt operator()(const DeclareArray& node) const {
    Array array = node.array;
    array.shape = changed(array.shape, change_);
    return make_stmt(DeclareArray{std::move(array)});
  }
  Stmt operator()(const DeclareStream& node) const {
    Stream stream = node.stream;
    stream.shape = changed(stream.shape, change_);
    return make_stmt(DeclareStream{std::move(stream)});
  }
  Stmt operator()(const Store& node) const {
    return make_stmt(
        Store{node.array, changed(node.indices, change_), change_(node.value), node.reduce});
  }
  Stmt operator()(const Put& node) const {
    return make_stmt(Put{node.stream, changed(node.channel, change_), change_(node.value)});
  }
  Stmt operator()(const Get& node) const {
    return make_stmt(Get{node.stream, changed(node.channel, change_), node.array,
                         changed(node.indices, change_)});
  }
  Stmt operator()(const Call& node) const {
    Call call{node.callee, {}};
    for (const auto& argument : node.arguments) {
      if (const auto* window = std::get_if<Window>(&argument)) {
        call.arguments.emplace_back(changed(*window, change_));
      } else if (const auto* stream = std::get_if<StreamArgument>(&argument)) {
        call.arguments.emplace_back(
            StreamArgument{stream->stream, changed(stream->channel, change_)});
      } else {
        call.arguments.emplace_back(change_(std::get<Expr>(argument)));
      }
    }
    return make_stmt(std::move(call));
  }
  Stmt operator()(const Dataflow& node) const {
    Dataflow result;
    for (const Dataflow::Process& process : node.processes) {
      if (Stmt body = part_(process.body))
        result.processes.push_back({process.name, std::move(body)});
    }
    return result.processes.empty() ? nullptr : make_stmt(std::move(result));
  }

 private:
  const std::function<Stmt(const Stmt&)>& part_;
  const ExprChange& change_;
};

void append(std::vector<Expr>& list, const std::vector<Expr>& more) {
  list.insert(list.end(), more.begin(), more.end());
}

/// The names that one statement declares.
std::vector<std::string> declared_names(const Stmt& stmt) {
  if (const auto* loop = as<For>(stmt)) return {loop->name};
  if (const auto* array = as<DeclareArray>(stmt)) return {array->array.name};
  if (const auto* stream = as<DeclareStream>(stmt)) return {stream->stream.name};
  if (const auto* dataflow = as<Dataflow>(stmt)) {
    std::vector<std::string> names;
    names.reserve(dataflow->processes.size());
    for (const Dataflow::Process& process : dataflow->processes) names.push_back(process.name);
    return names;
  }
  return {};
}

/// Exchanges names in single nodes; expressions and parts are handled by transform().
class Renamer {
 public:
  explicit Renamer(const std::map<std::string, std::string>& names) : names_(names) {}

  [[nodiscard]] std::string name(const std::string& old) const {
    const auto found = names_.find(old);
    return found == names_.end() ? old : found->second;
  }
  [[nodiscard]] Expr expression(const Expr& e) const {
    const auto node = [&](auto value) {
      return Expr(std::make_shared<const ExprNode>(ExprNode{e.type(), std::move(value)}));
    };
    if (const auto* variable = e.as<Variable>()) return node(Variable{name(variable->name)});
    if (const auto* load = e.as<Load>()) return node(Load{name(load->array), load->indices});
    return e;
  }
  Stmt operator()(For node) const {
    node.name = name(node.name);
    return make_stmt(std::move(node));
  }
  Stmt operator()(DeclareArray node) const {
    node.array.name = name(node.array.name);
    return make_stmt(std::move(node));
  }
  Stmt operator()(DeclareStream node) const {
    node.stream.name = name(node.stream.name);
    return make_stmt(std::move(node));
  }
  Stmt operator()(Store node) const {
    node.array = name(node.array);
    return make_stmt(std::move(node));
  }
  Stmt operator()(Put node) const {
    node.stream = name(node.stream);
    return make_stmt(std::move(node));
  }
  Stmt operator()(Get node) const {
    node.stream = name(node.stream);
    node.array = name(node.array);
    return make_stmt(std::move(node));
  }
  Stmt operator()(Call node) const {
    for (auto& argument : node.arguments) {
      if (auto* window = std::get_if<Window>(&argument)) window->array = name(window->array);
      if (auto* stream = std::get_if<StreamArgument>(&argument))
        stream->stream = name(stream->stream);
    }
    return make_stmt(std::move(node));
  }
  Stmt operator()(Dataflow node) const {
    for (Dataflow::Process& process : node.processes) process.name = name(process.name);
    return make_stmt(std::move(node));
  }
  template <typename Node>
  Stmt operator()(Node node) const {
    return make_stmt(std::move(node));
  }

 private:
  const std::map<std::string, std::string>& names_;
};

}  // namespace

std::vector<Expr> operands(const Expr& e) {
  if (const auto* load = e.as<Load>()) return load->indices;
  if (const auto* unary = e.as<Unary>()) return {unary->operand};
  if (const auto* binary = e.as<Binary>()) return {binary->a, binary->b};
  if (const auto* select = e.as<Select>()) return {select->condition, select->a, select->b};
  if (const auto* cast = e.as<Cast>()) return {cast->operand};
  if (const auto* bitcast = e.as<Bitcast>()) return {bitcast->operand};
  if (const auto* apply = e.as<Apply>()) return apply->arguments;
  return {};
}

void for_each(const Expr& e, const std::function<void(const Expr&)>& visit) {
  visit(e);
  for (const Expr& operand : operands(e)) for_each(operand, visit);
}

Expr transform(const Expr& e, const ExprChange& change) {
  return change(rebuild(e, [&](const Expr& operand) { return transform(operand, change); }));
}

Expr substitute(const Expr& e, const std::map<std::string, Expr>& values) {
  return transform(e, [&](const Expr& part) {
    const auto* variable = part.as<Variable>();
    if (variable == nullptr) return part;
    const auto found = values.find(variable->name);
    return found == values.end() ? part : found->second;
  });
}

bool mentions(const Expr& e, const std::string& variable) {
  return variables(e).contains(variable);
}

std::set<std::string> variables(const Expr& e) {
  std::set<std::string> names;
  for_each(e, [&](const Expr& part) {
    if (const auto* variable = part.as<Variable>()) names.insert(variable->name);
  });
  return names;
}

std::set<std::string> loaded_arrays(const Expr& e) {
  std::set<std::string> names;
  for_each(e, [&](const Expr& part) {
    if (const auto* load = part.as<Load>()) names.insert(load->array);
  });
  return names;
}

std::vector<Stmt> children(const Stmt& stmt) {
  if (const auto* node = as<Block>(stmt)) return node->body;
  if (const auto* node = as<For>(stmt)) return {node->body};
  if (const auto* node = as<If>(stmt)) {
    return node->otherwise ? std::vector<Stmt>{node->then, node->otherwise}
                           : std::vector<Stmt>{node->then};
  }
  std::vector<Stmt> parts;
  if (const auto* node = as<Dataflow>(stmt)) {
    for (const Dataflow::Process& process : node->processes) parts.push_back(process.body);
  }
  return parts;
}

std::vector<Expr> own_expressions(const Stmt& stmt) {
  std::vector<Expr> list;
  if (const auto* node = as<For>(stmt)) {
    list = {node->lower, node->upper};
  } else if (const auto* branch = as<If>(stmt)) {
    list = {branch->condition};
  } else if (const auto* array = as<DeclareArray>(stmt)) {
    list = array->array.shape;
  } else if (const auto* stream = as<DeclareStream>(stmt)) {
    list = stream->stream.shape;
  } else if (const auto* store = as<Store>(stmt)) {
    list = store->indices;
    list.push_back(store->value);
  } else if (const auto* put = as<Put>(stmt)) {
    list = put->channel;
    list.push_back(put->value);
  } else if (const auto* get = as<Get>(stmt)) {
    list = get->channel;
    append(list, get->indices);
  } else if (const auto* call = as<Call>(stmt)) {
    for (const auto& argument : call->arguments) {
      if (const auto* window = std::get_if<Window>(&argument)) {
        for (const Window::Dimension& dimension : window->dimensions)
          list.push_back(dimension.base);
      } else if (const auto* channel = std::get_if<StreamArgument>(&argument)) {
        append(list, channel->channel);
      } else {
        list.push_back(std::get<Expr>(argument));
      }
    }
  }
  return list;
}

void for_each(const Stmt& stmt, const std::function<void(const Stmt&)>& visit) {
  if (!stmt) return;
  visit(stmt);
  for (const Stmt& child : children(stmt)) for_each(child, visit);
}

void for_each_expression(const Stmt& stmt, const std::function<void(const Expr&)>& visit) {
  for_each(stmt, [&](const Stmt& part) {
    for (const Expr& e : own_expressions(part)) visit(e);
  });
}

Stmt transform(const Stmt& stmt, const std::function<Stmt(const Stmt&)>& on_stmt,
               const std::function<Expr(const Expr&)>& on_expr) {
  if (!stmt) return nullptr;
  const std::function<Stmt(const Stmt&)> part = [&](const Stmt& child) {
    return transform(child, on_stmt, on_expr);
  };
  const ExprChange change = on_expr ? on_expr : [](const Expr& e) { return e; };
  Stmt rebuilt = std::visit(Rebuilder(part, change), stmt->value);
  return rebuilt && on_stmt ? on_stmt(rebuilt) : rebuilt;
}

Stmt substitute(const Stmt& stmt, const std::map<std::string, Expr>& values) {
  return transform(stmt, {}, [&](const Expr& e) { return substitute(e, values); });
}

Stmt rename(const Stmt& stmt, const std::map<std::string, std::string>& names) {
  const Renamer renamer(names);
  return transform(
      stmt, [&](const Stmt& part) { return std::visit(renamer, part->value); },
      [&](const Expr& e) {
        return transform(e, [&](const Expr& node) { return renamer.expression(node); });
      });
}

Stmt block(std::vector<Stmt> statements) {
  std::vector<Stmt> flat;
  flat.reserve(statements.size());
  for (Stmt& stmt : statements) {
    if (const auto* inner = as<Block>(stmt)) {
      flat.insert(flat.end(), inner->body.begin(), inner->body.end());
    } else if (stmt) {
      flat.push_back(std::move(stmt));
    }
  }
  if (flat.empty()) return nullptr;
  return flat.size() == 1 ? flat.front() : make_stmt(Block{std::move(flat)});
}

std::vector<Stmt> statements_of(const Stmt& stmt) {
  if (!stmt) return {};
  if (const auto* node = as<Block>(stmt)) return node->body;
  return {stmt};
}

bool is_declaration(const Stmt& stmt) {
  return as<DeclareArray>(stmt) != nullptr || as<DeclareStream>(stmt) != nullptr;
}

std::set<std::string> names_in(const Stmt& stmt) {
  std::set<std::string> names;
  for_each(stmt, [&](const Stmt& part) {
    names.merge([&] {
      const std::vector<std::string> declared = declared_names(part);
      return std::set<std::string>(declared.begin(), declared.end());
    }());
  });
  return names;
}

std::set<std::string> names_in(const Kernel& kernel) {
  std::set<std::string> names = names_in(kernel.body);
  for (const Parameter& parameter : kernel.parameters) names.insert(name_of(parameter));
  return names;
}

std::string fresh_name(const std::string& wanted, std::set<std::string>& taken) {
  std::string name = wanted;
  for (int number = 1; !taken.insert(name).second; ++number) {
    name = fmt::format("{}_{}", wanted, number);
  }
  return name;
}

const Array* find_array(const Kernel& kernel, const std::string& name) {
  for (const Parameter& parameter : kernel.parameters) {
    const auto* array = std::get_if<ArrayParameter>(&parameter);
    if (array != nullptr && array->array.name == name) return &array->array;
  }
  const Array* found = nullptr;
  for_each(kernel.body, [&](const Stmt& stmt) {
    const auto* declaration = as<DeclareArray>(stmt);
    if (declaration != nullptr && declaration->array.name == name) found = &declaration->array;
  });
  return found;
}

const Stream* find_stream(const Kernel& kernel, const std::string& name) {
  for (const Parameter& parameter : kernel.parameters) {
    const auto* stream = std::get_if<StreamParameter>(&parameter);
    if (stream != nullptr && stream->stream.name == name) return &stream->stream;
  }
  const Stream* found = nullptr;
  for_each(kernel.body, [&](const Stmt& stmt) {
    const auto* declaration = as<DeclareStream>(stmt);
    if (declaration != nullptr && declaration->stream.name == name) found = &declaration->stream;
  });
  return found;
}

Kernel with_array(const Kernel& kernel, const std::string& name, const Array& array) {
  Kernel result = kernel;
  for (Parameter& parameter : result.parameters) {
    auto* of = std::get_if<ArrayParameter>(&parameter);
    if (of != nullptr && of->array.name == name) of->array = array;
  }
  result.body = transform(kernel.body, [&](const Stmt& stmt) {
    const auto* declaration = as<DeclareArray>(stmt);
    return declaration != nullptr && declaration->array.name == name
               ? make_stmt(DeclareArray{array})
               : stmt;
  });
  return result;
}

bool shares_written_array(const Call& call) {
  std::map<std::string, std::pair<int, bool>> uses;
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    const auto* window = std::get_if<Window>(&call.arguments[i]);
    if (window == nullptr) continue;
    auto& [count, written] = uses[window->array];
    const auto& parameter = std::get<ArrayParameter>(call.callee->parameters[i]);
    ++count;
    written |= parameter.direction != Direction::kIn;
    if (count > 1 && written) return true;
  }
  return false;
}

}  // namespace heddle::kernel

#include "kernel/codegen/rtl/iteration.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/codegen/rtl/arithmetic.h"
#include "kernel/rewrite.h"
#include "kernel/scalar.h"

namespace heddle::kernel::rtl {
namespace {

class Builder {
 public:
  Builder(Leaf& leaf, const Context& context)
      : leaf_(leaf), graph_(leaf.graph), context_(context) {}

  void build(const std::vector<Stmt>& statements) {
    for (const Stmt& stmt : statements) statement(stmt, kNoNode);
    for (const auto& [name, value] : changed_) {
      const NodeId index = graph_.constant(0);
      const NodeId node = graph_.write(name, index, value.node, kNoNode, value.statement);
      const auto before = first_read_.find(name);
      if (before == first_read_.end()) continue;
      graph_.orders.push_back({before->second, node, 0, 0});
      graph_.orders.push_back({node, before->second, 1, 1});
    }
    order_accesses();
    graph_.remove_unused();
  }

 private:
  struct Value {
    NodeId node = kNoNode;
    Stmt statement;  ///< that made it
  };
  struct Touch {
    NodeId node = kNoNode;
    Access access;
  };

  // Statements.

  void statement(const Stmt& stmt, NodeId predicate) {
    if (const auto* block = as<Block>(stmt)) {
      for (const Stmt& inner : block->body) statement(inner, predicate);
    } else if (const auto* node = as<Store>(stmt)) {
      store(*node, stmt, predicate);
    } else if (const auto* branch = as<If>(stmt)) {
      conditional(*branch, stmt, predicate);
    } else if (const auto* declaration = as<DeclareArray>(stmt)) {
      // Each iteration of a loop has its own; what stands alone may be used by what follows.
      if (!context_.nest.empty()) own_.insert(declaration->array.name);
      values_.erase(declaration->array.name);
    } else {
      throw InternalError("a statement that is not straight");
    }
  }

  void conditional(const If& branch, const Stmt& stmt, NodeId predicate) {
    const NodeId condition = lower(branch.condition, stmt, predicate);
    const auto together = [&](NodeId holds) {
      return predicate == kNoNode ? holds : graph_.both(predicate, holds);
    };
    guards_.push_back({branch.condition, true});
    statement(branch.then, together(condition));
    if (branch.otherwise) {
      guards_.back().holds = false;
      statement(branch.otherwise, together(graph_.logical_not(condition)));
    }
    guards_.pop_back();
  }

  void store(const Store& node, const Stmt& stmt, NodeId predicate) {
    const Memory& memory = context_.design->memory(node.array);
    const Type& element = memory.array.element;
    require_integer(element);
    Expr stored = node.value;
    if (node.reduce) {
      stored = binary(operator_of(*node.reduce), kernel::load(node.array, element, node.indices),
                      node.value);
    }
    NodeId value = convert(graph_, lower(stored, stmt, predicate), stored.type(), element);
    if (is_scalar(memory)) {
      if (predicate != kNoNode) {
        value = graph_.mux(predicate, value, load(node.array, {}, stmt, predicate));
      }
      values_[node.array] = value;
      if (!own_.contains(node.array)) changed_[node.array] = {value, stmt};
      return;
    }
    const NodeId index = lower_index(memory.array, node.indices, stmt, predicate);
    touch(graph_.write(node.array, index, value, predicate, stmt), node.indices, stmt, true);
  }

  // Expressions.

  NodeId lower(const Expr& e, const Stmt& stmt, NodeId predicate) {
    const auto inner = [&](const Expr& operand) { return lower(operand, stmt, predicate); };
    if (const auto* node = e.as<Constant>()) {
      require_integer(e.type());
      return graph_.constant(node->raw);
    }
    if (const auto* node = e.as<Variable>()) return variable_named(node->name, e.type());
    if (const auto* node = e.as<Load>()) return load(node->array, node->indices, stmt, predicate);
    if (const auto* node = e.as<Unary>()) {
      return rtl::apply(graph_, node->op, inner(node->operand), e.type());
    }
    if (const auto* node = e.as<Binary>()) {
      const NodeId a = inner(node->a);
      const NodeId b = inner(node->b);
      return rtl::apply(graph_, node->op, a, node->a.type(), b, node->b.type(), e.type());
    }
    if (const auto* node = e.as<Select>()) {
      require_integer(e.type());
      const NodeId condition = inner(node->condition);
      const NodeId a = inner(node->a);
      return graph_.mux(condition, a, inner(node->b));
    }
    if (const auto* node = e.as<Cast>()) {
      return convert(graph_, inner(node->operand), node->operand.type(), e.type());
    }
    if (const auto* node = e.as<Bitcast>()) {
      require_integer(node->operand.type());
      return reinterpret(graph_, inner(node->operand), e.type());
    }
    const auto& call = std::get<Apply>(e->value);
    std::map<std::string, NodeId> names;
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
      names[call.function->parameters[i].name] = inner(call.arguments[i]);
    }
    bound_.push_back(std::move(names));
    for (const Function::Binding& binding : call.function->bindings) {
      const NodeId value = inner(binding.value);
      bound_.back()[binding.name] = value;
    }
    const NodeId result = inner(call.function->result);
    bound_.pop_back();
    return result;
  }

  NodeId variable_named(const std::string& name, const Type& type) {
    if (!bound_.empty()) {
      const auto found = bound_.back().find(name);
      if (found != bound_.back().end()) return found->second;
    }
    require_integer(type);
    for (const For* loop : context_.nest) {
      if (loop->name == name) return counter(name, 1);
    }
    const auto range = context_.ranges.find(name);
    if (range != context_.ranges.end()) {
      return graph_.input("loop_" + name, range->second.low, range->second.high);
    }
    return graph_.input("arg_" + name, lowest(type), highest(type));
  }

  NodeId counter(const std::string& name, std::int64_t factor) {
    const Range& range = context_.ranges.at(name);
    const Int128 a = Int128{range.low} * factor;
    const Int128 b = Int128{range.high} * factor;
    return graph_.counter(name, factor, std::min(a, b), std::max(a, b));
  }

  NodeId load(const std::string& array, const std::vector<Expr>& indices, const Stmt& stmt,
              NodeId predicate) {
    const Memory& memory = context_.design->memory(array);
    const Type& element = memory.array.element;
    require_integer(element);
    if (is_scalar(memory)) {
      const auto known = values_.find(array);
      if (known != values_.end()) return known->second;
      const NodeId node =
          graph_.read(array, graph_.constant(0), lowest(element), highest(element), kNoNode, stmt);
      values_[array] = node;
      if (!own_.contains(array)) first_read_[array] = node;
      return node;
    }
    const NodeId index = lower_index(memory.array, indices, stmt, predicate);
    return touch(graph_.read(array, index, lowest(element), highest(element), predicate, stmt),
                 indices, stmt, false);
  }

  /// The element's number in row-major order.
  NodeId lower_index(const Array& array, const std::vector<Expr>& indices, const Stmt& stmt,
                     NodeId predicate) {
    Expr flat = constant(index_type(), Int128{0});
    for (std::size_t d = 0; d < indices.size(); ++d) flat = flat * array.shape[d] + indices[d];
    const LinearForm form = linear_form(flat);
    NodeId sum = graph_.constant(form.constant);
    for (const LinearForm::Term& term : form.terms) {
      const auto* atom = term.atom.as<Variable>();
      const bool is_counter =
          atom != nullptr && std::ranges::any_of(context_.nest, [&](const For* loop) {
            return loop->name == atom->name;
          });
      const NodeId part =
          is_counter ? counter(atom->name, term.factor)
                     : graph_.mul(lower(term.atom, stmt, predicate), graph_.constant(term.factor));
      sum = graph_.add(sum, part);
    }
    return convert(graph_, sum, index_type(), index_type());
  }

  // Order.

  [[nodiscard]] static bool is_scalar(const Memory& memory) {
    return memory.kind == Memory::Kind::kRegisters && memory.array.shape.empty();
  }

  NodeId touch(NodeId node, const std::vector<Expr>& indices, const Stmt& stmt, bool is_write) {
    Touch one{node, {}};
    one.access.array = graph_[node].name;
    one.access.indices = indices;
    one.access.write = is_write;
    one.access.statement = stmt;
    one.access.loops = context_.nest;
    one.access.guards = guards_;
    one.access.surroundings = context_.surroundings;
    one.access.position = {static_cast<int>(touches_.size())};
    touches_.push_back(std::move(one));
    return node;
  }

  /// Cycles between two accesses of one element.
  [[nodiscard]] int latency(const Memory& memory, const Access& source, const Access& sink) const {
    const Target& target = context_.design->target;
    const bool is_global = memory.kind == Memory::Kind::kGlobal;
    if (source.write && !sink.write) return is_global ? target.memory_write + 1 : 1;
    if (source.write) return 1;
    return is_global ? target.memory_read : 0;
  }

  void order_accesses() {
    // Farther apart than this, accesses of a pipeline do not overlap.
    constexpr std::int64_t kFar = 256;
    for (std::size_t i = 0; i < touches_.size(); ++i) {
      for (std::size_t j = 0; j < touches_.size(); ++j) {
        const Touch& source = touches_[i];
        const Touch& sink = touches_[j];
        if (source.access.array != sink.access.array) continue;
        if (!source.access.write && !sink.access.write) continue;
        const Memory& memory = context_.design->memory(source.access.array);
        const int cycles = latency(memory, source.access, sink.access);
        const bool is_global = memory.kind == Memory::Kind::kGlobal;
        const auto add = [&](std::int64_t distance) {
          graph_.orders.push_back({source.node, sink.node, cycles, distance});
          if (is_global && source.access.write && !sink.access.write) {
            leaf_.waits.insert(memory.array.name);
          }
        };
        if (i < j && conflict_within(source.access, sink.access, context_.nest)) add(0);
        const auto distance = nearest_conflict(source.access, sink.access, context_.nest, kFar);
        // Writes in flight at the same time are not told apart.
        if (distance) add(is_global ? 1 : *distance);
      }
    }
    for (const std::string& array : leaf_.waits) order_all(array);
  }

  /// A read that waits for one write waits for all that are under way: those before it have
  /// arrived when it starts, those behind it start later.
  void order_all(const std::string& array) {
    const Memory& memory = context_.design->memory(array);
    for (std::size_t i = 0; i < touches_.size(); ++i) {
      for (std::size_t j = 0; j < touches_.size(); ++j) {
        const Touch& source = touches_[i];
        const Touch& sink = touches_[j];
        if (source.access.array != array || sink.access.array != array) continue;
        if (source.access.write == sink.access.write) continue;
        const int cycles = source.access.write ? latency(memory, source.access, sink.access) : 0;
        if (i < j) graph_.orders.push_back({source.node, sink.node, cycles, 0});
        if (!context_.nest.empty()) graph_.orders.push_back({source.node, sink.node, cycles, 1});
      }
    }
  }

  Leaf& leaf_;
  Graph& graph_;
  const Context& context_;
  std::map<std::string, NodeId> values_;              ///< of scalars, at this point
  std::map<std::string, Value> changed_;              ///< scalars that outlive the iteration
  std::map<std::string, NodeId> first_read_;          ///< of such scalars
  std::set<std::string> own_;                         ///< declared in the iteration
  std::vector<std::map<std::string, NodeId>> bound_;  ///< names inside of functions
  std::vector<Access::Guard> guards_;
  std::vector<Touch> touches_;
};

}  // namespace

bool is_straight(const Stmt& stmt) {
  bool result = true;
  for_each(stmt, [&](const Stmt& inner) {
    result = result &&
             (as<Block>(inner) || as<Store>(inner) || as<If>(inner) || as<DeclareArray>(inner));
  });
  return result;
}

void build_iteration(Leaf& leaf, const std::vector<Stmt>& statements, const Context& context) {
  Builder(leaf, context).build(statements);
}

}  // namespace heddle::kernel::rtl

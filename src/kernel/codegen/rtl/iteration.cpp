#include "kernel/codegen/rtl/iteration.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

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
    for (const Stmt& stmt : statements) survey(stmt);
    for (const Stmt& stmt : statements) statement(stmt, kNoNode);
    for (const auto& [name, value] : changed_) {
      const NodeId node =
          graph_.write(name, single_place(name), value.node, kNoNode, value.statement);
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

  /// Lanes of a loop while it is open. Loops of as many iterations that are not open together are
  /// the same lanes, so that registers stay in theirs.
  template <typename Body>
  void in_lanes(const For& loop, const Body& body) {
    const auto known = lane_numbers_.find(loop.name);
    const int number = known == lane_numbers_.end() ? lanes_for(loop) : known->second;
    lane_numbers_[loop.name] = number;
    open_.push_back(&loop);
    active_ |= LaneSet{1} << number;
    body();
    active_ &= ~(LaneSet{1} << number);
    open_.pop_back();
  }

  /// The open loop with these lanes.
  [[nodiscard]] std::string open_loop(std::size_t number) const {
    for (const For* loop : open_) {
      if (lane_numbers_.at(loop->name) == static_cast<int>(number)) return loop->name;
    }
    throw InternalError("lanes of no loop");
  }

  int lanes_for(const For& loop) {
    const std::int64_t trips = literal_trips(loop).value_or(1);
    const auto count = static_cast<int>(graph_.lane_loops.size());
    for (int number = 0; number < count; ++number) {
      const bool is_open = (active_ >> number & 1) != 0;
      if (!is_open && graph_.lane_loops[static_cast<std::size_t>(number)].trips == trips) {
        return number;
      }
    }
    if (count == kMostLaneLoops) throw NotSideBySide{loop.name, "too many loops are unrolled"};
    graph_.lane_loops.push_back({loop.name, trips});
    return count;
  }

  // Survey: of which registers only one element is touched, in each lane.

  void survey(const Stmt& stmt) {
    if (const auto* loop = as<For>(stmt)) {
      in_lanes(*loop, [&] {
        for (const Stmt& inner : statements_of(loop->body)) survey(inner);
      });
      return;
    }
    for (const Expr& root : own_expressions(stmt)) {
      for_each(root, [&](const Expr& e) {
        if (const auto* node = e.as<Load>()) survey(node->array, node->indices, stmt);
      });
    }
    if (const auto* store = as<Store>(stmt)) survey(store->array, store->indices, stmt);
    if (const auto* get = as<Get>(stmt)) survey(get->array, get->indices, stmt);
    for (const Stmt& inner : children(stmt)) survey(inner);
  }

  void survey(const std::string& name, const std::vector<Expr>& indices, const Stmt& stmt) {
    const Memory& memory = context_.design->memory(name);
    if (memory.kind != Memory::Kind::kRegisters) return;
    std::optional<Place> place;
    const bool is_plain = std::ranges::all_of(
        indices, [](const Expr& index) { return loaded_arrays(index).empty(); });
    if (is_plain) place = place_of(memory, indices, stmt, kNoNode);
    const auto [known, is_new] = single_.emplace(name, place);
    if (!is_new && known->second != place) known->second.reset();
  }

  [[nodiscard]] Place single_place(const std::string& name) const {
    return single_.at(name).value_or(Place{});
  }
  [[nodiscard]] bool is_value(const std::string& name) const {
    const auto found = single_.find(name);
    return found != single_.end() && found->second.has_value();
  }

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
      declared_in_[declaration->array.name] = active_;
    } else if (const auto* loop = as<For>(stmt)) {
      in_lanes(*loop, [&] { statement(loop->body, predicate); });
    } else if (const auto* put = as<Put>(stmt)) {
      const Memory& memory = context_.design->memory(put->stream);
      const NodeId value = convert(graph_, lower(put->value, stmt, predicate), put->value.type(),
                                   memory.array.element);
      const Place place = place_of(memory, put->channel, stmt, predicate);
      touch(graph_.write(put->stream, place, value, predicate, stmt), put->channel, stmt, true);
    } else if (const auto* get = as<Get>(stmt)) {
      const Memory& memory = context_.design->memory(get->stream);
      const Place place = place_of(memory, get->channel, stmt, predicate);
      const Type& element = memory.array.element;
      const auto [low, high] = ends_of(element);
      const NodeId value = graph_.read(get->stream, place, low, high, predicate, stmt, true);
      // A get changes the stream too.
      touch(value, get->channel, stmt, true);
      const Type& target = context_.design->memory(get->array).array.element;
      assign(get->array, get->indices, convert(graph_, value, element, target), stmt, predicate);
    } else {
      ensure(as<DeclareStream>(stmt) != nullptr, "a statement that is not straight");
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
    const Type& element = context_.design->memory(node.array).array.element;
    NodeId value = lower(node.value, stmt, predicate);
    const Type& type = node.value.type();
    if (!node.reduce) {
      return assign(node.array, node.indices, convert(graph_, value, type, element), stmt,
                    predicate);
    }
    const LaneSet over = active_ & ~target_lanes(node.array, node.indices, stmt, predicate);
    if (over != 0)
      std::tie(value, predicate) = reduced(*node.reduce, value, predicate, over, element);
    const BinaryOp op = operator_of(*node.reduce);
    const Type result =
        binary(op, kernel::load(node.array, element, node.indices), node.value).type();
    const NodeId old = load(node.array, node.indices, stmt, predicate);
    const NodeId sum = rtl::apply(graph_, op, old, element, value, type, result);
    assign(node.array, node.indices, convert(graph_, sum, result, element), stmt, predicate);
  }

  /// The lanes that have an element of their own.
  LaneSet target_lanes(const std::string& name, const std::vector<Expr>& indices, const Stmt& stmt,
                       NodeId predicate) {
    const Memory& memory = context_.design->memory(name);
    if (memory.array.shape.empty()) {
      const auto declared = declared_in_.find(name);
      return declared == declared_in_.end() ? 0 : declared->second;
    }
    return lanes_of(place_of(memory, indices, stmt, predicate));
  }

  [[nodiscard]] LaneSet lanes_of(const Place& place) const {
    return graph_[place.address].lanes | graph_[place.bank].lanes | graph_[place.choice].lanes;
  }

  /// What all lanes of `over` give together, and whether any of them does.
  std::pair<NodeId, NodeId> reduced(ReduceOp op, NodeId value, NodeId predicate, LaneSet over,
                                    const Type& element) {
    const auto refuse = [&](const std::string& reason) {
      for (std::size_t n = 0; n < graph_.lane_loops.size(); ++n) {
        if ((over >> n & 1) != 0) throw NotSideBySide{open_loop(n), reason};
      }
    };
    if (element.is_float()) refuse("floats are summed one after the other");
    const bool varies = predicate != kNoNode && (graph_[predicate].lanes & over) != 0;
    const NodeId any = varies ? graph_.total(Op::kGreatest, predicate, over) : predicate;
    const auto masked = [&](NodeId wanted, Int128 neutral) {
      return varies ? graph_.mux(predicate, wanted, graph_.constant(neutral)) : wanted;
    };
    if (op == ReduceOp::kAdd) {
      if (is_dot(over) && graph_[value].op == Op::kMul) {
        const Node& product = graph_[value];
        const NodeId dot = graph_.dot(masked(product.operands[0], 0), product.operands[1], over);
        if (dot != kNoNode) return {dot, any};
      }
      return {graph_.total(Op::kTotal, masked(value, 0), over), any};
    }
    if (op == ReduceOp::kMul) refuse("a product over lanes is not made side by side");
    const Node& node = graph_[value];
    if (node.low < lowest(element) || node.high > highest(element)) {
      refuse("the least or greatest of values wider than its array is not made side by side");
    }
    const bool is_least = op == ReduceOp::kMin;
    return {graph_.total(is_least ? Op::kLeast : Op::kGreatest,
                         masked(value, is_least ? node.high : node.low), over),
            any};
  }

  [[nodiscard]] bool is_dot(LaneSet over) const {
    return std::ranges::any_of(open_, [&](const For* loop) {
      return context_.dots->contains(loop->name) && (over >> lane_numbers_.at(loop->name) & 1) != 0;
    });
  }

  /// A converted value into an element.
  void assign(const std::string& name, const std::vector<Expr>& indices, NodeId value,
              const Stmt& stmt, NodeId predicate) {
    const Memory& memory = context_.design->memory(name);
    if (is_value(name)) {
      // What an iteration has of its own is nothing before it is written.
      const bool is_first = own_.contains(name) && !values_.contains(name);
      if (predicate != kNoNode && !is_first) {
        value = graph_.mux(predicate, value, load(name, indices, stmt, predicate));
      }
      check_lanes(write_to(name, single_place(name)));
      values_[name] = value;
      if (!own_.contains(name)) changed_[name] = {value, stmt};
      return;
    }
    const Place place = place_of(memory, indices, stmt, predicate);
    touch(graph_.write(name, place, value, predicate, stmt), indices, stmt, true);
  }

  // Expressions.

  NodeId lower(const Expr& e, const Stmt& stmt, NodeId predicate) {
    const auto inner = [&](const Expr& operand) { return lower(operand, stmt, predicate); };
    if (const auto* node = e.as<Constant>()) {
      return graph_.constant(raw_of(*node, e.type()));
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
      const NodeId condition = inner(node->condition);
      const NodeId a = inner(node->a);
      return graph_.mux(condition, a, inner(node->b));
    }
    if (const auto* node = e.as<Cast>()) {
      return convert(graph_, inner(node->operand), node->operand.type(), e.type());
    }
    if (const auto* node = e.as<Bitcast>()) {
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
    const auto lane = lane_numbers_.find(name);
    if (lane != lane_numbers_.end()) {
      const auto loop = std::ranges::find(open_, name, [](const For* open) { return open->name; });
      ensure(loop != open_.end(), "{} is used outside of its loop", name);
      return graph_.add(graph_.lane(lane->second), graph_.constant(*as_integer((*loop)->lower)));
    }
    for (const For* loop : context_.nest) {
      if (loop->name == name) return counter(name, 1);
    }
    const auto range = context_.ranges.find(name);
    if (range != context_.ranges.end()) {
      return graph_.input("loop_" + name, range->second.low, range->second.high);
    }
    const auto [low, high] = ends_of(type);
    return graph_.input("arg_" + name, low, high);
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
    const std::pair<Int128, Int128> ends = ends_of(memory.array.element);
    const auto read = [&](const Place& place, NodeId when) {
      return graph_.read(array, place, ends.first, ends.second, when, stmt);
    };
    if (is_value(array)) {
      const auto known = values_.find(array);
      if (known != values_.end()) return known->second;
      const NodeId node = read(single_place(array), kNoNode);
      values_[array] = node;
      if (!own_.contains(array)) first_read_[array] = node;
      return node;
    }
    const Place place = place_of(memory, indices, stmt, predicate);
    if (memory.kind != Memory::Kind::kGlobal) {
      // Nothing happens to what is read in vain.
      return touch(read(place, kNoNode), indices, stmt, false);
    }
    if (predicate != kNoNode) {
      predicate = graph_.total(Op::kGreatest, predicate, graph_[predicate].lanes);
    }
    return touch(read(place, predicate), indices, stmt, false);
  }

  Place place_of(const Memory& memory, const std::vector<Expr>& indices, const Stmt& stmt,
                 NodeId predicate) {
    const Lower sum_of = [&](const LinearForm& form) {
      NodeId sum = graph_.constant(form.constant);
      for (const LinearForm::Term& term : form.terms) {
        const auto* atom = term.atom.as<Variable>();
        const bool is_counter = atom != nullptr && !lane_numbers_.contains(atom->name) &&
                                std::ranges::any_of(context_.nest, [&](const For* loop) {
                                  return loop->name == atom->name;
                                });
        const NodeId part = is_counter ? counter(atom->name, term.factor)
                                       : graph_.mul(lower(term.atom, stmt, predicate),
                                                    graph_.constant(term.factor));
        sum = graph_.add(sum, part);
      }
      return convert(graph_, sum, index_type(), index_type());
    };
    const Array& array = memory.array;
    if (memory.kind == Memory::Kind::kGlobal)
      return place_in_memory(graph_, array, indices, sum_of);
    const bool apart =
        memory.kind == Memory::Kind::kRegisters || memory.kind == Memory::Kind::kStream;
    return place_on_chip(graph_, array, apart, indices, sum_of);
  }

  // Order.

  NodeId touch(NodeId node, const std::vector<Expr>& indices, const Stmt& stmt, bool is_write) {
    check_lanes(graph_[node]);
    Touch one{node, {}};
    one.access.array = graph_[node].name;
    one.access.indices = indices;
    one.access.write = is_write;
    one.access.statement = stmt;
    one.access.loops = context_.nest;
    one.access.loops.insert(one.access.loops.end(), open_.begin(), open_.end());
    one.access.guards = guards_;
    one.access.surroundings = context_.surroundings;
    one.access.position = {static_cast<int>(touches_.size())};
    touches_.push_back(std::move(one));
    return node;
  }

  /// A write as far as its place goes.
  [[nodiscard]] Node write_to(const std::string& name, const Place& place) const {
    return {.op = Op::kWrite,
            .operands = {place.address, place.bank, place.choice},
            .name = name,
            .offsets = place.offsets,
            .lanes = lanes_of(place)};
  }

  /// Throws NotSideBySide if two lanes meet at a port, or write to what may be the same register.
  void check_lanes(const Node& node) const {
    const Memory& memory = context_.design->memory(node.name);
    const bool is_limited = memory.has_ports() || node.op == Op::kWrite;
    if (!is_limited || node.lanes == 0) return;
    if (context_.in_ring && memory.kind == Memory::Kind::kStream) {
      throw NotSideBySide{open_.back()->name, "its processes' streams close a ring"};
    }
    const Place place{node.operands[0], node.operands[1], node.operands[2], node.offsets};
    const LaneSet own = lanes_of(place);
    // What only differs in its predicate meets at one element.
    const LaneSet apart = node.op == Op::kWrite ? node.lanes : own;
    const bool is_word = memory.kind == Memory::Kind::kGlobal;
    const LaneSet moving = graph_[place.address].lanes | graph_[place.choice].lanes;
    bool meets = is_word && moving != 0;
    // Lanes that read the same element share the port.
    if (node.op == Op::kWrite || moving != 0) {
      std::set<std::int64_t> taken;
      graph_.for_each_lane(apart, [&](const std::vector<std::int64_t>& lane) {
        for (const std::int64_t bank : banks_of(graph_, node, lane)) {
          meets = meets || !taken.insert(bank).second;
        }
      });
    }
    // A get of one channel happens or does not.
    const bool is_get = node.op == Op::kRead && memory.kind == Memory::Kind::kStream;
    if (is_get && node.predicate != kNoNode) meets |= (graph_[node.predicate].lanes & ~own) != 0;
    if (!meets) return;
    for (std::size_t n = 0; n < graph_.lane_loops.size(); ++n) {
      if ((apart >> n & 1) == 0) continue;
      throw NotSideBySide{open_loop(n), fmt::format("its iterations meet at the same {} of {}",
                                                    is_word ? "word port" : "bank", node.name)};
    }
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
    if (context_.in_ring) order_meetings();
  }

  /// Puts and gets, on whatever streams, each in a cycle of its own.
  void order_meetings() {
    std::vector<NodeId> meetings;
    for (const Touch& touch : touches_) {
      const Memory& memory = context_.design->memory(touch.access.array);
      if (memory.kind == Memory::Kind::kStream) meetings.push_back(touch.node);
    }
    for (std::size_t i = 0; i < meetings.size(); ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        if (j < i) graph_.orders.push_back({meetings[j], meetings[i], 1, 0});
        if (!context_.nest.empty()) graph_.orders.push_back({meetings[i], meetings[j], 1, 1});
      }
    }
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
  std::map<std::string, std::optional<Place>> single_;  ///< registers, and the element if it is one
  std::map<std::string, NodeId> values_;                ///< of such elements, at this point
  std::map<std::string, Value> changed_;                ///< those that outlive the iteration
  std::map<std::string, NodeId> first_read_;            ///< of those
  std::map<std::string, int> lane_numbers_;             ///< of lane loops
  std::vector<const For*> open_;                        ///< lane loops around the present place
  LaneSet active_ = 0;                                  ///< the same as a set
  std::map<std::string, LaneSet> declared_in_;          ///< the lanes around declarations
  std::set<std::string> own_;                           ///< declared in the iteration
  std::vector<std::map<std::string, NodeId>> bound_;    ///< names inside of functions
  std::vector<Access::Guard> guards_;
  std::vector<Touch> touches_;
};

}  // namespace

std::optional<NotSideBySide> build_iteration(Leaf& leaf, const std::vector<Stmt>& statements,
                                             const Context& context) {
  try {
    Builder(leaf, context).build(statements);
  } catch (const NotSideBySide& refusal) {
    return refusal;
  }
  return std::nullopt;
}

}  // namespace heddle::kernel::rtl

#include "kernel/schedule/accesses.h"

#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/scalar.h"

namespace heddle::kernel {
namespace {

/// Whether `array op= value` gives the same result in whatever order it is carried out.
bool commutes(ReduceOp op, const Type& element, const Type& value) {
  if (element.is_index()) return true;
  if (!element.is_fixed() || !(value.is_fixed() || value.is_index())) return false;
  const bool is_sum = op == ReduceOp::kAdd || op == ReduceOp::kMul;
  const bool is_modular =
      element.overflow == Overflow::kExact || element.overflow == Overflow::kWrap;
  if (is_sum) {
    // Without rounding, and modulo a power of two.
    const bool keeps_bits = op == ReduceOp::kAdd ? value.fraction <= element.fraction
                                                 : element.is_integer() && value.fraction == 0;
    return is_modular && keeps_bits;
  }
  // Clamping and rounding keep order among values, wrapping does not.
  const bool fits = value.is_fixed() && value.fraction <= element.fraction &&
                    lowest(value) >= lowest(element) && highest(value) <= highest(element);
  return fits || element.overflow == Overflow::kExact || element.overflow == Overflow::kSaturate;
}

/// How the callee reduces into a parameter, if it does nothing else with it.
std::optional<ReduceOp> reduction_of(const Kernel& callee, const std::string& parameter) {
  std::optional<ReduceOp> op;
  for (const Access& access : accesses(callee, callee.body)) {
    if (access.array != parameter) continue;
    if (!access.reduction || (op && op != access.reduction)) return std::nullopt;
    op = access.reduction;
  }
  return op;
}

/// The values of the callee's scalar parameters in a call.
std::map<std::string, Expr> scalar_values(const Call& call) {
  std::map<std::string, Expr> values;
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    const auto* scalar = std::get_if<ScalarParameter>(&call.callee->parameters[i]);
    const auto* value = std::get_if<Expr>(&call.arguments[i]);
    if (scalar != nullptr && value != nullptr) values[scalar->name] = cast(scalar->type, *value);
  }
  return values;
}

/// Finds the loops and ifs around a statement: the one at that address, or for a changed copy of a
/// loop the one of that name.
class SurroundingsFinder {
 public:
  explicit SurroundingsFinder(const Stmt& wanted) : wanted_(wanted) {}

  bool find(const Stmt& stmt) {
    const auto* loop = as<For>(stmt);
    const auto* wanted_loop = as<For>(wanted_);
    if (stmt == wanted_ || (loop && wanted_loop && loop->name == wanted_loop->name)) return true;
    const auto* branch = as<If>(stmt);
    if (loop != nullptr) found_.loops.push_back(loop);
    if (branch != nullptr) found_.guards.push_back({branch->condition, true});
    for (const Stmt& child : children(stmt)) {
      if (branch != nullptr) found_.guards.back().holds = child == branch->then;
      if (find(child)) return true;
    }
    if (loop != nullptr) found_.loops.pop_back();
    if (branch != nullptr) found_.guards.pop_back();
    return false;
  }
  [[nodiscard]] Access::Surroundings take() { return std::move(found_); }

 private:
  const Stmt& wanted_;
  Access::Surroundings found_;
};

std::shared_ptr<const Access::Surroundings> surroundings_of(const Kernel& kernel,
                                                            const Stmt& root) {
  SurroundingsFinder finder(root);
  Access::Surroundings result;
  if (finder.find(kernel.body)) result = finder.take();
  result.kernel_body = kernel.body;
  return std::make_shared<const Access::Surroundings>(std::move(result));
}

class Collector {
 public:
  Collector(const Kernel& kernel, Stmt root)
      : kernel_(kernel), root_(std::move(root)), surroundings_(surroundings_of(kernel, root_)) {}

  std::vector<Access> run() {
    visit(root_);
    return std::move(result_);
  }

 private:
  void visit(const Stmt& stmt) {
    if (!stmt) return;
    std::visit([&](const auto& node) { enter(stmt, node); }, stmt->value);
  }
  void visit_child(const Stmt& stmt, int index) {
    position_.push_back(index);
    visit(stmt);
    position_.pop_back();
  }

  void enter(const Stmt& /*stmt*/, const Block& node) {
    int index = 0;
    for (const Stmt& child : node.body) visit_child(child, index++);
  }
  void enter(const Stmt& /*stmt*/, const For& node) {
    loops_.push_back(&node);
    around_.push_back(node.lower);
    around_.push_back(node.upper);
    visit_child(node.body, 0);
    around_.resize(around_.size() - 2);
    loops_.pop_back();
  }
  void enter(const Stmt& /*stmt*/, const If& node) {
    around_.push_back(node.condition);
    guards_.push_back({node.condition, true});
    visit_child(node.then, 0);
    guards_.back().holds = false;
    if (node.otherwise) visit_child(node.otherwise, 1);
    guards_.pop_back();
    around_.pop_back();
  }
  void enter(const Stmt& /*stmt*/, const Dataflow& node) {
    int index = 0;
    for (const Dataflow::Process& process : node.processes) visit_child(process.body, index++);
  }
  void enter(const Stmt& /*stmt*/, const DeclareArray& /*node*/) {}
  void enter(const Stmt& /*stmt*/, const DeclareStream& /*node*/) {}

  void enter(const Stmt& stmt, const Store& node) {
    read_all(stmt);
    Access access = make(stmt, node.array, node.indices);
    if (node.reduce) {
      const Array* array = find_array(kernel_, node.array);
      const bool may_reorder = array && commutes(*node.reduce, array->element, node.value.type());
      if (may_reorder) access.reduction = node.reduce;
      result_.push_back(access);
    }
    access.write = true;
    result_.push_back(std::move(access));
  }
  void enter(const Stmt& stmt, const Put& node) {
    read_all(stmt);
    touch_stream(stmt, node.stream);
  }
  void enter(const Stmt& stmt, const Get& node) {
    read_all(stmt);
    touch_stream(stmt, node.stream);
    Access access = make(stmt, node.array, node.indices);
    access.write = true;
    result_.push_back(std::move(access));
  }
  void enter(const Stmt& stmt, const Call& node) {
    read_all(stmt);
    const std::map<std::string, Expr> scalars = scalar_values(node);
    std::vector<Access> writes;
    for (std::size_t i = 0; i < node.arguments.size(); ++i) {
      if (const auto* stream = std::get_if<StreamArgument>(&node.arguments[i])) {
        touch_stream(stmt, stream->stream);
      }
      const auto* window = std::get_if<Window>(&node.arguments[i]);
      if (window == nullptr) continue;
      const auto& parameter = std::get<ArrayParameter>(node.callee->parameters[i]);
      Access access = window_access(stmt, *window, parameter.array, scalars);
      access.reduction = reduction_of(*node.callee, parameter.array.name);
      if (parameter.direction != Direction::kOut) result_.push_back(access);
      access.write = true;
      if (parameter.direction != Direction::kIn) writes.push_back(std::move(access));
    }
    result_.insert(result_.end(), writes.begin(), writes.end());
  }

  /// The loads of a statement and of what is around it.
  void read_all(const Stmt& stmt) {
    const std::size_t from = result_.size();
    for (const Expr& e : around_) read(stmt, e, from);
    for (const Expr& e : own_expressions(stmt)) read(stmt, e, from);
  }
  void read(const Stmt& stmt, const Expr& e, std::size_t from) {
    for_each(e, [&](const Expr& part) {
      const auto* load = part.as<Load>();
      if (load == nullptr) return;
      const bool is_known =
          std::any_of(result_.begin() + static_cast<std::ptrdiff_t>(from), result_.end(),
                      [&](const Access& access) {
                        return access.array == load->array &&
                               std::equal(access.indices.begin(), access.indices.end(),
                                          load->indices.begin(), load->indices.end(),
                                          [](const Expr& a, const Expr& b) { return equal(a, b); });
                      });
      if (!is_known) result_.push_back(make(stmt, load->array, load->indices));
    });
  }

  /// Puts and gets change a stream: its order is part of the result, whatever the channels (see
  /// conflict() in dependence.cpp).
  void touch_stream(const Stmt& stmt, const std::string& stream) {
    Access access = make(stmt, stream, {});
    access.whole = true;
    access.write = true;
    access.stream = true;
    result_.push_back(std::move(access));
  }

  Access window_access(const Stmt& stmt, const Window& window, const Array& parameter,
                       const std::map<std::string, Expr>& scalars) const {
    Access access = make(stmt, window.array, {});
    std::size_t spanned = 0;
    for (const Window::Dimension& dimension : window.dimensions) {
      if (!dimension.spanned) {
        access.indices.push_back(dimension.base);
        continue;
      }
      const std::string counter = fmt::format("{}.{}", window.array, spanned);
      const Expr extent = substitute(parameter.shape.at(spanned++), scalars);
      access.spans.push_back(
          make_stmt(For{counter, constant(index_type(), Int128{0}), extent, {}, {}}));
      access.indices.push_back(dimension.base + variable(counter, index_type()));
    }
    return access;
  }

  [[nodiscard]] Access make(const Stmt& stmt, const std::string& array,
                            const std::vector<Expr>& indices) const {
    Access access;
    access.array = array;
    access.indices = indices;
    access.statement = stmt;
    access.loops = loops_;
    access.guards = guards_;
    access.position = position_;
    access.root = root_;
    access.surroundings = surroundings_;
    return access;
  }

  const Kernel& kernel_;
  Stmt root_;
  std::shared_ptr<const Access::Surroundings> surroundings_;
  std::vector<const For*> loops_;
  std::vector<Access::Guard> guards_;
  std::vector<Expr> around_;  ///< bounds and conditions
  std::vector<int> position_;
  std::vector<Access> result_;
};

/// counter >= bound; a max is several bounds.
void require_at_least(Formula& formula, const std::string& counter, const Expr& bound,
                      const Formula::Renaming& names) {
  if (const auto* node = bound.as<Binary>(); node && node->op == BinaryOp::kMax) {
    require_at_least(formula, counter, node->a, names);
    require_at_least(formula, counter, node->b, names);
  } else {
    formula.require(counter, ">=", formula.term(bound, names));
  }
}

/// counter < bound; a min is several bounds.
void require_below(Formula& formula, const std::string& counter, const Expr& bound,
                   const Formula::Renaming& names) {
  if (const auto* node = bound.as<Binary>(); node && node->op == BinaryOp::kMin) {
    require_below(formula, counter, node->a, names);
    require_below(formula, counter, node->b, names);
  } else {
    formula.require(counter, "<", formula.term(bound, names));
  }
}

void add_loop(Formula& formula, const For& loop, const std::string& suffix,
              Formula::Renaming& names) {
  // '#' keeps the new name apart from every name in a kernel.
  const std::string counter = fmt::format("{}#{}", loop.name, suffix);
  require_at_least(formula, counter, loop.lower, names);
  require_below(formula, counter, loop.upper, names);
  names[loop.name] = counter;
}

}  // namespace

std::vector<Access> accesses(const Kernel& kernel, const Stmt& root) {
  return Collector(kernel, root).run();
}

Formula::Renaming add_domain(Formula& formula, const Access& access, const std::string& suffix) {
  Formula::Renaming names;
  for (const For* loop : access.loops) add_loop(formula, *loop, suffix, names);
  for (const Stmt& span : access.spans) add_loop(formula, *as<For>(span), suffix, names);
  for (const Access::Guard& guard : access.guards) {
    formula.require(guard.condition, guard.holds, names);
  }
  return names;
}

void add_surroundings(Formula& formula, const Access& access) {
  for (const For* loop : access.surroundings->loops) {
    require_at_least(formula, loop->name, loop->lower, {});
    require_below(formula, loop->name, loop->upper, {});
  }
  for (const Access::Guard& guard : access.surroundings->guards) {
    formula.require(guard.condition, guard.holds);
  }
}

void add_same_element(Formula& formula, const Access& a, const Formula::Renaming& a_names,
                      const Access& b, const Formula::Renaming& b_names) {
  if (a.whole || b.whole) return;
  ensure(a.indices.size() == b.indices.size(), "{} has {} subscripts here and {} there", a.array,
         a.indices.size(), b.indices.size());
  for (std::size_t i = 0; i < a.indices.size(); ++i) {
    formula.require(formula.term(a.indices[i], a_names), "=", formula.term(b.indices[i], b_names));
  }
}

}  // namespace heddle::kernel

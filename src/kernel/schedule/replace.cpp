// replace: a loop nest exchanged for an instruction that means the same nest.
//
// The proof is by unification: the instruction's body, its counters renamed to the nest's, must be
// the nest's text for some windows, scalars and locals in place of the instruction's parameters and
// locals. Index expressions are compared as linear forms, sums and products in both orders.
#include <fmt/ranges.h>

#include <map>
#include <set>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/affine.h"
#include "kernel/schedule/calls.h"
#include "kernel/schedule/place.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

bool is_commutative(BinaryOp op) {
  return op == BinaryOp::kAdd || op == BinaryOp::kMul || op == BinaryOp::kXor ||
         op == BinaryOp::kEq || op == BinaryOp::kNe;
}

class Matcher {
 public:
  Matcher(const Kernel& kernel, const Kernel& instruction, const std::vector<int>& dense,
          const Stmt& nest)
      : kernel_(kernel), instruction_(instruction), dense_(dense) {
    for (const Parameter& parameter : instruction.parameters) {
      if (const auto* array = std::get_if<ArrayParameter>(&parameter)) {
        parameters_.emplace(array->array.name, &array->array);
      } else if (const auto* scalar = std::get_if<ScalarParameter>(&parameter)) {
        scalars_.emplace(scalar->name, Expr());
      }
    }
    for_each(nest, [&](const Stmt& stmt) {
      if (const auto* loop = as<For>(stmt)) counters_.insert(loop->name);
      if (const auto* store = as<Store>(stmt)) written_.insert(store->array);
      if (const auto* local = as<DeclareArray>(stmt)) nest_locals_.insert(local->array.name);
    });
  }

  /// Whether the target is the pattern; else why_not() says where they part.
  bool match(const Stmt& pattern, const Stmt& target) {
    if (!pattern || !target) return (!pattern && !target) || differ("a statement is missing");
    if (pattern->value.index() != target->value.index()) {
      return differ(fmt::format("`{}` against `{}`", first_line(pattern), first_line(target)));
    }
    if (const auto* node = as<Block>(pattern)) return match(*node, *as<Block>(target));
    if (const auto* node = as<For>(pattern)) return match(*node, *as<For>(target));
    if (const auto* node = as<If>(pattern)) {
      const auto* other = as<If>(target);
      return match(node->condition, other->condition) && match(node->then, other->then) &&
             match(node->otherwise, other->otherwise);
    }
    if (const auto* node = as<DeclareArray>(pattern)) {
      return match(node->array, as<DeclareArray>(target)->array);
    }
    if (const auto* node = as<Store>(pattern)) {
      const auto* other = as<Store>(target);
      if (node->reduce != other->reduce) {
        return differ(fmt::format("`{}` against `{}`", first_line(pattern), first_line(target)));
      }
      return match(node->value, other->value) &&
             match_place(node->array, node->indices, other->array, other->indices);
    }
    return differ(fmt::format("`{}` is not understood here", first_line(pattern)));
  }

  [[nodiscard]] const std::string& why_not() const { return why_not_; }

  /// The call's arguments, or an empty list with why_not() set.
  std::vector<std::variant<Window, StreamArgument, Expr>> arguments() {
    std::vector<std::variant<Window, StreamArgument, Expr>> list;
    for (std::size_t i = 0; i < instruction_.parameters.size(); ++i) {
      const std::string& name = name_of(instruction_.parameters[i]);
      if (const auto found = windows_.find(name); found != windows_.end()) {
        if (!is_dense_enough(i, found->second) || !is_apart(i, found->second)) return {};
        list.emplace_back(found->second);
      } else if (const auto scalar = scalars_.find(name);
                 scalar != scalars_.end() && scalar->second.get() != nullptr) {
        list.emplace_back(scalar->second);
      } else {
        differ(fmt::format("the nest says nothing about the instruction's parameter {}", name));
        return {};
      }
    }
    return list;
  }

 private:
  bool differ(std::string why) {
    why_not_ = std::move(why);
    return false;
  }

  static std::string first_line(const Stmt& stmt) {
    const std::string text = to_text(stmt);
    return text.substr(0, text.find('\n'));
  }

  bool match(const Block& pattern, const Block& target) {
    if (pattern.body.size() != target.body.size()) {
      return differ(
          fmt::format("{} statements against {}", pattern.body.size(), target.body.size()));
    }
    for (std::size_t i = 0; i < pattern.body.size(); ++i) {
      if (!match(pattern.body[i], target.body[i])) return false;
    }
    return true;
  }

  bool match(const For& pattern, const For& target) {
    if (!match_trips(pattern, target)) return false;
    counter_values_[pattern.name] =
        variable(target.name, index_type()) - target.lower + pattern.lower;
    return match(pattern.body, target.body);
  }

  /// A loop up to one of the instruction's scalars runs as often as the nest's does.
  bool match_trips(const For& pattern, const For& target) {
    const Int128* lower = as_integer(pattern.lower);
    if (const auto* bound = pattern.upper.as<Variable>();
        bound != nullptr && lower != nullptr && *lower == 0) {
      if (const auto scalar = scalars_.find(bound->name); scalar != scalars_.end()) {
        return bind(scalar->first, scalar->second, pattern.upper,
                    simplify(target.upper - target.lower));
      }
    }
    const std::optional<std::int64_t> trips = trip_count(target);
    const std::optional<std::int64_t> wanted = trip_count(pattern);
    if (!trips || trips != wanted) {
      return differ(fmt::format("loop {} has {} iterations where the instruction's {} has {}",
                                target.name,
                                trips ? std::to_string(*trips) : "an unknown number of",
                                pattern.name, wanted ? std::to_string(*wanted) : "any number"));
    }
    return true;
  }

  bool match(const Array& pattern, const Array& target) {
    if (pattern.element != target.element ||
        element_count(pattern.shape) != element_count(target.shape)) {
      return differ(fmt::format("local {} against {}", target.name, pattern.name));
    }
    locals_[pattern.name] = target.name;
    return true;
  }

  bool match(const Expr& pattern, const Expr& target) {
    if (const auto* variable = pattern.as<Variable>()) {
      if (const auto scalar = scalars_.find(variable->name); scalar != scalars_.end()) {
        return bind(scalar->first, scalar->second, pattern, target);
      }
    }
    if (pattern.type() != target.type()) {
      return differ(fmt::format("`{}` is {} where the instruction has {}", to_string(target),
                                to_string(target.type()), to_string(pattern.type())));
    }
    if (pattern.type().is_index() && pattern.as<Load>() == nullptr) {
      if (difference(substitute(pattern, counter_values_), target) == 0) return true;
    }
    if (pattern->value.index() != target->value.index() || !same_operator(pattern, target)) {
      return differ(fmt::format("`{}` where the instruction has `{}`", to_string(target),
                                to_string(pattern)));
    }
    if (const auto* access = pattern.as<Load>()) {
      const auto* other = target.as<Load>();
      return match_place(access->array, access->indices, other->array, other->indices);
    }
    const auto* binary = pattern.as<Binary>();
    if (binary != nullptr && is_commutative(binary->op)) {
      const auto* other = target.as<Binary>();
      const Matcher before = *this;
      if (match(binary->a, other->a) && match(binary->b, other->b)) return true;
      const std::string why = why_not_;
      restore(before);
      return (match(binary->a, other->b) && match(binary->b, other->a)) || differ(why);
    }
    const std::vector<Expr> mine = operands(pattern);
    const std::vector<Expr> others = operands(target);
    for (std::size_t i = 0; i < mine.size(); ++i) {
      if (!match(mine[i], others[i])) return false;
    }
    return true;
  }

  void restore(const Matcher& before) {
    scalars_ = before.scalars_;
    windows_ = before.windows_;
  }

  /// Everything of a node but its operands.
  static bool same_operator(const Expr& a, const Expr& b) {
    if (const auto* unary = a.as<Unary>()) return unary->op == b.as<Unary>()->op;
    if (const auto* binary = a.as<Binary>()) return binary->op == b.as<Binary>()->op;
    if (a.as<Constant>() != nullptr) return equal(a, b);
    if (const auto* apply = a.as<Apply>()) {
      return apply->function->name == b.as<Apply>()->function->name;
    }
    return a.as<Variable>() == nullptr;
  }

  bool bind(const std::string& name, Expr& bound, const Expr& pattern, const Expr& target) {
    if (target.type() != pattern.type()) {
      return differ(fmt::format("`{}` is {} where the instruction's {} is {}", to_string(target),
                                to_string(target.type()), name, to_string(pattern.type())));
    }
    if (!is_fixed_during_nest(target)) {
      return differ(fmt::format("`{}` changes inside the nest where the instruction's {} does not",
                                to_string(target), name));
    }
    if (bound.get() != nullptr && !equal(bound, target)) {
      return differ(fmt::format("the instruction's {} would be both `{}` and `{}`", name,
                                to_string(bound), to_string(target)));
    }
    bound = target;
    return true;
  }

  [[nodiscard]] bool is_fixed_during_nest(const Expr& e) const {
    for (const std::string& name : variables(e)) {
      if (counters_.contains(name)) return false;
    }
    for (const std::string& name : loaded_arrays(e)) {
      if (written_.contains(name) || nest_locals_.contains(name)) return false;
    }
    return true;
  }

  bool match_place(const std::string& pattern, const std::vector<Expr>& pattern_indices,
                   const std::string& target, const std::vector<Expr>& target_indices) {
    if (const auto local = locals_.find(pattern); local != locals_.end()) {
      if (local->second != target) {
        return differ(fmt::format("{} where the instruction has its local {}", target, pattern));
      }
      for (std::size_t i = 0; i < pattern_indices.size(); ++i) {
        if (!match(pattern_indices[i], target_indices[i])) return false;
      }
      return true;
    }
    const Array* array = find_array(kernel_, target);
    const Array& parameter = *parameters_.at(pattern);
    if (nest_locals_.contains(target) || array == nullptr || array->element != parameter.element) {
      return differ(fmt::format("{} ({}) cannot stand for the instruction's {} ({})", target,
                                array == nullptr ? "?" : to_string(array->element), pattern,
                                to_string(parameter.element)));
    }
    return bind_window(pattern, pattern_indices, target, target_indices);
  }

  bool bind_window(const std::string& pattern, const std::vector<Expr>& pattern_indices,
                   const std::string& target, const std::vector<Expr>& target_indices) {
    Window window{target, {}};
    std::size_t next = 0;
    for (const Expr& index : target_indices) {
      if (is_fixed_during_nest(index)) {
        window.dimensions.push_back({simplify(index), false});
        continue;
      }
      if (next == pattern_indices.size()) break;
      const Expr own = substitute(pattern_indices[next++], counter_values_);
      const Expr base = to_expr(linear_form(index - own));
      if (!is_fixed_during_nest(base)) {
        return differ(fmt::format("subscript `{}` of {} does not run as the instruction's `{}`",
                                  to_string(index), target, to_string(own)));
      }
      window.dimensions.push_back({base, true});
    }
    if (window.dimensions.size() != target_indices.size() || next != pattern_indices.size()) {
      return differ(
          fmt::format("{} runs along other dimensions than the instruction's {}", target, pattern));
    }
    const auto [bound, is_new] = windows_.emplace(pattern, window);
    if (!is_new && !same_window(bound->second, window)) {
      return differ(
          fmt::format("the instruction's {} would be two different parts of {}", pattern, target));
    }
    return true;
  }

  static bool same_window(const Window& a, const Window& b) {
    if (a.array != b.array || a.dimensions.size() != b.dimensions.size()) return false;
    for (std::size_t i = 0; i < a.dimensions.size(); ++i) {
      if (a.dimensions[i].spanned != b.dimensions[i].spanned ||
          difference(a.dimensions[i].base, b.dimensions[i].base) != 0) {
        return false;
      }
    }
    return true;
  }

  /// The last dimensions that the instruction wants dense: they are the array's last, and whole but
  /// for the first of them.
  bool is_dense_enough(std::size_t parameter, const Window& window) {
    std::size_t array_number = 0;
    for (std::size_t i = 0; i < parameter; ++i) {
      array_number += std::holds_alternative<ArrayParameter>(instruction_.parameters[i]) ? 1 : 0;
    }
    if (array_number >= dense_.size()) return true;
    const Array& own = std::get<ArrayParameter>(instruction_.parameters[parameter]).array;
    const Array& array = *find_array(kernel_, window.array);
    const std::size_t rank = window.dimensions.size();
    for (int d = 0; d < dense_[array_number]; ++d) {
      const bool is_last =
          static_cast<std::size_t>(d) < rank && window.dimensions[rank - 1 - d].spanned;
      const bool is_inner = d + 1 < dense_[array_number];
      const Int128* extent = is_last ? as_integer(array.shape[rank - 1 - d]) : nullptr;
      const Int128* wanted = as_integer(own.shape[own.shape.size() - 1 - d]);
      const bool is_whole = extent != nullptr && wanted != nullptr && *extent == *wanted;
      if (!is_last || (is_inner && !is_whole)) {
        return differ(
            fmt::format("the last {} dimensions of the instruction's {} lie dense in memory, those "
                        "of {} do not",
                        dense_[array_number], own.name, window.array));
      }
    }
    return true;
  }

  /// An array that the instruction writes is not another of its arguments.
  bool is_apart(std::size_t parameter, const Window& window) {
    const auto& own = std::get<ArrayParameter>(instruction_.parameters[parameter]);
    if (own.direction == Direction::kIn) return true;
    for (const auto& [name, other] : windows_) {
      if (name != own.array.name && other.array == window.array) {
        return differ(fmt::format("{} would be both {} and {} of the instruction, and is written",
                                  window.array, own.array.name, name));
      }
    }
    return true;
  }

  const Kernel& kernel_;
  const Kernel& instruction_;
  const std::vector<int>& dense_;
  std::map<std::string, const Array*> parameters_;
  std::set<std::string> counters_;
  std::set<std::string> written_;
  std::set<std::string> nest_locals_;
  std::map<std::string, Expr> counter_values_;
  std::map<std::string, Expr> scalars_;
  std::map<std::string, Window> windows_;
  std::map<std::string, std::string> locals_;
  std::string why_not_;
};

}  // namespace

Kernel replace(const Kernel& kernel, const std::string& loop, const KernelPtr& instruction) {
  const std::string step = fmt::format("replace {} {}", loop, instruction->name);
  const std::optional<Intrinsic>& intrinsic = instruction->intrinsic;
  if (!intrinsic) {
    throw UserError(fmt::format("{}: {} is a kernel, not an instruction", step, instruction->name),
                    "give a kernel with an Intrinsic; call ordinary kernels in the algorithm");
  }
  const Place place = find_loop(kernel, loop);
  Matcher matcher(kernel, *instruction, intrinsic->dense, place.statement);
  std::vector<std::variant<Window, StreamArgument, Expr>> arguments;
  if (matcher.match(instruction->body, place.statement)) arguments = matcher.arguments();
  if (arguments.empty()) {
    refuse(kernel,
           {step,
            fmt::format("the nest is not what {} means: {}", instruction->name, matcher.why_not()),
            {{place.statement, "<-- this nest"}},
            fmt::format("reorder, split or reshape until it is this nest:\n{}",
                        to_text(instruction->body))});
  }
  return exchange(kernel, place.statement, {make_stmt(Call{instruction, std::move(arguments)})});
}

}  // namespace heddle::kernel

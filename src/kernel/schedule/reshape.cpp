// reshape: the same elements in row-major order under other extents.
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/arrays.h"
#include "kernel/schedule/memory.h"
#include "kernel/schedule/polyhedra.h"

namespace heddle::kernel {
namespace {

using Shape = std::vector<std::int64_t>;

/// Dimensions old_first ... old_last-1 of the old shape that become new_first ... new_last-1 of the
/// new one: the fewest with as many elements, so that others keep their subscripts.
struct Group {
  std::size_t old_first = 0, old_last = 0;
  std::size_t new_first = 0, new_last = 0;
};

std::vector<Group> groups_of(const Shape& before, const Shape& after) {
  std::vector<Group> groups;
  Group group;
  while (group.old_last < before.size() && group.new_last < after.size()) {
    std::int64_t old_count = before[group.old_last++];
    std::int64_t new_count = after[group.new_last++];
    while (old_count != new_count) {
      if (old_count < new_count) {
        old_count *= before[group.old_last++];
      } else {
        new_count *= after[group.new_last++];
      }
    }
    groups.push_back(group);
    group.old_first = group.old_last;
    group.new_first = group.new_last;
  }
  // What is left has extent 1.
  if (groups.empty()) groups.push_back(group);
  groups.back().old_last = before.size();
  groups.back().new_last = after.size();
  return groups;
}

class Reshaping {
 public:
  Reshaping(const Kernel& kernel, std::string step, Array array, Shape before, Shape after)
      : kernel_(kernel),
        step_(std::move(step)),
        array_(std::move(array)),
        before_(std::move(before)),
        after_(std::move(after)),
        groups_(groups_of(before_, after_)),
        ranges_(counter_ranges(kernel)) {}

  Kernel run() {
    check_windows();
    Kernel result = with_array(kernel_, array_.name, reshaped());
    result.body = redirect(result.body, array_.name,
                           {array_.name, [&](const std::vector<Expr>& old) { return indices(old); },
                            [&](const Window& old, const ArrayParameter& parameter) {
                              const std::optional<Window> changed = window(old, parameter);
                              ensure(changed.has_value(), "an unchecked window of {}", old.array);
                              return *changed;
                            }});
    return result;
  }

 private:
  [[nodiscard]] bool is_kept(const Group& group) const {
    return group.old_last - group.old_first == 1 && group.new_last - group.new_first == 1;
  }

  [[nodiscard]] Array reshaped() const {
    Array changed = array_;
    changed.shape.clear();
    for (const std::int64_t extent : after_) changed.shape.push_back(to_index(extent));
    if (array_.lanes != 1 && (after_.empty() || after_.back() % array_.lanes != 0)) {
      refuse_array(
          kernel_, step_, array_.name,
          fmt::format("its words of {} elements would not divide the last extent", array_.lanes),
          fmt::format("choose a last extent that {} divides, or unpack it first: "
                      "`pack {} 1`",
                      array_.lanes, array_.name));
    }
    if (array_.partition.empty()) return changed;
    changed.partition.assign(after_.size(), {});
    for (const Group& group : groups_) {
      for (std::size_t d = group.old_first; d < group.old_last; ++d) {
        if (array_.partition[d].kind == Partition::Kind::kNone) continue;
        if (!is_kept(group)) {
          refuse_array(kernel_, step_, array_.name,
                       fmt::format("dimension {} changes and is partitioned", d),
                       fmt::format("reshape before partitioning, or take it back first: "
                                   "`partition {} {} none`",
                                   array_.name, d));
        }
        changed.partition[group.new_first] = array_.partition[d];
      }
    }
    return changed;
  }

  /// A name that no kernel has: the old subscript of dimension d.
  static std::string subscript(std::size_t d) { return fmt::format("#{}", d); }

  /// Expressions of old subscripts with their values put in. A subscript lies within its extent,
  /// which carries out divisions that its value alone does not show to be exact.
  Expr filled(const Expr& e, const std::vector<Expr>& old) const {
    Ranges within;
    std::map<std::string, Expr> values;
    for (std::size_t d = 0; d < old.size(); ++d) {
      within[subscript(d)] = {0, before_[d] - 1};
      values[subscript(d)] = old[d];
    }
    return simplify(substitute(simplify(e, within), values), ranges_);
  }

  /// The place in the group's elements.
  [[nodiscard]] Expr place_in(const Group& group) const {
    Expr place = to_index(0);
    for (std::size_t d = group.old_first; d < group.old_last; ++d) {
      place = place * before_[d] + variable(subscript(d), index_type());
    }
    return place;
  }

  /// The group's new subscripts, of variables subscript(d).
  [[nodiscard]] std::vector<Expr> spread(const Group& group) const {
    const Expr place = place_in(group);
    std::vector<Expr> result;
    std::int64_t stride = 1;
    for (std::size_t d = group.new_last; d-- > group.new_first;) {
      const Expr quotient = place / stride;
      result.insert(result.begin(), d == group.new_first ? quotient : quotient % after_[d]);
      stride *= after_[d];
    }
    return result;
  }

  [[nodiscard]] std::vector<Expr> indices(const std::vector<Expr>& old) const {
    std::vector<Expr> result;
    for (const Group& group : groups_) {
      if (is_kept(group)) {
        result.push_back(old[group.old_first]);
        continue;
      }
      for (const Expr& e : spread(group)) result.push_back(filled(e, old));
    }
    return result;
  }

  /// The window of the reshaped array; none if it is not one.
  [[nodiscard]] std::optional<Window> window(const Window& old,
                                             const ArrayParameter& parameter) const {
    const std::vector<std::optional<std::int64_t>> spans = spans_of(old, parameter);
    std::vector<Expr> bases;
    bases.reserve(old.dimensions.size());
    for (const Window::Dimension& dimension : old.dimensions) bases.push_back(dimension.base);
    Window result{old.array, {}};
    for (const Group& group : groups_) {
      if (is_kept(group)) {
        result.dimensions.push_back(old.dimensions[group.old_first]);
        continue;
      }
      bool is_spanned = false;
      for (std::size_t d = group.old_first; d < group.old_last; ++d) {
        if (!old.dimensions[d].spanned) continue;
        // Steps of the last dimension are steps of the new last one, until that ends.
        if (d + 1 != group.old_last) return std::nullopt;
        is_spanned = true;
      }
      for (const Expr& e : spread(group)) result.dimensions.push_back({filled(e, bases), false});
      if (!is_spanned) continue;
      if (group.new_first == group.new_last) return std::nullopt;
      result.dimensions.back().spanned = true;
      const bool is_only = group.new_last - group.new_first == 1;
      const std::optional<std::int64_t> span = spans[group.old_last - 1];
      const Expr& base = result.dimensions.back().base;
      if (!is_only && !(span && ends_within(base, *span, after_[group.new_last - 1]))) {
        return std::nullopt;
      }
    }
    return result;
  }

  /// Whether base + span <= extent, whatever the counters are.
  [[nodiscard]] bool ends_within(const Expr& base, std::int64_t span, std::int64_t extent) const {
    Formula formula;
    for (const std::string& name : variables(base)) {
      const auto range = ranges_.find(name);
      if (range == ranges_.end()) continue;
      formula.require(name, ">=", fmt::format("{}", range->second.low));
      formula.require(name, "<=", fmt::format("{}", range->second.high));
    }
    formula.require(formula.term(base + span), ">", fmt::format("{}", extent));
    return formula.solve().kind == Answer::Kind::kNone;
  }

  /// How far the callee reaches along each spanned dimension, if that is a literal.
  static std::vector<std::optional<std::int64_t>> spans_of(const Window& window,
                                                           const ArrayParameter& parameter) {
    std::vector<std::optional<std::int64_t>> spans(window.dimensions.size());
    std::size_t next = 0;
    for (std::size_t d = 0; d < window.dimensions.size(); ++d) {
      if (!window.dimensions[d].spanned) continue;
      const Int128* extent = as_integer(parameter.array.shape.at(next++));
      if (extent != nullptr) spans[d] = static_cast<std::int64_t>(*extent);
    }
    return spans;
  }

  void check_windows() const {
    for_each(kernel_.body, [&](const Stmt& stmt) {
      const auto* call = as<Call>(stmt);
      if (call == nullptr) return;
      for (std::size_t i = 0; i < call->arguments.size(); ++i) {
        const auto* old = std::get_if<Window>(&call->arguments[i]);
        if (old == nullptr || old->array != array_.name) continue;
        if (window(*old, std::get<ArrayParameter>(call->callee->parameters[i]))) continue;
        refuse(kernel_,
               {step_,
                fmt::format("the part of {} that this call of {} sees is no window of the new "
                            "shape",
                            array_.name, call->callee->name),
                {{stmt, "<-- here"}},
                "keep the dimensions that a call spans, or reshape first and replace then, or "
                "inline the call"});
      }
    });
  }

  const Kernel& kernel_;
  std::string step_;
  Array array_;
  Shape before_, after_;
  std::vector<Group> groups_;
  Ranges ranges_;
};

}  // namespace

Kernel reshape(const Kernel& kernel, const std::string& array,
               const std::vector<std::int64_t>& shape) {
  const std::string step = fmt::format("reshape {} {}", array, fmt::join(shape, " "));
  const Array& old = require_array(kernel, array);
  Shape before;
  for (const Expr& extent : old.shape) {
    const Int128* literal = as_integer(extent);
    if (literal == nullptr) {
      refuse_array(kernel, step, array,
                   fmt::format("its extent {} is no literal", to_string(extent)),
                   "reshape arrays of literal extents; stage a part of the array to have one");
    }
    before.push_back(static_cast<std::int64_t>(*literal));
  }
  std::vector<Expr> extents;
  for (const std::int64_t extent : shape) {
    if (extent < 1) {
      throw UserError(fmt::format("{}: {} is no extent", step, extent), "extents are at least 1");
    }
    extents.push_back(to_index(extent));
  }
  const std::optional<std::int64_t> has = element_count(old.shape);
  const std::optional<std::int64_t> wanted = element_count(extents);
  if (!has || has != wanted) {
    refuse_array(kernel, step, array,
                 fmt::format("[{}] has {} elements, [{}] has {}", fmt::join(before, ", "),
                             has.value_or(0), fmt::join(shape, ", "), wanted.value_or(0)),
                 "choose extents with the same product");
  }
  return Reshaping(kernel, step, old, before, shape).run();
}

}  // namespace heddle::kernel

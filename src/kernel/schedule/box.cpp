#include "kernel/schedule/box.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/arrays.h"
#include "kernel/schedule/nest.h"

namespace heddle::kernel {
namespace {

/// Boxes of more elements in a dimension are taken whole, or refused.
constexpr std::int64_t kLongest = std::int64_t{1} << 40;

/// a and b of op(a, op(b, ...)); e itself if it is none.
void collect_parts(const Expr& e, BinaryOp op, std::vector<Expr>& parts) {
  const auto* node = e.as<Binary>();
  if (node == nullptr || node->op != op) {
    parts.push_back(e);
    return;
  }
  collect_parts(node->a, op, parts);
  collect_parts(node->b, op, parts);
}

class BoxFinder {
 public:
  BoxFinder(const Kernel& kernel, std::string step, const Array& array, const Place& loop,
            const std::vector<Access>& touches)
      : kernel_(kernel),
        step_(std::move(step)),
        array_(array),
        touches_(touches),
        inside_(surroundings_inside(loop)),
        written_(written_arrays(as<For>(loop.statement)->body)),
        declared_(names_in(as<For>(loop.statement)->body)) {
    for (const For* around : inside_.loops) add_range(ranges_, *around);
  }

  Box run() {
    Box box;
    for (std::size_t d = 0; d < array_.shape.size(); ++d) box.dimensions.push_back(dimension(d));
    return box;
  }

 private:
  static void add_range(Ranges& ranges, const For& loop) {
    const std::optional<Range> range = counter_range(loop, ranges);
    // A loop that never runs counts as one that does once, so that ranges are not empty.
    if (range) ranges[loop.name] = {range->low, std::max(range->low, range->high)};
  }

  Box::Dimension dimension(std::size_t d) {
    const Access& first = touches_.front();
    const std::optional<Box::Dimension> start = reach(first, d);
    if (!start) return whole(d, first);
    Box::Dimension all = *start;
    for (const Access& touch : touches_) {
      const std::optional<Box::Dimension> one = reach(touch, d);
      if (!one) return whole(d, touch);
      const std::optional<std::int64_t> shift = difference(one->base, all.base);
      if (!shift) refuse_apart(d, first, touch);
      if (*shift < -kLongest || *shift > kLongest) return whole(d, touch);
      const std::int64_t low = std::min<std::int64_t>(0, *shift);
      const std::int64_t high = std::max(all.extent, *shift + one->extent);
      all = {simplify(all.base + low), high - low, false};
    }
    const Int128* extent = as_integer(array_.shape[d]);
    return extent != nullptr && all.extent >= *extent ? whole(d, first) : all;
  }

  Box::Dimension whole(std::size_t d, const Access& touch) {
    if (const Int128* extent = as_integer(array_.shape[d])) {
      return {to_index(0), static_cast<std::int64_t>(*extent), true};
    }
    const std::string subscript = touch.whole ? "of a call" : to_string(touch.indices[d]);
    refuse(kernel_,
           {step_,
            fmt::format("the part of dimension {} of {} that an iteration touches has no literal "
                        "size: the subscript {} varies by more than literal trip counts, and the "
                        "extent {} is no literal either",
                        d, array_.name, subscript, to_string(array_.shape[d])),
            {{touch.statement, "<-- touched here"}},
            "choose a loop further inside, tile the loops so that those inside have literal trip "
            "counts, or give the array a literal extent"});
  }

  [[noreturn]] void refuse_apart(std::size_t d, const Access& a, const Access& b) {
    Refusal refusal{
        step_,
        fmt::format("dimension {} of {} is touched at {} and at {}, which are no fixed distance "
                    "apart: no one box of literal size holds both",
                    d, array_.name, to_string(a.indices[d]), to_string(b.indices[d])),
        {},
        fmt::format("choose a loop that is around only one of them (fission separates statements), "
                    "or one outside of the loops that the subscripts differ in")};
    if (a.statement == b.statement) {
      refusal.marks.push_back({a.statement, "<-- both here"});
    } else {
      refusal.marks.push_back({a.statement, fmt::format("<-- at {}", to_string(a.indices[d]))});
      refusal.marks.push_back({b.statement, fmt::format("<-- at {}", to_string(b.indices[d]))});
    }
    refuse(kernel_, refusal);
  }

  /// What one access touches along a dimension; none if it cannot be told.
  std::optional<Box::Dimension> reach(const Access& touch, std::size_t d) {
    if (touch.whole) return std::nullopt;
    std::vector<const For*> inner = touch.loops;
    for (const Stmt& span : touch.spans) inner.push_back(as<For>(span));
    std::set<std::string> counters;
    Ranges absolute = ranges_;
    for (const For* loop : inner) {
      counters.insert(loop->name);
      add_range(absolute, *loop);
    }
    // Counters become lower + counter, innermost first; then they count from 0.
    Expr e = touch.indices[d];
    Ranges offsets = ranges_;
    for (auto loop = inner.rbegin(); loop != inner.rend(); ++loop) {
      const std::string& name = (*loop)->name;
      if (!mentions(e, name)) continue;
      std::optional<Steps> steps = steps_of(**loop);
      if (const auto known = absolute.find(name); !steps && known != absolute.end()) {
        const std::int64_t trips = known->second.high - known->second.low + 1;
        steps = Steps{to_index(known->second.low), std::max<std::int64_t>(trips, 1)};
      }
      if (!steps) continue;
      e = substitute(e, {{name, steps->lower + variable(name, index_type())}});
      offsets[name] = {0, steps->trips - 1};
    }
    LinearForm base = linear_form(simplify(e, offsets));
    LinearForm inside;
    const auto varies = [&](const LinearForm::Term& term) {
      return !is_fixed(term.atom, counters);
    };
    std::copy_if(base.terms.begin(), base.terms.end(), std::back_inserter(inside.terms), varies);
    base.terms.erase(std::remove_if(base.terms.begin(), base.terms.end(), varies),
                     base.terms.end());
    const std::optional<Range> range = range_of(to_expr(inside), offsets);
    if (!range || range->low < -kLongest || range->high > kLongest) return std::nullopt;
    return Box::Dimension{simplify(to_expr(base) + range->low), range->high - range->low + 1,
                          false};
  }

  /// Whether e has one value throughout an iteration and may be evaluated at its start.
  bool is_fixed(const Expr& e, const std::set<std::string>& counters) const {
    bool fixed = true;
    for_each(e, [&](const Expr& part) {
      if (const auto* name = part.as<Variable>()) {
        fixed = fixed && !counters.contains(name->name);
      } else if (const auto* load = part.as<Load>()) {
        fixed = fixed && is_fixed_load(*load);
      } else {
        fixed = fixed && never_fails(part);
      }
    });
    return fixed;
  }

  /// Evaluating it early must not meet a mistake that the original avoids.
  bool is_fixed_load(const Load& load) const {
    const bool changes = load.array == array_.name || written_.contains(load.array) ||
                         declared_.contains(load.array);
    if (changes || !has_values(kernel_, load.array)) return false;
    const Array& from = require_array(kernel_, load.array);
    for (std::size_t d = 0; d < load.indices.size(); ++d) {
      if (!lies_within(load.indices[d], from.shape[d])) return false;
    }
    return true;
  }

  bool lies_within(const Expr& index, const Expr& extent) const {
    const auto never = [&](const std::string& op, const Expr& bound) {
      Formula formula;
      add_reached(formula, inside_);
      formula.require(formula.term(index), op, formula.term(bound));
      return formula.solve().kind == Answer::Kind::kNone;
    };
    return never("<", to_index(0)) && never(">=", extent);
  }

  static bool never_fails(const Expr& e) {
    if (e.as<Constant>() != nullptr) return true;
    if (const auto* cast = e.as<Cast>()) {
      return e.type().is_index() && cast->operand.type().is_integer() &&
             cast->operand.type().width < 64;
    }
    const auto* node = e.as<Binary>();
    if (node == nullptr || !e.type().is_index()) return false;
    switch (node->op) {
      case BinaryOp::kAdd:
      case BinaryOp::kSub:
      case BinaryOp::kMul:
      case BinaryOp::kMin:
      case BinaryOp::kMax:
        return true;
      case BinaryOp::kDiv:
      case BinaryOp::kMod: {
        const Int128* divisor = as_integer(node->b);
        return divisor != nullptr && *divisor > 0;
      }
      default:
        return false;
    }
  }

  const Kernel& kernel_;
  std::string step_;
  const Array& array_;
  const std::vector<Access>& touches_;
  Access inside_;
  std::set<std::string> written_;
  std::set<std::string> declared_;
  Ranges ranges_;  ///< of the counters around
};

}  // namespace

std::vector<Access> accesses_of(const Kernel& kernel, const std::string& array, const Stmt& root) {
  std::vector<Access> result;
  for (Access& access : accesses(kernel, root)) {
    if (access.array == array) result.push_back(std::move(access));
  }
  return result;
}

std::string loops_that_touch(const Kernel& kernel, const std::string& array) {
  std::vector<std::string> loops;
  for (const Access& access : accesses_of(kernel, array, kernel.body)) {
    for (const For* loop : access.loops) {
      const bool is_known = std::find(loops.begin(), loops.end(), loop->name) != loops.end();
      if (!is_known) loops.push_back(loop->name);
    }
  }
  return loops.empty() ? fmt::format("no loop touches {}", array)
                       : fmt::format("the loops that do are {}", fmt::join(loops, ", "));
}

Access surroundings(const Place& place) {
  Access access;
  for (std::size_t i = 0; i < place.around.size(); ++i) {
    const Stmt& stmt = place.around[i];
    const Stmt& next = i + 1 < place.around.size() ? place.around[i + 1] : place.statement;
    if (const auto* loop = as<For>(stmt)) access.loops.push_back(loop);
    if (const auto* branch = as<If>(stmt)) {
      access.guards.push_back({branch->condition, branch->then == next});
    }
  }
  access.statement = place.statement;
  return access;
}

Access surroundings_inside(const Place& loop) {
  Access access = surroundings(loop);
  access.loops.push_back(as<For>(loop.statement));
  return access;
}

void add_reached(Formula& formula, const Access& surroundings) {
  for (const auto& [name, renamed] : add_domain(formula, surroundings, "around")) {
    formula.require(name, "=", renamed);
  }
}

Box find_box(const Kernel& kernel, const std::string& step, const Array& array, const Place& loop,
             const std::vector<Access>& touches) {
  return BoxFinder(kernel, step, array, loop, touches).run();
}

std::optional<Steps> steps_of(const For& loop) {
  std::vector<Expr> lowers;
  std::vector<Expr> uppers;
  collect_parts(loop.lower, BinaryOp::kMax, lowers);
  collect_parts(loop.upper, BinaryOp::kMin, uppers);
  std::optional<Steps> best;
  for (const Expr& lower : lowers) {
    for (const Expr& upper : uppers) {
      const std::optional<std::int64_t> trips = difference(upper, lower);
      if (!trips || (best && best->trips <= *trips)) continue;
      best = Steps{lower, std::max<std::int64_t>(*trips, 1)};
    }
  }
  return best;
}

}  // namespace heddle::kernel

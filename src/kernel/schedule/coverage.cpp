#include "kernel/schedule/coverage.h"

#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/arrays.h"

namespace heddle::kernel {
namespace {

Expr zero() {
  return to_index(0);
}

/// The loops of an access and what its window spans, outermost first.
std::vector<const For*> inner_loops(const Access& access) {
  std::vector<const For*> loops = access.loops;
  for (const Stmt& span : access.spans) loops.push_back(as<For>(span));
  return loops;
}

Formula formula_of(const Region& region) {
  Formula formula;
  add_reached(formula, region.around);
  for (std::size_t d = 0; d < region.bases.size(); ++d) {
    const std::string offset = formula.term(element_offset(d));
    formula.require(offset, ">=", "0");
    formula.require(offset, "<", formula.term(region.extents[d]));
    const std::string index = formula.term(region.bases[d] + element_offset(d));
    formula.require(index, ">=", "0");
    formula.require(index, "<", formula.term(region.array_extents[d]));
  }
  return formula;
}

/// Finds the instance that touches an element by solving subscript = element for the counters: in
/// each dimension the counters must be the digits of a number, as in 16 * k_o + k_i.
class Inverse {
 public:
  Inverse(const Region& region, const Access& access) : region_(region), access_(access) {}

  std::optional<Instance> run() {
    if (access_.whole) return std::nullopt;
    collect();
    for (std::size_t d = 0; d < access_.indices.size(); ++d) {
      if (!solve(d)) return std::nullopt;
    }
    Instance instance;
    for (const For* loop : inner_loops(access_)) {
      const auto digit = digits_.find(loop->name);
      const Expr first = substitute(steps_.at(loop->name).lower, instance);
      // A counter that no subscript mentions: its first iteration.
      instance[loop->name] = digit == digits_.end() ? first : first + digit->second;
    }
    for (const Expr& rest : rests_) {
      if (!never_differs(rest)) return std::nullopt;
    }
    if (!is_executed(instance)) return std::nullopt;
    return instance;
  }

 private:
  struct CountedSteps {
    Expr lower;
    std::optional<std::int64_t> trips;
  };

  /// The counters become lower + counter, innermost first; then they count from 0.
  void collect() {
    indices_ = access_.indices;
    const std::vector<const For*> loops = inner_loops(access_);
    for (auto loop = loops.rbegin(); loop != loops.rend(); ++loop) {
      const std::optional<Steps> steps = steps_of(**loop);
      CountedSteps& counted = steps_[(*loop)->name];
      counted.lower = steps ? steps->lower : (*loop)->lower;
      if (steps) counted.trips = steps->trips;
      const Expr value = counted.lower + variable((*loop)->name, index_type());
      for (Expr& index : indices_) index = substitute(index, {{(*loop)->name, value}});
    }
  }

  /// What is left of the element's index once the other terms are taken off must be the digits'
  /// number.
  bool solve(std::size_t d) {
    const LinearForm form =
        linear_form(simplify(region_.bases[d] + element_offset(d) - indices_[d]));
    LinearForm number;
    std::vector<LinearForm::Term> digits;
    number.constant = form.constant;
    for (const LinearForm::Term& term : form.terms) {
      const auto* name = term.atom.as<Variable>();
      if (name != nullptr && steps_.contains(name->name)) {
        if (term.factor >= 0) return false;
        digits.push_back({term.atom, -term.factor});
      } else {
        number.terms.push_back(term);
      }
    }
    if (mentions_counters(number)) return false;
    std::sort(digits.begin(), digits.end(),
              [](const auto& a, const auto& b) { return a.factor > b.factor; });
    const Expr value = to_expr(number);
    if (digits.empty()) rests_.push_back(value);
    for (std::size_t i = 0; i < digits.size(); ++i) {
      const std::string& name = digits[i].atom.as<Variable>()->name;
      const bool is_last = i + 1 == digits.size();
      if (is_last && digits[i].factor != 1) return false;
      Expr digit = value / digits[i].factor;
      if (i > 0) {
        const std::optional<std::int64_t> trips = steps_.at(name).trips;
        if (!trips || Int128{digits[i].factor} * *trips != digits[i - 1].factor) return false;
        digit = digit % *trips;
      }
      if (!digits_.emplace(name, digit).second) return false;
    }
    return true;
  }

  bool mentions_counters(const LinearForm& form) const {
    return std::any_of(form.terms.begin(), form.terms.end(), [&](const LinearForm::Term& term) {
      const std::set<std::string> names = variables(term.atom);
      return std::any_of(names.begin(), names.end(),
                         [&](const std::string& name) { return steps_.contains(name); });
    });
  }

  bool never_differs(const Expr& rest) const {
    Formula formula = formula_of(region_);
    formula.require(formula.term(rest), "!=", "0");
    return formula.solve().kind == Answer::Kind::kNone;
  }

  /// Whether the instance's loops reach it and its conditions hold, for every element.
  bool is_executed(const Instance& instance) const {
    const auto never = [&](const Expr& a, const std::string& op, const Expr& b) {
      Formula formula = formula_of(region_);
      formula.require(formula.term(a), op, formula.term(b));
      return formula.solve().kind == Answer::Kind::kNone;
    };
    for (const For* loop : inner_loops(access_)) {
      const Expr& value = instance.at(loop->name);
      if (!never(value, "<", substitute(loop->lower, instance))) return false;
      if (!never(value, ">=", substitute(loop->upper, instance))) return false;
    }
    for (const Access::Guard& guard : access_.guards) {
      Formula formula = formula_of(region_);
      formula.require(substitute(guard.condition, instance), !guard.holds);
      if (formula.solve().kind != Answer::Kind::kNone) return false;
    }
    return true;
  }

  const Region& region_;
  const Access& access_;
  std::vector<Expr> indices_;
  std::map<std::string, CountedSteps> steps_;
  std::map<std::string, Expr> digits_;
  std::vector<Expr> rests_;  ///< must be 0: dimensions without counters
};

/// Whether evaluating e surely loads this element.
bool surely_loads(const Expr& e, const Access& access) {
  if (const auto* load = e.as<Load>()) {
    const bool is_it =
        load->array == access.array &&
        std::equal(load->indices.begin(), load->indices.end(), access.indices.begin(),
                   access.indices.end(), [](const Expr& a, const Expr& b) { return equal(a, b); });
    if (is_it) return true;
  }
  std::vector<Expr> parts = operands(e);
  const auto* node = e.as<Binary>();
  const bool may_stop = node != nullptr && e.type().is_bool() &&
                        (node->op == BinaryOp::kAnd || node->op == BinaryOp::kOr);
  if (may_stop || e.as<Select>() != nullptr) parts.resize(1);
  return std::any_of(parts.begin(), parts.end(),
                     [&](const Expr& part) { return surely_loads(part, access); });
}

/// Whether the callee writes every element of that parameter.
bool writes_all(const Kernel& callee, const Array& parameter) {
  const Region region = region_of_all(parameter, {});
  const std::vector<Access> all = accesses(callee, callee.body);
  return std::any_of(all.begin(), all.end(), [&](const Access& access) {
    return access.write && access.array == parameter.name && is_certain(access) &&
           covering_instance(region, access);
  });
}

bool call_writes_all(const Call& call, const std::string& array) {
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    const auto* window = std::get_if<Window>(&call.arguments[i]);
    if (window == nullptr || window->array != array) continue;
    const auto& parameter = std::get<ArrayParameter>(call.callee->parameters[i]);
    if (parameter.direction == Direction::kIn) continue;
    if (!writes_all(*call.callee, parameter.array)) return false;
  }
  return true;
}

bool covers(const Kernel& kernel, const Region& region, const Stmt& stmt,
            const std::string& array) {
  const std::vector<Access> all = accesses(kernel, stmt);
  return std::any_of(all.begin(), all.end(), [&](const Access& access) {
    return access.write && access.array == array && is_certain(access) &&
           covering_instance(region, access);
  });
}

}  // namespace

Region region_of(const Box& box, const Array& array, Access around) {
  Region region{std::move(around), {}, {}, array.shape};
  for (const Box::Dimension& dimension : box.dimensions) {
    region.bases.push_back(dimension.base);
    region.extents.push_back(to_index(dimension.extent));
  }
  return region;
}

Region region_of_all(const Array& array, Access around) {
  return {std::move(around), std::vector<Expr>(array.shape.size(), zero()), array.shape,
          array.shape};
}

Expr element_offset(std::size_t d) {
  // '#' keeps it apart from every name in a kernel.
  return variable(fmt::format("#{}", d), index_type());
}

std::optional<Instance> covering_instance(const Region& region, const Access& access) {
  return Inverse(region, access).run();
}

bool may_come_before(const Region& region, const Access& other, const Access& access,
                     const Instance& instance) {
  Formula formula = formula_of(region);
  const Formula::Renaming names = add_domain(formula, other, "other");
  for (std::size_t d = 0; d < other.indices.size(); ++d) {
    formula.require(formula.term(other.indices[d], names), "=",
                    formula.term(region.bases[d] + element_offset(d)));
  }
  std::vector<std::vector<Formula::Relation>> orders;
  std::vector<Formula::Relation> together;
  for (std::size_t i = 0; i < std::min(other.loops.size(), access.loops.size()); ++i) {
    if (other.loops[i] != access.loops[i]) break;
    const std::string& counter = other.loops[i]->name;
    const std::string here = formula.term(instance.at(counter));
    orders.push_back(together);
    orders.back().push_back({names.at(counter), "<", here});
    together.push_back({names.at(counter), "=", here});
  }
  // Within one statement loads come first.
  const bool is_earlier = other.position < access.position ||
                          (other.position == access.position && !other.write && access.write);
  if (is_earlier) orders.push_back(together);
  if (orders.empty()) return false;
  formula.require_any(orders);
  return formula.solve().kind != Answer::Kind::kNone;
}

bool is_certain(const Access& access) {
  if (const auto* call = as<Call>(access.statement)) {
    return access.write && call_writes_all(*call, access.array);
  }
  if (access.write) return true;
  const auto* store = as<Store>(access.statement);
  if (store != nullptr && store->reduce && store->array == access.array &&
      std::equal(store->indices.begin(), store->indices.end(), access.indices.begin(),
                 access.indices.end(), [](const Expr& a, const Expr& b) { return equal(a, b); })) {
    return true;
  }
  const std::vector<Expr> own = own_expressions(access.statement);
  return std::any_of(own.begin(), own.end(),
                     [&](const Expr& e) { return surely_loads(e, access); });
}

bool surely_initialised(const Kernel& kernel, const Array& array, const Place& place) {
  if (has_values(kernel, array.name)) return true;
  // Statements that come before the place whenever it is reached.
  for (std::size_t i = 0; i < place.around.size(); ++i) {
    const auto* body = as<Block>(place.around[i]);
    if (body == nullptr) continue;
    const Stmt& next = i + 1 < place.around.size() ? place.around[i + 1] : place.statement;
    Place here{next, {place.around.begin(), place.around.begin() + static_cast<int>(i)}};
    here.around.push_back(place.around[i]);
    const Region region = region_of_all(array, surroundings(here));
    for (const Stmt& before : body->body) {
      if (before == next) break;
      if (covers(kernel, region, before, array.name)) return true;
    }
  }
  return false;
}

}  // namespace heddle::kernel

#include "kernel/schedule/affine.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/scalar.h"

namespace heddle::kernel {
namespace {

Int128 floor_divide(Int128 a, Int128 b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

/// Whether every value of `from` is one of `to`.
bool holds_values(const Type& to, const Type& from) {
  return counts(to) && counts(from) && lowest(to) <= lowest(from) && highest(to) >= highest(from);
}

/// Adds factor * form to sum; false if a number leaves 64 bits.
bool add(LinearForm& sum, const LinearForm& form, std::int64_t factor) {
  const Int128 constant = Int128{sum.constant} + Int128{form.constant} * factor;
  if (!fits_64_bits(constant)) return false;
  sum.constant = static_cast<std::int64_t>(constant);
  for (const LinearForm::Term& term : form.terms) {
    const auto same = std::find_if(sum.terms.begin(), sum.terms.end(),
                                   [&](const auto& other) { return equal(other.atom, term.atom); });
    const Int128 old = same == sum.terms.end() ? 0 : same->factor;
    const Int128 product = old + Int128{term.factor} * factor;
    if (!fits_64_bits(product)) return false;
    if (same == sum.terms.end()) {
      if (product != 0) sum.terms.push_back({term.atom, static_cast<std::int64_t>(product)});
    } else if (product == 0) {
      sum.terms.erase(same);
    } else {
      same->factor = static_cast<std::int64_t>(product);
    }
  }
  return true;
}

/// a + factor * b, or none.
std::optional<LinearForm> sum_of(const Expr& a, const Expr& b, std::int64_t factor) {
  LinearForm sum = linear_form(a);
  if (!add(sum, linear_form(b), factor)) return std::nullopt;
  return sum;
}

std::optional<LinearForm> scaled(const Expr& e, Int128 factor) {
  LinearForm sum;
  if (!fits_64_bits(factor) || !add(sum, linear_form(e), static_cast<std::int64_t>(factor))) {
    return std::nullopt;
  }
  return sum;
}

std::optional<LinearForm> product_of(const Expr& a, const Expr& b) {
  const LinearForm x = linear_form(a);
  if (x.terms.empty()) return scaled(b, x.constant);
  const LinearForm y = linear_form(b);
  if (y.terms.empty()) return scaled(a, y.constant);
  return std::nullopt;
}

/// The form of what is not an atom; none for atoms.
std::optional<LinearForm> composite_form(const Expr& e) {
  if (const Int128* literal = as_integer(e)) {
    if (fits_64_bits(*literal)) return LinearForm{{}, static_cast<std::int64_t>(*literal)};
  }
  if (const auto* node = e.as<Cast>()) {
    if (holds_values(e.type(), node->operand.type())) return linear_form(node->operand);
  }
  if (const auto* node = e.as<Unary>(); node && node->op == UnaryOp::kNegate) {
    return scaled(node->operand, -1);
  }
  const auto* node = e.as<Binary>();
  if (node == nullptr) return std::nullopt;
  switch (node->op) {
    case BinaryOp::kAdd:
      return sum_of(node->a, node->b, 1);
    case BinaryOp::kSub:
      return sum_of(node->a, node->b, -1);
    case BinaryOp::kMul:
      return product_of(node->a, node->b);
    case BinaryOp::kShl: {
      const Int128* amount = as_integer(node->b);
      if (amount && *amount >= 0 && *amount < 62) return scaled(node->a, Int128{1} << *amount);
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

Expr times(const LinearForm::Term& term) {
  const Expr atom = to_index(term.atom);
  if (term.factor == -1) return unary(UnaryOp::kNegate, atom);
  return binary(BinaryOp::kMul, atom, index_literal(term.factor));
}

// Quotients and remainders by a positive literal.

/// form = divisor * quotient + remainder, each factor apart.
struct Parts {
  LinearForm quotient, remainder;
};

Parts divided(const LinearForm& form, std::int64_t divisor) {
  Parts parts;
  const auto split = [&](std::int64_t number, std::int64_t& quotient, std::int64_t& remainder) {
    quotient = number / divisor;
    remainder = number % divisor;
  };
  for (const LinearForm::Term& term : form.terms) {
    std::int64_t quotient = 0;
    std::int64_t remainder = 0;
    split(term.factor, quotient, remainder);
    if (quotient != 0) parts.quotient.terms.push_back({term.atom, quotient});
    if (remainder != 0) parts.remainder.terms.push_back({term.atom, remainder});
  }
  split(form.constant, parts.quotient.constant, parts.remainder.constant);
  return parts;
}

std::optional<Range> range_of(const LinearForm& form, const Ranges& ranges) {
  Int128 low = form.constant;
  Int128 high = form.constant;
  for (const LinearForm::Term& term : form.terms) {
    const std::optional<Range> atom = kernel::range_of(term.atom, ranges);
    if (!atom) return std::nullopt;
    const Int128 factor = term.factor;
    low += factor * (factor > 0 ? atom->low : atom->high);
    high += factor * (factor > 0 ? atom->high : atom->low);
    if (!fits_64_bits(low) || !fits_64_bits(high)) return std::nullopt;
  }
  return Range{static_cast<std::int64_t>(low), static_cast<std::int64_t>(high)};
}

/// floor(form / divisor) if that is the same number for all values in range.
std::optional<std::int64_t> constant_quotient(const LinearForm& form, std::int64_t divisor,
                                              const Ranges& ranges) {
  const std::optional<Range> range = range_of(form, ranges);
  if (!range) return std::nullopt;
  const Int128 quotient = floor_divide(range->low, divisor);
  if (quotient != floor_divide(range->high, divisor)) return std::nullopt;
  return static_cast<std::int64_t>(quotient);
}

/// The quotient of what is left after divided(), in lowest terms.
Expr reduced_quotient(LinearForm form, std::int64_t divisor) {
  std::int64_t common = divisor;
  for (const LinearForm::Term& term : form.terms) common = std::gcd(common, term.factor);
  for (LinearForm::Term& term : form.terms) term.factor /= common;
  // Below the common factor the constant cannot carry: floor((g x + c) / (g m)) =
  // floor((x + floor(c / g)) / m).
  form.constant = static_cast<std::int64_t>(floor_divide(form.constant, common));
  divisor /= common;
  if (divisor == 1) return to_expr(form);
  if (form.terms.size() == 1 && form.terms[0].factor == 1 && form.constant == 0) {
    const auto* inner = form.terms[0].atom.as<Binary>();
    const Int128* by = inner ? as_integer(inner->b) : nullptr;
    const bool is_quotient = inner && inner->op == BinaryOp::kDiv && by && *by > 0;
    if (is_quotient && form.terms[0].atom.type().is_index() && fits_64_bits(*by * divisor)) {
      return binary(BinaryOp::kDiv, inner->a,
                    index_literal(static_cast<std::int64_t>(*by) * divisor));
    }
  }
  return binary(BinaryOp::kDiv, to_expr(form), index_literal(divisor));
}

Expr simplify_quotient(const Expr& dividend, std::int64_t divisor, const Ranges& ranges) {
  Parts parts = divided(linear_form(dividend), divisor);
  if (const auto constant = constant_quotient(parts.remainder, divisor, ranges)) {
    parts.quotient.constant += *constant;
    return to_expr(parts.quotient);
  }
  const Expr rest = reduced_quotient(parts.remainder, divisor);
  return add(parts.quotient, linear_form(rest), 1)
             ? to_expr(parts.quotient)
             : binary(BinaryOp::kDiv, dividend, index_literal(divisor));
}

Expr simplify_remainder(const Expr& dividend, std::int64_t divisor, const Ranges& ranges) {
  LinearForm rest = divided(linear_form(dividend), divisor).remainder;
  if (const auto quotient = constant_quotient(rest, divisor, ranges)) {
    const Int128 constant = rest.constant - Int128{*quotient} * divisor;
    if (fits_64_bits(constant)) {
      rest.constant = static_cast<std::int64_t>(constant);
      return to_expr(rest);
    }
  }
  return binary(BinaryOp::kMod, to_expr(rest), index_literal(divisor));
}

Expr simplify_extremum(const Expr& e, const Binary& node, const Ranges& ranges) {
  const std::optional<Range> a = range_of(node.a, ranges);
  const std::optional<Range> b = range_of(node.b, ranges);
  const bool is_min = node.op == BinaryOp::kMin;
  if (a && b && (is_min ? a->high <= b->low : a->low >= b->high)) return node.a;
  if (a && b && (is_min ? b->high <= a->low : b->low >= a->high)) return node.b;
  return e;
}

/// The dividend of an index quotient or remainder by a positive literal.
struct Division {
  Expr dividend;
  std::int64_t divisor = 0;
};

std::optional<Division> division(const Expr& e, BinaryOp op) {
  const auto* node = e.as<Binary>();
  if (node == nullptr || node->op != op || !e.type().is_index()) return std::nullopt;
  const Int128* divisor = as_integer(node->b);
  if (divisor == nullptr || *divisor <= 0 || !fits_64_bits(*divisor)) return std::nullopt;
  return Division{node->a, static_cast<std::int64_t>(*divisor)};
}

/// x / c * c + x % c is x.
LinearForm rejoined(LinearForm form) {
  for (std::size_t i = 0; i < form.terms.size(); ++i) {
    const std::optional<Division> rest = division(form.terms[i].atom, BinaryOp::kMod);
    if (!rest) continue;
    for (std::size_t j = 0; j < form.terms.size(); ++j) {
      const std::optional<Division> whole = division(form.terms[j].atom, BinaryOp::kDiv);
      const bool belongs = whole && whole->divisor == rest->divisor &&
                           equal(whole->dividend, rest->dividend) &&
                           form.terms[j].factor == Int128{form.terms[i].factor} * rest->divisor;
      if (!belongs) continue;
      const std::int64_t factor = form.terms[i].factor;
      LinearForm joined = form;
      joined.terms.erase(joined.terms.begin() + static_cast<std::ptrdiff_t>(std::max(i, j)));
      joined.terms.erase(joined.terms.begin() + static_cast<std::ptrdiff_t>(std::min(i, j)));
      return add(joined, linear_form(rest->dividend), factor) ? rejoined(std::move(joined)) : form;
    }
  }
  return form;
}

/// One index node whose operands are simplified already.
Expr simplify_node(const Expr& e, const Ranges& ranges) {
  if (!e.type().is_index()) return e;
  if (const auto whole = division(e, BinaryOp::kDiv)) {
    return simplify_quotient(whole->dividend, whole->divisor, ranges);
  }
  if (const auto rest = division(e, BinaryOp::kMod)) {
    return simplify_remainder(rest->dividend, rest->divisor, ranges);
  }
  const auto* node = e.as<Binary>();
  if (node != nullptr && (node->op == BinaryOp::kMin || node->op == BinaryOp::kMax)) {
    return simplify_extremum(e, *node, ranges);
  }
  const std::optional<LinearForm> form = composite_form(e);
  return form ? to_expr(rejoined(*form)) : e;
}

std::optional<Range> range_of_extremum(const Binary& node, const Ranges& ranges) {
  const std::optional<Range> a = range_of(node.a, ranges);
  const std::optional<Range> b = range_of(node.b, ranges);
  if (!a || !b) return std::nullopt;
  if (node.op == BinaryOp::kMin) return Range{std::min(a->low, b->low), std::min(a->high, b->high)};
  if (node.op == BinaryOp::kMax) return Range{std::max(a->low, b->low), std::max(a->high, b->high)};
  return std::nullopt;
}

std::optional<Range> range_of_type(const Type& type) {
  if (!type.is_integer() || !fits_64_bits(lowest(type)) || !fits_64_bits(highest(type)))
    return std::nullopt;
  return Range{static_cast<std::int64_t>(lowest(type)), static_cast<std::int64_t>(highest(type))};
}

}  // namespace

bool fits_64_bits(Int128 value) {
  return value >= std::numeric_limits<std::int64_t>::min() &&
         value <= std::numeric_limits<std::int64_t>::max();
}

bool counts(const Type& type) {
  return type.is_index() || type.is_integer();
}

Expr index_literal(std::int64_t value) {
  return constant(index_type(), Int128{value});
}

LinearForm linear_form(const Expr& e) {
  ensure(counts(e.type()), "the linear form of a {} was asked for", to_string(e.type()));
  if (std::optional<LinearForm> form = composite_form(e)) return *std::move(form);
  return {{{e, 1}}, 0};
}

Expr to_expr(const LinearForm& form) {
  // A positive part leads, so that the text begins without a minus where it can.
  const auto lead = std::find_if(form.terms.begin(), form.terms.end(),
                                 [](const LinearForm::Term& term) { return term.factor > 0; });
  const bool constant_leads = lead == form.terms.end() && (form.constant > 0 || form.terms.empty());
  const bool term_leads = lead != form.terms.end();
  Expr sum = term_leads ? times(*lead) : index_literal(constant_leads ? form.constant : 0);
  for (auto term = form.terms.begin(); term != form.terms.end(); ++term) {
    if (term == lead) continue;
    const bool is_first = !term_leads && !constant_leads && term == form.terms.begin();
    if (is_first) {
      sum = times(*term);
    } else if (term->factor < 0 && fits_64_bits(-Int128{term->factor})) {
      sum = sum - times({term->atom, -term->factor});
    } else {
      sum = sum + times(*term);
    }
  }
  if (constant_leads || form.constant == 0) return sum;
  return form.constant < 0 && fits_64_bits(-Int128{form.constant})
             ? sum - index_literal(-form.constant)
             : sum + index_literal(form.constant);
}

std::optional<std::int64_t> difference(const Expr& a, const Expr& b) {
  const std::optional<LinearForm> form = sum_of(a, b, -1);
  if (!form || !form->terms.empty()) return std::nullopt;
  return form->constant;
}

std::optional<Range> range_of(const Expr& e, const Ranges& ranges) {
  if (const std::optional<LinearForm> form = composite_form(e)) return range_of(*form, ranges);
  if (const auto* variable = e.as<Variable>()) {
    const auto known = ranges.find(variable->name);
    if (known != ranges.end()) return known->second;
  }
  if (const auto rest = division(e, BinaryOp::kMod)) return Range{0, rest->divisor - 1};
  if (const auto whole = division(e, BinaryOp::kDiv)) {
    const std::optional<Range> range = range_of(whole->dividend, ranges);
    if (!range) return std::nullopt;
    return Range{static_cast<std::int64_t>(floor_divide(range->low, whole->divisor)),
                 static_cast<std::int64_t>(floor_divide(range->high, whole->divisor))};
  }
  if (const auto* node = e.as<Binary>(); node && e.type().is_index()) {
    return range_of_extremum(*node, ranges);
  }
  if (const auto* node = e.as<Cast>(); node && e.type().is_index()) {
    return counts(node->operand.type()) ? range_of(node->operand, ranges) : std::nullopt;
  }
  return range_of_type(e.type());
}

std::optional<Range> counter_range(const For& loop, const Ranges& ranges) {
  const std::optional<Range> lower = range_of(loop.lower, ranges);
  const std::optional<Range> upper = range_of(loop.upper, ranges);
  if (!lower || !upper || upper->high == std::numeric_limits<std::int64_t>::min()) {
    return std::nullopt;
  }
  return Range{lower->low, upper->high - 1};
}

Expr simplify(const Expr& e, const Ranges& ranges) {
  return transform(e, [&](const Expr& node) { return simplify_node(node, ranges); });
}

Stmt replace_counter(const Stmt& stmt, const std::string& counter, const Expr& value,
                     const Ranges& ranges) {
  Ranges known = ranges;
  for_each(stmt, [&](const Stmt& part) {
    const auto* loop = as<For>(part);
    if (loop == nullptr) return;
    if (const auto range = counter_range(*loop, known)) known.insert_or_assign(loop->name, *range);
  });
  return transform(stmt, {}, [&](const Expr& e) {
    return mentions(e, counter) ? simplify(substitute(e, {{counter, value}}), known) : e;
  });
}

}  // namespace heddle::kernel

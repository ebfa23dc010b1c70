#include "kernel/codegen/hls/ranges.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <vector>

#include "kernel/scalar.h"

namespace heddle::kernel::hls {
namespace {

using Ranges = std::map<std::string, Range>;

Range clamped(Int128 low, Int128 high) {
  const Range any = any_index();
  return low < any.low || high > any.high ? any : Range{low, high};
}

Range product(const Range& a, const Range& b) {
  // Index values have 64 bits, so the products have at most 127.
  const std::array corners = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
  return clamped(*std::ranges::min_element(corners), *std::ranges::max_element(corners));
}

Int128 floor_divide(Int128 a, Int128 b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

Range quotient(const Range& a, const Range& b) {
  if (b.low <= 0) return any_index();
  return clamped(std::min(floor_divide(a.low, b.low), floor_divide(a.low, b.high)),
                 std::max(floor_divide(a.high, b.low), floor_divide(a.high, b.high)));
}

Range remainder(const Range& a, const Range& b) {
  if (b.low <= 0) return any_index();
  if (a.low >= 0 && a.high < b.low) return a;
  return {0, a.low >= 0 ? std::min(a.high, b.high - 1) : b.high - 1};
}

Range of_binary(BinaryOp op, const Range& a, const Range& b) {
  switch (op) {
    case BinaryOp::kAdd:
      return clamped(a.low + b.low, a.high + b.high);
    case BinaryOp::kSub:
      return clamped(a.low - b.high, a.high - b.low);
    case BinaryOp::kMul:
      return product(a, b);
    case BinaryOp::kDiv:
      return quotient(a, b);
    case BinaryOp::kMod:
      return remainder(a, b);
    case BinaryOp::kMin:
      return {std::min(a.low, b.low), std::min(a.high, b.high)};
    case BinaryOp::kMax:
      return {std::max(a.low, b.low), std::max(a.high, b.high)};
    default:
      return any_index();
  }
}

/// A sum of multiples: what split_lanes takes apart.
struct Term {
  Int128 factor = 0;
  Expr value;  ///< empty for the constant
};

std::optional<Int128> literal(const Expr& e) {
  const Int128* value = as_integer(e);
  return value ? std::optional(*value) : std::nullopt;
}

bool is_small(Int128 value) {
  return value > -(Int128{1} << 40) && value < (Int128{1} << 40);
}

/// Adds factor * e to `terms`.
void collect(const Expr& e, Int128 factor, std::vector<Term>& terms) {
  if (const std::optional<Int128> value = literal(e)) {
    terms.push_back({factor * *value, {}});
    return;
  }
  if (const auto* op = e.as<Binary>()) {
    if (op->op == BinaryOp::kAdd || op->op == BinaryOp::kSub) {
      collect(op->a, factor, terms);
      collect(op->b, op->op == BinaryOp::kAdd ? factor : -factor, terms);
      return;
    }
    if (op->op == BinaryOp::kMul) {
      const std::optional<Int128> a = literal(op->a);
      const std::optional<Int128> b = literal(op->b);
      if (a && is_small(*a) && is_small(factor)) return collect(op->b, factor * *a, terms);
      if (b && is_small(*b) && is_small(factor)) return collect(op->a, factor * *b, terms);
    }
  }
  terms.push_back({factor, e});
}

Expr sum(const std::vector<Term>& terms, Int128 divisor) {
  Expr total = constant(index_type(), Int128{0});
  for (const Term& term : terms) {
    const Int128 factor = term.factor / divisor;
    const Expr scale = constant(index_type(), factor < 0 ? -factor : factor);
    const Expr value = term.value ? term.value * scale : scale;
    total = factor < 0 ? total - value : total + value;
  }
  return total;
}

}  // namespace

bool Range::fits_int() const {
  return low >= std::numeric_limits<int>::min() && high <= std::numeric_limits<int>::max();
}

Range any_index() {
  return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
}

Range range_of(const Type& type) {
  if (type.is_float() || type.is_index()) return any_index();
  if (type.fraction < 0) return any_index();
  const int drop = std::min<int>(type.fraction, 126);
  return clamped(lowest(type) >> drop, highest(type) >> drop);
}

Range range_of(const Expr& e, const Ranges& variables) {
  if (const std::optional<Int128> value = literal(e)) return {*value, *value};
  if (const auto* variable = e.as<Variable>()) {
    const auto found = variables.find(variable->name);
    return found == variables.end() ? any_index() : found->second;
  }
  if (const auto* op = e.as<Binary>(); op && e.type().is_index()) {
    return of_binary(op->op, range_of(op->a, variables), range_of(op->b, variables));
  }
  if (const auto* choice = e.as<Select>()) {
    const Range a = range_of(choice->a, variables);
    const Range b = range_of(choice->b, variables);
    return {std::min(a.low, b.low), std::max(a.high, b.high)};
  }
  if (const auto* op = e.as<Unary>(); op && op->op == UnaryOp::kNegate) {
    const Range a = range_of(op->operand, variables);
    return clamped(-a.high, -a.low);
  }
  if (const auto* converted = e.as<Cast>(); converted && converted->operand.type().is_integer()) {
    return range_of(converted->operand.type());
  }
  return e.type().is_bool() || e.type().is_fixed() ? range_of(e.type()) : any_index();
}

Lanes split_lanes(const Expr& subscript, std::int64_t lanes, const Ranges& variables) {
  std::vector<Term> terms;
  collect(subscript, 1, terms);
  std::vector<Term> words;
  std::vector<Term> rest;
  for (const Term& term : terms) {
    if (term.value) {
      (term.factor % lanes == 0 ? words : rest).push_back(term);
    } else {
      const Int128 whole = floor_divide(term.factor, lanes) * lanes;
      words.push_back({whole, {}});
      rest.push_back({term.factor - whole, {}});
    }
  }
  const Expr lane = sum(rest, 1);
  const Range range = range_of(lane, variables);
  if (range.low >= 0 && range.high < lanes) return {sum(words, lanes), lane};
  return {subscript / Expr(lanes), subscript % Expr(lanes)};
}

}  // namespace heddle::kernel::hls

#include "kernel/schedule/polyhedra.h"

#include <isl/ctx.h>
#include <isl/mat.h>
#include <isl/options.h>
#include <isl/point.h>
#include <isl/set.h>
#include <isl/space.h>
#include <isl/val.h>

#include <algorithm>
#include <cctype>
#include <limits>

#include "base/error.h"
#include "kernel/schedule/affine.h"

namespace heddle::kernel {
namespace {

/// More alternatives than this are not told apart: the condition is left out instead.
constexpr std::size_t kMostAlternatives = 64;

/// isl counts its own steps, which is 0 for a set that is empty at first sight; each set counts for
/// at least this many.
constexpr std::uint64_t kOperationsPerSet = 200;

/// While more combinations than this are to come, a part of one is checked first.
constexpr std::size_t kFewCombinations = 16;

/// Terms with larger literals are treated as unknown, so that sums of terms stay within 64 bits.
constexpr std::int64_t kLargest = std::int64_t{1} << 40;

std::string_view opposite(BinaryOp op) {
  switch (op) {
    case BinaryOp::kEq:
      return "!=";
    case BinaryOp::kNe:
      return "=";
    case BinaryOp::kLt:
      return ">=";
    case BinaryOp::kLe:
      return ">";
    case BinaryOp::kGt:
      return "<=";
    default:
      return "<";
  }
}

std::string relation_text(BinaryOp op, bool holds) {
  if (!holds) return std::string(opposite(op));
  return op == BinaryOp::kEq ? "=" : std::string(to_string(op));
}

}  // namespace

/// Reads linear text into a row.
class Formula::Reader {
 public:
  Reader(Formula& formula, const std::string& text) : formula_(formula), text_(text) {}

  Row read() {
    Row row = sum();
    ensure(peek() == '\0', "a term ends at '{}' in \"{}\"", peek(), text_);
    return row;
  }

  static void add(Row& to, const Row& row, std::int64_t factor) {
    const auto scaled_sum = [&](std::int64_t old, std::int64_t value) {
      const Int128 result = Int128{old} + Int128{value} * factor;
      ensure(fits_64_bits(result), "a factor in a formula leaves 64 bits");
      return static_cast<std::int64_t>(result);
    };
    to.constant = scaled_sum(to.constant, row.constant);
    for (const auto& [variable, value] : row.factors) {
      std::int64_t& entry = to.factors[variable];
      entry = scaled_sum(entry, value);
      if (entry == 0) to.factors.erase(variable);
    }
  }

 private:
  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }
  Row sum() {
    Row row = product();
    while (peek() == '+' || peek() == '-') {
      const std::int64_t sign = text_[at_++] == '+' ? 1 : -1;
      add(row, product(), sign);
    }
    return row;
  }
  Row product() {
    Row row = factor();
    while (take('*')) {
      Row other = factor();
      ensure(row.factors.empty() || other.factors.empty(), "\"{}\" is not linear", text_);
      if (!row.factors.empty()) std::swap(row, other);
      Row scaled;
      add(scaled, other, row.constant);
      row = std::move(scaled);
    }
    return row;
  }
  Row factor() {
    Row row;
    if (take('-')) {
      add(row, factor(), -1);
    } else if (take('(')) {
      row = sum();
      ensure(take(')'), "a ')' is missing in \"{}\"", text_);
    } else if (std::isdigit(static_cast<unsigned char>(peek())) != 0) {
      while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) {
        const Int128 value = Int128{row.constant} * 10 + (text_[at_++] - '0');
        ensure(fits_64_bits(value), "a literal in \"{}\" leaves 64 bits", text_);
        row.constant = static_cast<std::int64_t>(value);
      }
    } else {
      row.factors[formula_.number(name())] = 1;
    }
    return row;
  }
  std::string name() {
    const std::size_t from = at_;
    while (at_ < text_.size() && text_.find_first_of(" +-*()", at_) != at_) ++at_;
    ensure(at_ > from, "a name is missing in \"{}\"", text_);
    return text_.substr(from, at_ - from);
  }

  Formula& formula_;
  const std::string& text_;
  std::size_t at_ = 0;
};

/// Tries the alternatives one combination after the other: each is one polyhedron.
class Formula::Search {
 public:
  Search(const Formula& formula, std::uint64_t limit)
      : formula_(formula), context_(isl_ctx_alloc()), left_(limit) {
    isl_options_set_on_error(context_, ISL_ON_ERROR_CONTINUE);
    isl_ctx_set_max_operations(context_, limit);
  }
  ~Search() { isl_ctx_free(context_); }
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  Answer run() {
    Conjunction rows = formula_.base_;
    Answer answer;
    answer.kind = descend(rows, formula_.choices_.size(), answer) ? Answer::Kind::kSolution
                  : gave_up_                                      ? Answer::Kind::kUnknown
                                                                  : Answer::Kind::kNone;
    return answer;
  }

 private:
  /// Adds an alternative of each of the first `left` choices. The last ones, by which callers order
  /// iterations, exclude most, so they go first.
  bool descend(Conjunction& rows, std::size_t left, Answer& answer) {
    if (gave_up_) return false;
    if (left == 0) return sample(rows, answer);
    const bool is_worth_checking =
        left < formula_.choices_.size() && combinations_of(left) > kFewCombinations;
    if (is_worth_checking && !sample(rows, answer)) return false;
    for (const Conjunction& alternative : formula_.choices_[left - 1]) {
      rows.insert(rows.end(), alternative.begin(), alternative.end());
      const bool found = descend(rows, left - 1, answer);
      rows.resize(rows.size() - alternative.size());
      if (found) return true;
    }
    return false;
  }

  /// Of the first `left` choices, as far as it matters.
  [[nodiscard]] std::size_t combinations_of(std::size_t left) const {
    std::size_t count = 1;
    while (left > 0 && count <= kFewCombinations) count *= formula_.choices_[--left].size();
    return count;
  }

  bool sample(const Conjunction& rows, Answer& answer) {
    // A row without variables decides at once.
    for (const Row& row : rows) {
      if (row.factors.empty() && (row.is_equality ? row.constant != 0 : row.constant < 0)) {
        return false;
      }
    }
    if (left_ < kOperationsPerSet) {
      gave_up_ = true;
      return false;
    }
    left_ -= kOperationsPerSet;
    for (const Part& part : independent_parts(rows)) {
      if (!sample(part, answer)) return false;
    }
    return true;
  }

  /// Rows that share variables with one another and with no other row: a question of its own, and
  /// several small ones are far cheaper than one large one.
  struct Part {
    Conjunction rows;
    std::map<int, int> columns;  ///< of the variables
  };

  /// The smallest first. Rows without variables have been decided.
  static std::vector<Part> independent_parts(const Conjunction& rows) {
    std::vector<Part> parts;
    for (const Row& row : rows) {
      Part joined;
      for (const auto& [variable, factor] : row.factors) joined.columns[variable] = 0;
      std::erase_if(parts, [&](const Part& part) {
        const bool shares =
            std::any_of(row.factors.begin(), row.factors.end(),
                        [&](const auto& factor) { return part.columns.contains(factor.first); });
        if (shares) joined.columns.insert(part.columns.begin(), part.columns.end());
        return shares;
      });
      if (!joined.columns.empty()) parts.push_back(std::move(joined));
    }
    for (Part& part : parts) {
      int next = 0;
      for (auto& [variable, column] : part.columns) column = next++;
      std::copy_if(rows.begin(), rows.end(), std::back_inserter(part.rows), [&](const Row& row) {
        return !row.factors.empty() && part.columns.contains(row.factors.begin()->first);
      });
    }
    const auto key = [](const Part& part) {
      return std::pair(part.columns.size(), part.columns.begin()->first);
    };
    std::sort(parts.begin(), parts.end(),
              [&](const Part& a, const Part& b) { return key(a) < key(b); });
    return parts;
  }

  bool sample(const Part& part, Answer& answer) {
    isl_point* point = isl_basic_set_sample_point(polyhedron(part));
    if (point == nullptr) {
      ensure(isl_ctx_last_error(context_) == isl_error_quota, "isl: {}",
             isl_ctx_last_error_msg(context_) ? isl_ctx_last_error_msg(context_) : "failed");
      gave_up_ = true;
      return false;
    }
    const bool found = isl_point_is_void(point) == isl_bool_false;
    if (found) add_values(point, part, answer);
    isl_point_free(point);
    return found;
  }

  isl_basic_set* polyhedron(const Part& part) {
    const Conjunction& rows = part.rows;
    const auto columns = static_cast<unsigned>(part.columns.size());
    const auto equalities = static_cast<unsigned>(
        std::count_if(rows.begin(), rows.end(), [](const Row& row) { return row.is_equality; }));
    isl_mat* equal = isl_mat_alloc(context_, equalities, columns + 1);
    isl_mat* at_least =
        isl_mat_alloc(context_, static_cast<unsigned>(rows.size()) - equalities, columns + 1);
    int next_equal = 0;
    int next_at_least = 0;
    for (const Row& row : rows) {
      isl_mat*& matrix = row.is_equality ? equal : at_least;
      int& next = row.is_equality ? next_equal : next_at_least;
      for (unsigned column = 0; column < columns; ++column) {
        matrix = isl_mat_set_element_si(matrix, next, static_cast<int>(column), 0);
      }
      for (const auto& [variable, factor] : row.factors) {
        set(matrix, next, part.columns.at(variable), factor);
      }
      set(matrix, next, static_cast<int>(columns), row.constant);
      ++next;
    }
    isl_space* space = isl_space_set_alloc(context_, 0, columns);
    return isl_basic_set_from_constraint_matrices(space, equal, at_least, isl_dim_set, isl_dim_div,
                                                  isl_dim_param, isl_dim_cst);
  }

  void set(isl_mat*& matrix, int row, int column, std::int64_t value) {
    matrix = isl_mat_set_element_val(matrix, row, column, isl_val_int_from_si(context_, value));
  }

  void add_values(isl_point* point, const Part& part, Answer& answer) const {
    for (const auto& [variable, column] : part.columns) {
      isl_val* value = isl_point_get_coordinate_val(point, isl_dim_set, column);
      answer.solution[formula_.variables_[static_cast<std::size_t>(variable)]] =
          isl_val_get_num_si(value);
      isl_val_free(value);
    }
  }

  const Formula& formula_;
  isl_ctx* context_;
  std::uint64_t left_;
  bool gave_up_ = false;
};

int Formula::number(const std::string& variable) {
  const auto [entry, is_new] = numbers_.try_emplace(variable, static_cast<int>(variables_.size()));
  if (is_new) variables_.push_back(variable);
  return entry->second;
}

std::string Formula::fresh(const std::string& name) {
  // '#' keeps it apart from every name in a kernel.
  std::string result = fmt::format("{}#{}", name, variables_.size());
  number(result);
  return result;
}

std::string Formula::unknown(const Expr& e) {
  exact_ = false;
  const auto* load = e.as<Load>();
  return fresh(load ? load->array : "value");
}

std::string Formula::term(const Expr& e, const Renaming& renaming) {
  const LinearForm form = linear_form(e);
  const auto is_large = [](std::int64_t value) { return value > kLargest || value < -kLargest; };
  bool has_large = is_large(form.constant);
  for (const LinearForm::Term& part : form.terms) has_large |= is_large(part.factor);
  if (has_large) return unknown(e);
  std::string text = fmt::format("{}", form.constant);
  for (const LinearForm::Term& part : form.terms) {
    text += fmt::format(" + {} * {}", part.factor, atom(part.atom, renaming));
  }
  return text;
}

std::string Formula::quotient(const Expr& dividend, std::int64_t divisor,
                              const Renaming& renaming) {
  std::string result = fresh("quotient");
  const std::string whole = term(dividend, renaming);
  const std::string product = fmt::format("{} * {}", divisor, result);
  require(product, "<=", whole);
  require(whole, "<=", fmt::format("{} + {}", product, divisor - 1));
  return result;
}

std::string Formula::extremum(const std::string& a, const std::string& b, bool is_max) {
  std::string result = fresh(is_max ? "max" : "min");
  const std::string op = is_max ? ">=" : "<=";
  require_any({{{result, "=", a}, {a, op, b}}, {{result, "=", b}, {b, op, a}}});
  return result;
}

std::string Formula::choice(const Select& node, const Renaming& renaming) {
  std::string result = fresh("select");
  const std::string then = term(node.a, renaming);
  const std::string otherwise = term(node.b, renaming);
  std::vector<std::vector<Relation>> all = alternatives(node.condition, true, renaming);
  for (auto& relations : all) relations.push_back({result, "=", then});
  for (auto& relations : alternatives(node.condition, false, renaming)) {
    relations.push_back({result, "=", otherwise});
    all.push_back(std::move(relations));
  }
  require_any(all);
  return result;
}

std::string Formula::atom(const Expr& e, const Renaming& renaming) {
  if (const auto* variable = e.as<Variable>()) {
    const auto renamed = renaming.find(variable->name);
    return renamed == renaming.end() ? variable->name : renamed->second;
  }
  if (const auto* node = e.as<Unary>(); node && node->op == UnaryOp::kAbs) {
    if (!counts(node->operand.type())) return unknown(e);
    const std::string value = term(node->operand, renaming);
    return extremum(value, fmt::format("0 - ({})", value), true);
  }
  if (const auto* node = e.as<Select>()) return choice(*node, renaming);
  const auto* node = e.as<Binary>();
  if (node == nullptr) return unknown(e);
  const Int128* literal = as_integer(node->b);
  const bool is_divided = e.type().is_index() && literal && *literal > 0 &&
                          *literal < std::numeric_limits<std::int32_t>::max();
  if (is_divided && node->op == BinaryOp::kDiv) {
    return quotient(node->a, static_cast<std::int64_t>(*literal), renaming);
  }
  if (is_divided && node->op == BinaryOp::kMod) {
    const auto divisor = static_cast<std::int64_t>(*literal);
    std::string result = fresh("remainder");
    require(result, "=",
            fmt::format("{} - {} * {}", term(node->a, renaming), divisor,
                        quotient(node->a, divisor, renaming)));
    return result;
  }
  if (node->op == BinaryOp::kShr && literal && *literal >= 0 && *literal < 31) {
    return quotient(node->a, std::int64_t{1} << static_cast<int>(*literal), renaming);
  }
  if (node->op == BinaryOp::kMin || node->op == BinaryOp::kMax) {
    return extremum(term(node->a, renaming), term(node->b, renaming), node->op == BinaryOp::kMax);
  }
  return unknown(e);
}

std::vector<Formula::Conjunction> Formula::rows(const Relation& relation) {
  const Row a = Reader(*this, relation.a).read();
  const Row b = Reader(*this, relation.b).read();
  // low <= high - gap, as high - low - gap >= 0.
  const auto ordered = [](const Row& low, const Row& high, std::int64_t gap) {
    Row row;
    Reader::add(row, high, 1);
    Reader::add(row, low, -1);
    Reader::add(row, {{}, -gap, false}, 1);
    return row;
  };
  if (relation.op == "<=") return {{ordered(a, b, 0)}};
  if (relation.op == "<") return {{ordered(a, b, 1)}};
  if (relation.op == ">=") return {{ordered(b, a, 0)}};
  if (relation.op == ">") return {{ordered(b, a, 1)}};
  if (relation.op == "!=") return {{ordered(a, b, 1)}, {ordered(b, a, 1)}};
  ensure(relation.op == "=", "no relation is called \"{}\"", relation.op);
  Row row = ordered(a, b, 0);
  row.is_equality = true;
  return {{row}};
}

std::vector<Formula::Conjunction> Formula::rows(const std::vector<Relation>& conjunction) {
  std::vector<Conjunction> result = {{}};
  for (const Relation& relation : conjunction) {
    std::vector<Conjunction> longer;
    for (const Conjunction& more : rows(relation)) {
      for (Conjunction one : result) {
        one.insert(one.end(), more.begin(), more.end());
        longer.push_back(std::move(one));
      }
    }
    result = std::move(longer);
  }
  return result;
}

void Formula::require(const std::string& a, const std::string& op, const std::string& b) {
  require_any({{{a, op, b}}});
}

void Formula::require_any(const std::vector<std::vector<Relation>>& alternatives) {
  std::vector<Conjunction> choice;
  for (const std::vector<Relation>& conjunction : alternatives) {
    for (Conjunction& one : rows(conjunction)) choice.push_back(std::move(one));
  }
  if (choice.size() == 1) {
    base_.insert(base_.end(), choice[0].begin(), choice[0].end());
  } else {
    choices_.push_back(std::move(choice));
  }
}

std::vector<std::vector<Formula::Relation>> Formula::alternatives(const Expr& condition, bool holds,
                                                                  const Renaming& renaming) {
  std::vector<std::vector<Relation>> anything = {{}};
  if (const auto* literal = condition.as<Constant>()) {
    const bool value = literal->raw != 0;
    return value == holds ? anything : std::vector<std::vector<Relation>>{};
  }
  if (const auto* node = condition.as<Unary>(); node && node->op == UnaryOp::kNot) {
    return alternatives(node->operand, !holds, renaming);
  }
  const auto* node = condition.as<Binary>();
  if (node == nullptr) {
    exact_ = false;
    return anything;
  }
  if (is_comparison(node->op) && counts(node->a.type()) && counts(node->b.type())) {
    return {{{term(node->a, renaming), relation_text(node->op, holds), term(node->b, renaming)}}};
  }
  if (node->op != BinaryOp::kAnd && node->op != BinaryOp::kOr) {
    exact_ = false;
    return anything;
  }
  std::vector<std::vector<Relation>> a = alternatives(node->a, holds, renaming);
  std::vector<std::vector<Relation>> b = alternatives(node->b, holds, renaming);
  std::vector<std::vector<Relation>> result;
  if ((node->op == BinaryOp::kAnd) != holds) {  // either
    result = std::move(a);
    result.insert(result.end(), b.begin(), b.end());
  } else {  // both
    for (const auto& first : a) {
      for (const auto& second : b) {
        result.push_back(first);
        result.back().insert(result.back().end(), second.begin(), second.end());
      }
    }
  }
  if (result.size() <= kMostAlternatives) return result;
  exact_ = false;
  return anything;
}

void Formula::require(const Expr& condition, bool holds, const Renaming& renaming) {
  require_any(alternatives(condition, holds, renaming));
}

Answer Formula::solve(std::uint64_t operation_limit) const {
  return Search(*this, operation_limit).run();
}

}  // namespace heddle::kernel

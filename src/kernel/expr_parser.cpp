#include "kernel/expr_parser.h"

#include <algorithm>
#include <array>

#include "kernel/spelling.h"
#include "kernel/verify.h"

namespace heddle::kernel {
namespace {

/// More than any kernel's text needs: its brackets and operators nest as its tree does.
constexpr int kDeepest = 3 * kMaxNesting;
constexpr int kCompareLevel = 3;
constexpr int kTightest = 9;

constexpr std::array<Rounding, 7> kRoundings = {
    Rounding::kTruncate,    Rounding::kTruncateZero,    Rounding::kNearest,
    Rounding::kNearestZero, Rounding::kNearestNegative, Rounding::kNearestInfinity,
    Rounding::kNearestEven};
constexpr std::array<Overflow, 5> kOverflows = {Overflow::kExact, Overflow::kWrap,
                                                Overflow::kSaturate, Overflow::kSaturateZero,
                                                Overflow::kSaturateSymmetric};

struct Infix {
  std::string_view text;
  BinaryOp op;
  int level;  ///< higher binds tighter
};
constexpr std::array<Infix, 17> kInfixes = {{{"||", BinaryOp::kOr, 1},
                                             {"&&", BinaryOp::kAnd, 2},
                                             {"==", BinaryOp::kEq, kCompareLevel},
                                             {"!=", BinaryOp::kNe, kCompareLevel},
                                             {"<=", BinaryOp::kLe, kCompareLevel},
                                             {">=", BinaryOp::kGe, kCompareLevel},
                                             {"<", BinaryOp::kLt, kCompareLevel},
                                             {">", BinaryOp::kGt, kCompareLevel},
                                             {"|", BinaryOp::kOr, 4},
                                             {"^", BinaryOp::kXor, 5},
                                             {"&", BinaryOp::kAnd, 6},
                                             {"<<", BinaryOp::kShl, 7},
                                             {"+", BinaryOp::kAdd, 8},
                                             {"-", BinaryOp::kSub, 8},
                                             {"*", BinaryOp::kMul, kTightest},
                                             {"/", BinaryOp::kDiv, kTightest},
                                             {"%", BinaryOp::kMod, kTightest}}};
constexpr int kShiftLevel = 7;

bool is_number(const Token& token) {
  return token.kind == Token::Kind::kInteger || token.kind == Token::Kind::kFraction;
}
bool is_special_number(const Token& token) {
  return token.text == "inf" || token.text == "nan";
}
bool is_plain_type(std::string_view word) {
  return word == "bool" || word == "index" || word == "float32" || word == "bfloat16";
}
bool is_fixed_type(std::string_view word) {
  return word == "int" || word == "uint" || word == "fixed" || word == "ufixed";
}

}  // namespace

void Scope::declare(const std::string& name, const Meaning& meaning) {
  const auto found = meanings_.find(name);
  history_.emplace_back(name,
                        found == meanings_.end() ? std::nullopt : std::optional(found->second));
  meanings_[name] = meaning;
}

const Meaning* Scope::find(const std::string& name) const {
  const auto found = meanings_.find(name);
  return found == meanings_.end() ? nullptr : &found->second;
}

std::vector<std::string> Scope::names(Meaning::Kind kind) const {
  std::vector<std::string> result;
  for (const auto& [name, meaning] : meanings_) {
    if (meaning.kind == kind) result.push_back(name);
  }
  return result;
}

void Scope::shrink(std::size_t size) {
  for (; history_.size() > size; history_.pop_back()) {
    const auto& [name, before] = history_.back();
    if (before) {
      meanings_[name] = *before;
    } else {
      meanings_.erase(name);
    }
  }
}

Nesting::Nesting(const Cursor& cursor, int& depth) : depth_(depth) {
  if (++depth_ > kDeepest) {
    --depth_;
    throw cursor.error(cursor.peek(), fmt::format("the text is nested more than {} deep", kDeepest),
                       "store a part of it in a variable, or move it to a kernel of its own");
  }
}

Type ExprParser::type() {
  const Token name = cursor_.peek();
  if (!is_plain_type(name.text) && !is_fixed_type(name.text)) {
    throw cursor_.expected("a type",
                           "write bool, index, int<8>, uint<8>, fixed<16,6>, ufixed<16,6>, float32 "
                           "or bfloat16");
  }
  cursor_.next();
  if (name.text == "bool") return bool_type();
  if (name.text == "index") return index_type();
  if (name.text == "float32") return float32_type();
  if (name.text == "bfloat16") return bfloat16_type();
  cursor_.expect("<");
  const auto width = static_cast<int>(cursor_.expect_integer("a width in bits", 1, kMaxWidth));
  int integer_bits = width;
  if (name.text.ends_with("fixed")) {
    cursor_.expect(",");
    integer_bits =
        static_cast<int>(cursor_.expect_integer("the number of integer bits", -1024, 1024));
  }
  Rounding rounding = Rounding::kTruncate;
  Overflow overflow = Overflow::kExact;
  while (cursor_.accept(",")) {
    const Token mode = cursor_.expect_name("a rounding or overflow mode");
    const auto names_mode = [&](auto value) { return to_string(value) == mode.text; };
    const auto* as_rounding = std::find_if(kRoundings.begin(), kRoundings.end(), names_mode);
    const auto* as_overflow = std::find_if(kOverflows.begin(), kOverflows.end(), names_mode);
    if (as_rounding != kRoundings.end()) {
      rounding = *as_rounding;
    } else if (as_overflow != kOverflows.end()) {
      overflow = *as_overflow;
    } else {
      std::vector<std::string> known;
      known.reserve(kRoundings.size() + kOverflows.size());
      for (const Rounding value : kRoundings) known.emplace_back(to_string(value));
      for (const Overflow value : kOverflows) known.emplace_back(to_string(value));
      throw cursor_.unknown(mode, "a rounding or overflow mode", known);
    }
  }
  cursor_.expect(">");
  return cursor_.placed(name, [&] {
    return name.text.starts_with("u") ? ufixed_type(width, integer_bits, rounding, overflow)
                                      : fixed_type(width, integer_bits, rounding, overflow);
  });
}

Expr ExprParser::index() {
  const Token start = cursor_.peek();
  const Expr e = value();
  return cursor_.placed(start, [&] { return to_index(e); });
}

Expr ExprParser::stored(const Type& element) {
  const Token start = cursor_.peek();
  const Operand operand = expression();
  if (operand.pinned) return operand.value;
  return cursor_.placed(start, [&] { return as_stored(element, operand.value); });
}

Expr ExprParser::argument(const Type& type) {
  const Token start = cursor_.peek();
  const Operand operand = expression();
  if (operand.pinned || operand.value.as<Constant>() == nullptr) return operand.value;
  return cursor_.placed(start, [&] { return cast(type, operand.value); });
}

std::vector<Expr> ExprParser::subscripts() {
  std::vector<Expr> list;
  if (!cursor_.accept("[")) return list;
  do {
    list.push_back(index());
  } while (cursor_.accept(","));
  cursor_.expect("]");
  return list;
}

bool ExprParser::at_content(std::size_t at) const {
  if (cursor_.at("raw", at)) ++at;
  if (cursor_.at("-", at)) ++at;
  const Token& token = cursor_.peek(at);
  const bool is_bool = token.text == "true" || token.text == "false";
  return (is_number(token) || is_special_number(token) || is_bool) &&
         (cursor_.at(")", at + 1) || cursor_.at("}", at + 1));
}

Expr ExprParser::content(const Type& type) {
  const Token start = cursor_.peek();
  const bool is_raw = cursor_.accept("raw");
  std::string text = cursor_.accept("-") ? "-" : "";
  const Token token = cursor_.peek();
  const bool is_bool = text.empty() && (token.text == "true" || token.text == "false");
  if (!(is_number(token) || is_special_number(token) || is_bool) ||
      (is_raw && token.kind != Token::Kind::kInteger)) {
    throw cursor_.expected(is_raw ? "whole number" : "a literal",
                           fmt::format("write a value of {}, as in {}", to_string(type),
                                       type.is_bool()    ? "true"
                                       : type.is_float() ? "1.5"
                                                         : "12"));
  }
  text += cursor_.next().text;
  return cursor_.placed(start, [&] {
    if (!is_raw) return typed_literal(type, text);
    // Any type that wide can hold the bits of every other.
    const Expr bits = typed_literal(int_type(kMaxWidth), text);
    return raw_literal(type, *as_integer(bits));
  });
}

ExprParser::Part ExprParser::made(const Token& token, const std::vector<Part>& parts,
                                  const Maker& make) const {
  int height = 1;
  std::vector<Operand> operands;
  for (const Part& part : parts) {
    height = std::max(height, part.height + 1);
    operands.push_back(part.operand);
  }
  if (height > kMaxNesting) {
    throw cursor_.error(token,
                        fmt::format("an expression is nested more than {} deep", kMaxNesting),
                        "store a part of it in a variable first");
  }
  return {{cursor_.placed(token, [&] { return make_from(operands, make); })}, height};
}

std::optional<std::pair<BinaryOp, int>> ExprParser::infix() const {
  const Token& token = cursor_.peek();
  if (token.kind != Token::Kind::kSymbol) return std::nullopt;
  if (token.text == ">" && cursor_.at(">", 1) &&
      cursor_.peek(1).text.data() == token.text.data() + 1) {
    return std::pair(BinaryOp::kShr, kShiftLevel);
  }
  for (const Infix& infix : kInfixes) {
    if (infix.text == token.text) return std::pair(infix.op, infix.level);
  }
  return std::nullopt;
}

/// && and || stand between conditions, & and | between integers.
void ExprParser::check_logic(const Token& sign, BinaryOp op, const Expr& operand) const {
  if (op != BinaryOp::kAnd && op != BinaryOp::kOr) return;
  const bool is_double = sign.text.size() == 2;
  if (operand.type().is_bool() == is_double) return;
  throw cursor_.error(
      sign, fmt::format("{} does not go with {}", sign.text, to_string(operand.type())),
      is_double ? fmt::format("write {} between integers, or compare them with "
                              "something to get a condition",
                              sign.text.substr(1))
                : fmt::format("write {}{} between conditions", sign.text, sign.text));
}

ExprParser::Part ExprParser::binary(int level) {
  Part left = unary();
  for (auto sign = infix(); sign && sign->second >= level; sign = infix()) {
    const auto [op, op_level] = *sign;
    const Token token = cursor_.next();
    if (op == BinaryOp::kShr) cursor_.next();
    const Part right = binary(op_level + 1);
    check_logic(token, op, left.operand.value);
    check_logic(token, op, right.operand.value);
    left = made(token, {left, right}, [o = op](const std::vector<Expr>& parts) {
      return kernel::binary(o, parts[0], parts[1]);
    });
    const auto after = infix();
    if (op_level == kCompareLevel && after && after->second == kCompareLevel) {
      throw cursor_.error(cursor_.peek(), "a comparison of a comparison",
                          "put brackets around one of them, or join two with &&");
    }
  }
  return left;
}

ExprParser::Part ExprParser::unary() {
  const Nesting nesting(cursor_, depth_);
  const bool is_negative = cursor_.at("-");
  if (is_negative && (is_number(cursor_.peek(1)) || is_special_number(cursor_.peek(1)))) {
    return negative_number();
  }
  if (!is_negative && !cursor_.at("!") && !cursor_.at("~")) return primary();
  const Token sign = cursor_.next();
  const Part operand = unary();
  const UnaryOp op = is_negative ? UnaryOp::kNegate : UnaryOp::kNot;
  if (!is_negative && operand.operand.value.type().is_bool() != (sign.text == "!")) {
    throw cursor_.error(
        sign,
        fmt::format("{} does not go with {}", sign.text, to_string(operand.operand.value.type())),
        sign.text == "!" ? "write ~ for the bits of an integer, or x == 0"
                         : "write ! for a condition");
  }
  return made(sign, {operand},
              [op](const std::vector<Expr>& parts) { return kernel::unary(op, parts[0]); });
}

ExprParser::Part ExprParser::negative_number() {
  const Token sign = cursor_.next();
  std::string text("-");
  text += cursor_.next().text;
  return {{cursor_.placed(sign, [&] { return untyped_literal(text); })}};
}

ExprParser::Part ExprParser::primary() {
  const Token& token = cursor_.peek();
  if (is_number(token) || is_special_number(token)) return number();
  if (token.text == "true" || token.text == "false") {
    return {{constant(bool_type(), Int128{cursor_.next().text == "true" ? 1 : 0})}};
  }
  if (cursor_.accept("(")) {
    const Part inner = binary(1);
    cursor_.expect(")");
    return inner;
  }
  if (token.text == "bits") return bits();
  if (at_type()) return converted();
  if (!cursor_.at_name() || is_reserved(token.text)) {
    throw cursor_.expected("an expression", "write a number, a name, or brackets around operators");
  }
  return named();
}

ExprParser::Part ExprParser::number() {
  const Token token = cursor_.next();
  return {{cursor_.placed(token, [&] { return untyped_literal(std::string(token.text)); })}};
}

/// A type's name in an expression: T(x), T(3) or T{3}. index, bool, float32 and bfloat16 may also
/// be names of variables: `for i in 0..index {` has no literal, `for i in 0..index{5} {` has one.
bool ExprParser::at_type() const {
  const Token& token = cursor_.peek();
  if (is_fixed_type(token.text)) return true;
  return is_plain_type(token.text) && (cursor_.at("(", 1) || (cursor_.at("{", 1) && at_content(2)));
}

ExprParser::Part ExprParser::converted() {
  const Token name = cursor_.peek();
  const Type to = type();
  if (cursor_.at("{")) {
    cursor_.next();
    const Expr literal = content(to);
    cursor_.expect("}");
    return {{literal, true}};
  }
  if (cursor_.at("(") && at_content(1)) {
    cursor_.next();
    const Expr literal = content(to);
    cursor_.expect(")");
    return {{literal}};
  }
  cursor_.expect("(");
  const Part operand = binary(1);
  cursor_.expect(")");
  return made(name, {operand}, [&](const std::vector<Expr>& parts) { return cast(to, parts[0]); });
}

ExprParser::Part ExprParser::bits() {
  const Token name = cursor_.next();
  cursor_.expect("<");
  const Type to = type();
  cursor_.expect(">");
  cursor_.expect("(");
  const Part operand = binary(1);
  cursor_.expect(")");
  return made(name, {operand},
              [&](const std::vector<Expr>& parts) { return bitcast(to, parts[0]); });
}

std::vector<ExprParser::Part> ExprParser::list(std::string_view open, std::string_view close) {
  std::vector<Part> parts;
  cursor_.expect(open);
  if (open == "(" && cursor_.accept(close)) return parts;
  do {
    parts.push_back(binary(1));
  } while (cursor_.accept(","));
  cursor_.expect(close);
  return parts;
}

ExprParser::Part ExprParser::element(const Token& name, const Type& type) {
  std::vector<Part> indices;
  if (cursor_.at("[")) indices = list("[", "]");
  return made(name, indices, [&](const std::vector<Expr>& parts) {
    return load(std::string(name.text), type, parts);
  });
}

ExprParser::Part ExprParser::named() {
  const Token name = cursor_.next();
  if (cursor_.at("(")) return call(name);
  const Meaning* meaning = scope_.find(std::string(name.text));
  if (meaning != nullptr && meaning->kind == Meaning::Kind::kVariable) {
    if (cursor_.at("[")) {
      throw cursor_.error(name, fmt::format("{} is a number, not an array", name.text),
                          "remove the subscripts");
    }
    return {{variable(std::string(name.text), meaning->type)}};
  }
  if (meaning != nullptr && meaning->kind == Meaning::Kind::kArray) {
    return element(name, meaning->type);
  }
  if (meaning != nullptr && meaning->kind == Meaning::Kind::kStream) {
    throw cursor_.error(name, fmt::format("{} is a stream", name.text),
                        fmt::format("get an element into a variable first: get {}, x", name.text));
  }
  std::vector<std::string> known = scope_.names(Meaning::Kind::kVariable);
  const std::vector<std::string> arrays = scope_.names(Meaning::Kind::kArray);
  known.insert(known.end(), arrays.begin(), arrays.end());
  throw cursor_.unknown(name, "a variable or array", known);
}

ExprParser::Part ExprParser::call(const Token& name) {
  if (is_builtin_function(name.text)) return builtin_call(name, list("(", ")"));
  const auto found = functions_.find(std::string(name.text));
  if (found == functions_.end()) {
    std::vector<std::string> known = {"abs", "floor", "max", "min", "round", "select", "sqrt"};
    for (const auto& [other, function] : functions_) known.push_back(other);
    throw cursor_.unknown(name, "a function", known);
  }
  return made(name, list("(", ")"),
              [&](const std::vector<Expr>& parts) { return apply(found->second, parts); });
}

ExprParser::Part ExprParser::builtin_call(const Token& name, const std::vector<Part>& arguments) {
  const auto with = [&](std::size_t count, const Maker& make) {
    if (arguments.size() != count) {
      throw cursor_.error(
          name, fmt::format("{} takes {} arguments, not {}", name.text, count, arguments.size()),
          fmt::format("give {} arguments in brackets", count));
    }
    return made(name, arguments, make);
  };
  if (name.text == "select") {
    return with(3, [](const std::vector<Expr>& parts) {
      return kernel::select(parts[0], parts[1], parts[2]);
    });
  }
  for (const BinaryOp op : {BinaryOp::kMin, BinaryOp::kMax}) {
    if (to_string(op) != name.text) continue;
    return with(
        2, [op](const std::vector<Expr>& parts) { return kernel::binary(op, parts[0], parts[1]); });
  }
  for (const UnaryOp op : {UnaryOp::kAbs, UnaryOp::kSqrt, UnaryOp::kFloor, UnaryOp::kRound}) {
    if (to_string(op) != name.text) continue;
    return with(1, [op](const std::vector<Expr>& parts) { return kernel::unary(op, parts[0]); });
  }
  throw InternalError(fmt::format("no function {}", name.text));
}

}  // namespace heddle::kernel

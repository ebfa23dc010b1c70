#include "kernel/program_expressions.h"

#include <bit>
#include <cmath>

#include "base/error.h"

namespace heddle::kernel {
namespace {

/// More code than any kernel that a person wrote; functions of functions can reach it.
constexpr std::size_t kMostInstructions = std::size_t{1} << 20;
/// Of what kFloatToWord makes.
constexpr Int128 kFloatWordLimit = Int128{1} << 61;
constexpr int kFloatWordBits = 60;
/// Scales by powers of two up to here keep floats normal and doubles exact.
constexpr int kLargestScale = 100;

Opcode offset(Opcode first, int by) {
  return static_cast<Opcode>(static_cast<int>(first) + by);
}

Opcode comparison(Opcode equal, BinaryOp op) {
  return offset(equal, static_cast<int>(op) - static_cast<int>(BinaryOp::kEq));
}

std::optional<Opcode> narrow_opcode(BinaryOp op, bool is_index) {
  if (is_comparison(op)) return comparison(Opcode::kEq, op);
  switch (op) {
    case BinaryOp::kAdd:
      return is_index ? Opcode::kIndexAdd : Opcode::kAdd;
    case BinaryOp::kSub:
      return is_index ? Opcode::kIndexSub : Opcode::kSub;
    case BinaryOp::kMul:
      return is_index ? Opcode::kIndexMul : Opcode::kMul;
    case BinaryOp::kDiv:
      return is_index ? Opcode::kIndexDiv : Opcode::kDiv;
    case BinaryOp::kMod:
      return is_index ? Opcode::kIndexMod : Opcode::kMod;
    case BinaryOp::kMin:
      return Opcode::kMin;
    case BinaryOp::kMax:
      return Opcode::kMax;
    case BinaryOp::kAnd:
      return Opcode::kAnd;
    case BinaryOp::kOr:
      return Opcode::kOr;
    case BinaryOp::kXor:
      return Opcode::kXor;
    case BinaryOp::kShr:
      return Opcode::kShr;
    default:
      return std::nullopt;
  }
}

Opcode float_opcode(BinaryOp op) {
  if (is_comparison(op)) return comparison(Opcode::kFloatEq, op);
  switch (op) {
    case BinaryOp::kAdd:
      return Opcode::kFloatAdd;
    case BinaryOp::kSub:
      return Opcode::kFloatSub;
    case BinaryOp::kMul:
      return Opcode::kFloatMul;
    case BinaryOp::kDiv:
      return Opcode::kFloatDiv;
    case BinaryOp::kMin:
      return Opcode::kFloatMin;
    case BinaryOp::kMax:
      return Opcode::kFloatMax;
    default:
      throw InternalError(fmt::format("{} on floats", to_string(op)));
  }
}

Opcode float_opcode(UnaryOp op) {
  switch (op) {
    case UnaryOp::kNegate:
      return Opcode::kFloatNegate;
    case UnaryOp::kAbs:
      return Opcode::kFloatAbs;
    case UnaryOp::kSqrt:
      return Opcode::kFloatSqrt;
    case UnaryOp::kFloor:
      return Opcode::kFloatFloor;
    case UnaryOp::kRound:
      return Opcode::kFloatRound;
    case UnaryOp::kNot:
      break;
  }
  throw InternalError("! on floats");
}

bool may_fault(BinaryOp op, const Type& result) {
  return result.is_index() || op == BinaryOp::kDiv || op == BinaryOp::kMod ||
         op == BinaryOp::kShl || op == BinaryOp::kShr;
}

Opcode load_opcode(const Type& type) {
  if (type.kind == TypeKind::kFloat32) return Opcode::kLoadFloat32;
  if (type.kind == TypeKind::kBFloat16) return Opcode::kLoadBFloat16;
  const bool is_signed = type.is_index() || type.is_signed;
  // 8 bytes that a narrow type fills are the same number signed or not.
  if (type.bytes() == 8) return is_narrow(type) ? Opcode::kLoadInt64 : Opcode::kLoadUInt64;
  return offset(is_signed ? Opcode::kLoadInt8 : Opcode::kLoadUInt8,
                std::countr_zero(static_cast<unsigned>(type.bytes())));
}

Opcode store_opcode(const Type& type) {
  if (type.kind == TypeKind::kFloat32) return Opcode::kStoreFloat32;
  if (type.kind == TypeKind::kBFloat16) return Opcode::kStoreBFloat16;
  if (!is_narrow(type)) return Opcode::kStoreWide;
  return offset(Opcode::kStore8, std::countr_zero(static_cast<unsigned>(type.bytes())));
}

int bits_of(const Type& type) {
  return type.is_fixed() ? type.width : type.is_bool() ? 1 : 64;
}

}  // namespace

std::int32_t ExpressionTranslator::emit(Instruction instruction) {
  if (code_.instructions.size() >= kMostInstructions) {
    throw UserError(fmt::format("kernel {} is more than {} operations once the functions it uses "
                                "are written out",
                                code_.kernel->name, kMostInstructions),
                    "let functions call each other less often, or store what they share");
  }
  code_.instructions.push_back(instruction);
  code_.site_of.push_back(site_);
  return here() - 1;
}

std::int32_t ExpressionTranslator::emit_to_new(Opcode op, std::int32_t a, std::int32_t b,
                                               std::int32_t c, std::uint16_t rank,
                                               std::uint8_t mode) {
  const std::int32_t to = take_register();
  emit({op, mode, rank, to, a, b, c});
  return to;
}

std::int32_t ExpressionTranslator::take_register() {
  code_.registers = std::max(code_.registers, next_ + 1);
  return next_++;
}

std::int32_t ExpressionTranslator::constant_register(const Register& value, const Type& type) {
  const Int128 bits = type.is_float()   ? std::bit_cast<std::uint32_t>(value.real)
                      : is_narrow(type) ? Int128{value.word}
                                        : value.wide;
  // A wide constant that is also an int64 has the same bits as the narrow one, sign included.
  Register kept = value;
  if (!type.is_float()) kept.wide = bits;
  const auto next = -1 - static_cast<std::int32_t>(code_.constants.size());
  const auto [place, is_new] = constants_.emplace(std::pair(type.is_float(), bits), next);
  if (is_new) code_.constants.push_back(kept);
  return place->second;
}

std::int32_t ExpressionTranslator::operands(const std::vector<Expr>& list) {
  std::vector<std::int32_t> places;
  places.reserve(list.size());
  for (const Expr& e : list) places.push_back(expression(e));
  const auto first = static_cast<std::int32_t>(code_.operands.size());
  code_.operands.insert(code_.operands.end(), places.begin(), places.end());
  return first;
}

std::int32_t ExpressionTranslator::add_array(const Array& array) {
  const auto place = static_cast<std::int32_t>(code_.arrays.size());
  ArrayPlace& added = code_.arrays.emplace_back();
  added.declaration = &array;
  added.first_dimension = code_.dimensions;
  for (const Expr& e : array.table) {
    const auto* literal = e.as<Constant>();
    added.table.push_back(unboxed({array.element, literal->raw, literal->real}));
  }
  code_.dimensions += static_cast<std::int32_t>(array.shape.size());
  arrays_[array.name] = place;
  return place;
}

const Type& ExpressionTranslator::element(const std::string& array) const {
  return code_.arrays[arrays_.at(array)].declaration->element;
}

std::int32_t ExpressionTranslator::load(const std::string& array, std::int32_t first_operand,
                                        std::size_t rank) {
  const std::int32_t place = arrays_.at(array);
  const auto dimensions = static_cast<std::uint16_t>(rank);
  if (check_ports_) emit({Opcode::kTouch, 0, dimensions, 0, place, first_operand, 0});
  return emit_to_new(load_opcode(element(array)), place, first_operand, 0, dimensions);
}

void ExpressionTranslator::store(const std::string& array, std::int32_t first_operand,
                                 std::size_t rank, std::int32_t value) {
  const std::int32_t place = arrays_.at(array);
  const auto dimensions = static_cast<std::uint16_t>(rank);
  if (check_ports_) emit({Opcode::kTouch, 0, dimensions, 0, place, first_operand, 0});
  emit({store_opcode(element(array)), 0, dimensions, value, place, first_operand, 0});
}

std::int32_t ExpressionTranslator::expression(const Expr& e) {
  return std::visit([&](const auto& value) { return node(*e, value); }, e->value);
}

std::int32_t ExpressionTranslator::node(const ExprNode& node, const Constant& value) {
  return constant_register(unboxed({node.type, value.raw, value.real}), node.type);
}

std::int32_t ExpressionTranslator::node(const ExprNode& /*node*/, const Variable& value) {
  return variables_.at(value.name);
}

std::int32_t ExpressionTranslator::node(const ExprNode& /*node*/, const Load& value) {
  const std::int32_t first = operands(value.indices);
  return load(value.array, first, value.indices.size());
}

std::int32_t ExpressionTranslator::node(const ExprNode& node, const Select& value) {
  const std::int32_t condition = expression(value.condition);
  const std::int32_t to = take_register();
  const std::int32_t if_false = emit({Opcode::kJumpIfFalse, 0, 0, 0, condition, 0, 0});
  emit({Opcode::kMove, 0, 0, to, converted(expression(value.a), value.a.type(), node.type), 0, 0});
  const std::int32_t done = emit({Opcode::kJump});
  land(if_false);
  emit({Opcode::kMove, 0, 0, to, converted(expression(value.b), value.b.type(), node.type), 0, 0});
  land(done);
  return to;
}

std::int32_t ExpressionTranslator::node(const ExprNode& node, const Cast& value) {
  return converted(expression(value.operand), value.operand.type(), node.type);
}

std::int32_t ExpressionTranslator::node(const ExprNode& node, const Bitcast& value) {
  const General general{{}, {}, value.operand.type(), {}, node.type};
  return emit_general(Opcode::kReinterpret, general, expression(value.operand), 0);
}

std::int32_t ExpressionTranslator::node(const ExprNode& /*node*/, const Apply& value) {
  std::map<std::string, std::int32_t> inner;
  for (std::size_t i = 0; i < value.arguments.size(); ++i) {
    inner[value.function->parameters[i].name] = expression(value.arguments[i]);
  }
  variables_.swap(inner);
  for (const Function::Binding& binding : value.function->bindings) {
    variables_[binding.name] = expression(binding.value);
  }
  const std::int32_t result = expression(value.function->result);
  variables_.swap(inner);
  return result;
}

// Operators.

std::int32_t ExpressionTranslator::emit_general(Opcode op, const General& general, std::int32_t a,
                                                std::int32_t b) {
  const auto number = static_cast<std::int32_t>(code_.generals.size());
  code_.generals.push_back(general);
  return emit_to_new(op, a, b, number);
}

std::optional<Opcode> ExpressionTranslator::narrow_unary(UnaryOp op, const Type& operand,
                                                         const Type& result) const {
  if (!is_narrow(operand) || !is_narrow(result) || result.is_index()) return std::nullopt;
  if (op == UnaryOp::kNegate) return Opcode::kNegate;
  if (op == UnaryOp::kAbs) return Opcode::kAbs;
  // All bits turned: those that an unsigned number has, or all.
  return op == UnaryOp::kNot ? std::optional(Opcode::kXor) : std::nullopt;
}

std::int32_t ExpressionTranslator::node(const ExprNode& node, const Unary& value) {
  const Type& operand = value.operand.type();
  const std::int32_t a = expression(value.operand);
  if (operand.is_float()) {
    const std::int32_t result = emit_to_new(float_opcode(value.op), a);
    return node.type.kind == TypeKind::kBFloat16 ? emit_to_new(Opcode::kRoundToBFloat16, result)
                                                 : result;
  }
  if (const std::optional<Opcode> op = narrow_unary(value.op, operand, node.type)) {
    const bool all_bits = node.type.is_fixed() && node.type.is_signed;
    const auto mask = static_cast<std::int64_t>(all_bits ? Int128{-1} : highest(node.type));
    return emit_to_new(*op, a,
                       *op == Opcode::kXor ? constant_register(from_word(mask), node.type) : 0);
  }
  const std::int32_t result =
      emit_general(Opcode::kUnary, {value.op, {}, operand, {}, node.type}, a, 0);
  code_.explanations.push_back({here() - 1, std::nullopt, a, 0, operand, {}, node.type});
  return result;
}

std::int32_t ExpressionTranslator::lazy_logic(const Binary& value) {
  const std::int32_t to = take_register();
  emit({Opcode::kMove, 0, 0, to, expression(value.a), 0, 0});
  const Opcode skip = value.op == BinaryOp::kAnd ? Opcode::kJumpIfFalse : Opcode::kJumpIfTrue;
  const std::int32_t known = emit({skip, 0, 0, 0, to, 0, 0});
  emit({Opcode::kMove, 0, 0, to, expression(value.b), 0, 0});
  land(known);
  return to;
}

std::int32_t ExpressionTranslator::node(const ExprNode& node, const Binary& value) {
  const bool is_logic = value.op == BinaryOp::kAnd || value.op == BinaryOp::kOr;
  if (is_logic && node.type.is_bool()) return lazy_logic(value);
  const std::int32_t a = expression(value.a);
  const std::int32_t b = expression(value.b);
  if (value.a.type().is_float()) return float_binary(value, a, b, node.type);
  std::optional<std::int32_t> result = narrow_binary(value, a, b, node.type);
  if (!result) {
    result = emit_general(Opcode::kBinary,
                          {{}, value.op, value.a.type(), value.b.type(), node.type}, a, b);
  }
  if (may_fault(value.op, node.type)) {
    code_.explanations.push_back(
        {here() - 1, value.op, a, b, value.a.type(), value.b.type(), node.type});
  }
  return *result;
}

std::int32_t ExpressionTranslator::float_binary(const Binary& value, std::int32_t a, std::int32_t b,
                                                const Type& result) {
  const std::int32_t to = emit_to_new(float_opcode(value.op), a, b);
  return result.kind == TypeKind::kBFloat16 ? emit_to_new(Opcode::kRoundToBFloat16, to) : to;
}

std::optional<std::int32_t> ExpressionTranslator::aligned(std::int32_t a, const Type& type,
                                                          int fraction) {
  const int up = fraction - type.fraction;
  if (up == 0) return a;
  if (up < 0 || bits_of(type) + up > 63) return std::nullopt;
  return emit_to_new(Opcode::kShl, a, constant_register(from_word(up), index_type()));
}

std::optional<std::int32_t> ExpressionTranslator::narrow_binary(const Binary& value, std::int32_t a,
                                                                std::int32_t b,
                                                                const Type& result) {
  const Type& x = value.a.type();
  const Type& y = value.b.type();
  if (!is_narrow(x) || !is_narrow(y) || !is_narrow(result)) return std::nullopt;
  if (value.op == BinaryOp::kShl) {
    const Int128* amount = as_integer(value.b);
    // A shift by a literal has a type that holds it; others may lose bits.
    if (amount == nullptr || *amount != result.width - x.width) return std::nullopt;
    return emit_to_new(Opcode::kShl, a, b);
  }
  const std::optional<Opcode> op = narrow_opcode(value.op, result.is_index());
  if (!op) return std::nullopt;
  const bool wants_one_scale =
      is_comparison(value.op) || value.op == BinaryOp::kAdd || value.op == BinaryOp::kSub;
  if (wants_one_scale) {
    const int fraction = std::max(x.fraction, y.fraction);
    const std::optional<std::int32_t> left = aligned(a, x, fraction);
    const std::optional<std::int32_t> right = aligned(b, y, fraction);
    if (!left || !right) return std::nullopt;
    return emit_to_new(*op, *left, *right);
  }
  const bool is_scaled = value.op == BinaryOp::kMul || value.op == BinaryOp::kShr;
  if (!is_scaled && (x.fraction != y.fraction || x.fraction != result.fraction)) {
    return std::nullopt;
  }
  return emit_to_new(*op, a, b);
}

// Conversions.

std::int32_t ExpressionTranslator::converted(std::int32_t a, const Type& from, const Type& to) {
  if (from == to) return a;
  const std::size_t first = code_.instructions.size();
  std::optional<std::int32_t> result;
  if (is_narrow(from) && is_narrow(to)) {
    result = narrow_to_narrow(a, from, to);
  } else if (is_narrow(from) && to.is_float()) {
    result = narrow_to_float(a, from, to);
  } else if (from.is_float() && to.is_float()) {
    result = to.kind == TypeKind::kBFloat16 ? emit_to_new(Opcode::kRoundToBFloat16, a) : a;
  } else if (from.is_float() && is_narrow(to)) {
    result = float_to_narrow(a, to);
  }
  if (!result) result = emit_general(Opcode::kConvert, {{}, {}, from, {}, to}, a, 0);
  explain_conversion(first, a, from, to);
  return *result;
}

void ExpressionTranslator::explain_conversion(std::size_t first_instruction, std::int32_t a,
                                              const Type& from, const Type& to) {
  for (std::size_t i = first_instruction; i < code_.instructions.size(); ++i) {
    const Opcode op = code_.instructions[i].op;
    if (op != Opcode::kCheckRange && op != Opcode::kConvert) continue;
    code_.explanations.push_back({static_cast<std::int32_t>(i), std::nullopt, a, 0, from, {}, to});
  }
}

std::optional<std::int32_t> ExpressionTranslator::narrow_to_narrow(std::int32_t a, const Type& from,
                                                                   const Type& to) {
  const int up = to.fraction - from.fraction;
  if (up >= 0) {
    const std::optional<std::int32_t> scaled = aligned(a, from, to.fraction);
    if (!scaled) return std::nullopt;
    const Int128 factor = Int128{1} << up;
    return fitted(*scaled, lowest(from) * factor, highest(from) * factor, to);
  }
  if (up < -62) return std::nullopt;
  const std::int32_t rounded =
      emit_to_new(Opcode::kRoundOff, a, 0, 0, static_cast<std::uint16_t>(-up),
                  static_cast<std::uint8_t>(to.rounding));
  return fitted(rounded, lowest(from) >> -up, (highest(from) >> -up) + 1, to);
}

std::int32_t ExpressionTranslator::fitted(std::int32_t a, Int128 low, Int128 high, const Type& to) {
  // A signed symmetric type never takes its lowest value.
  const bool is_symmetric = to.overflow == Overflow::kSaturateSymmetric;
  const Int128 bottom = is_symmetric && to.is_signed ? -highest(to) : lowest(to);
  if (low >= bottom && high <= highest(to)) return a;
  if (to.overflow == Overflow::kWrap && to.is_fixed()) {
    if (!to.is_signed) {
      const auto mask = static_cast<std::int64_t>(highest(to));
      return emit_to_new(Opcode::kAnd, a, constant_register(from_word(mask), to));
    }
    return emit_to_new(Opcode::kSignExtend, a, 0, 0, static_cast<std::uint16_t>(64 - to.width));
  }
  const Opcode op = to.overflow == Overflow::kExact          ? Opcode::kCheckRange
                    : to.overflow == Overflow::kSaturateZero ? Opcode::kZeroOutside
                                                             : Opcode::kClamp;
  const auto limit = [&](Int128 value) {
    return constant_register(from_word(static_cast<std::int64_t>(value)), to);
  };
  const std::int32_t from = limit(bottom);
  return emit_to_new(op, a, from, limit(highest(to)));
}

std::optional<std::int32_t> ExpressionTranslator::narrow_to_float(std::int32_t a, const Type& from,
                                                                  const Type& to) {
  if (from.fraction > kLargestScale || from.fraction < -kLargestScale / 2) return std::nullopt;
  std::int32_t result = emit_to_new(Opcode::kWordToFloat, a);
  if (from.fraction != 0) {
    // Exact: a raw number other than 0 is at least 1, so that nothing becomes subnormal.
    const float scale = std::ldexp(1.0F, -from.fraction);
    result = emit_to_new(Opcode::kFloatMul, result, constant_register(from_real(scale), to));
  }
  return to.kind == TypeKind::kBFloat16 ? emit_to_new(Opcode::kRoundToBFloat16, result) : result;
}

std::optional<std::int32_t> ExpressionTranslator::float_to_narrow(std::int32_t a, const Type& to) {
  const bool is_usual = to.rounding == Rounding::kTruncate ||
                        to.rounding == Rounding::kTruncateZero ||
                        to.rounding == Rounding::kNearestEven;
  if (!to.is_fixed() || to.width > kFloatWordBits || to.overflow == Overflow::kWrap || !is_usual ||
      to.fraction > kLargestScale || to.fraction < -kLargestScale) {
    return std::nullopt;
  }
  const std::int32_t scale =
      constant_register(from_real(std::ldexp(1.0F, to.fraction)), float32_type());
  // A NaN is 0, but outside of an exact type.
  const Int128 of_nan = to.overflow == Overflow::kExact ? kFloatWordLimit : Int128{0};
  const std::int32_t instead =
      constant_register(from_word(static_cast<std::int64_t>(of_nan)), index_type());
  const std::int32_t word = emit_to_new(Opcode::kFloatToWord, a, scale, instead, 0,
                                        static_cast<std::uint8_t>(to.rounding));
  return fitted(word, -kFloatWordLimit, kFloatWordLimit, to);
}

}  // namespace heddle::kernel

#include "kernel/library/common.h"

#include "base/error.h"

namespace heddle::kernel {

Type element_type(Number number) {
  switch (number) {
    case Number::kFloat32:
      return float32_type();
    case Number::kBFloat16:
      return bfloat16_type();
    case Number::kInt8:
      break;
  }
  return int_type(8);
}

Type sum_type(Number number) {
  return number == Number::kInt8 ? int_type(32) : float32_type();
}

void check_sum(Number number, const std::string& parameter, std::int64_t length) {
  if (number != Number::kInt8 || length <= kLongestInt8Sum) return;
  throw UserError(
      fmt::format("{}={}: a sum of so many int8 products may overflow int<32>", parameter, length),
      fmt::format("use at most {}, or type=float32", kLongestInt8Sum));
}

Expr product(const Expr& a, const Expr& b) {
  const auto widen = [](const Expr& e) {
    return e.type().is_float() ? cast(float32_type(), e) : e;
  };
  return widen(a) * widen(b);
}

Expr visible_keys(const Expr& keys, const Expr& offset, const Expr& query) {
  return min(to_index(keys), offset + query + 1);
}

Type multiplier_type() {
  return uint_type(kMultiplierBits);
}
Type shift_type() {
  return uint_type(6);
}

Expr shift_to_nearest(const Expr& p, const Expr& shift) {
  return ((p >> (shift - 1)) + 1) >> 1;
}

namespace {

FunctionPtr make_requantise() {
  FunctionBuilder f("requantise_value");
  const Expr x = f.parameter("x", int_type(32));
  const Expr multiplier = f.parameter("multiplier", multiplier_type());
  const Expr shift = f.parameter("shift", shift_type());
  const Expr scaled = f.let("scaled", shift_to_nearest(x * multiplier, shift));
  return f.returns(cast(int_type(8), cast(int_type(8, Overflow::kSaturate), scaled)));
}

}  // namespace

Expr requantise(const Expr& x, const Expr& multiplier, const Expr& shift) {
  static const FunctionPtr function = make_requantise();
  return apply(function, {cast(int_type(32), x), multiplier, shift});
}

Expr saturate_int8(const Expr& x) {
  return cast(int_type(8), cast(fixed_type(8, 8, Rounding::kNearestEven, Overflow::kSaturate), x));
}

Window columns_from(const ArrayHandle& array, const Expr& first) {
  Window window = array.all();
  window.dimensions.at(1).base = to_index(first);
  return window;
}

LibraryParameter size_parameter(const std::string& name, const std::string& summary,
                                std::int64_t default_number) {
  return {name, summary, default_number, 1, {}};
}

LibraryParameter word_parameter(const std::string& name, const std::string& summary,
                                std::vector<std::string> choices) {
  return {name, summary, 0, 0, std::move(choices)};
}

LibraryParameter type_parameter(bool with_bfloat16) {
  std::vector<std::string> choices = {"float32", "int8"};
  if (with_bfloat16) choices.emplace_back("bfloat16");
  return word_parameter("type", "type of the operands", std::move(choices));
}

LibraryParameter mask_parameter() {
  return word_parameter("mask",
                        "causal: query i sees keys 0 ... offset + i, offset a scalar argument",
                        {"none", "causal"});
}

Number number_of(const LibraryArguments& arguments) {
  const std::string& word = arguments.word("type");
  if (word == "int8") return Number::kInt8;
  return word == "bfloat16" ? Number::kBFloat16 : Number::kFloat32;
}

Mask mask_of(const LibraryArguments& arguments) {
  return arguments.word("mask") == "causal" ? Mask::kCausal : Mask::kNone;
}

bool is_yes(const LibraryArguments& arguments, const std::string& name) {
  return arguments.word(name) == "yes";
}

LibrarySchedule base_schedule() {
  return {"base", "the plain loop nest",
          [](const KernelPtr& kernel, const LibraryArguments&) { return Schedule(kernel); }};
}

}  // namespace heddle::kernel

// What the library's kernels share: number types, masks, integer rounding, entries' parameters.
#pragma once

#include <string>
#include <vector>

#include "kernel/builder.h"
#include "kernel/library/function_builder.h"
#include "kernel/library/library.h"

namespace heddle::kernel {

/// What the operands of a kernel are.
enum class Number : std::uint8_t {
  kFloat32,
  kBFloat16,  ///< products and sums in float32
  kInt8,      ///< products exact, sums in int<32>
};
Type element_type(Number number);
/// The type of a sum of products.
Type sum_type(Number number);
/// The most products of 8-bit numbers that surely fit an int<32>: 128 * 128 * 131071 < 2^31. With
/// unsigned weights (255 * 128) 65536.
constexpr std::int64_t kLongestInt8Sum = 131071;
constexpr std::int64_t kLongestUint8Sum = 65536;
/// Throws UserError if sums of `length` int8 products could overflow.
void check_sum(Number number, const std::string& parameter, std::int64_t length);

/// a * b as it is summed: bfloat16 operands become float32 first.
Expr product(const Expr& a, const Expr& b);

/// Which keys a query sees.
enum class Mask : std::uint8_t {
  kNone,    ///< all
  kCausal,  ///< query i the keys 0 ... offset + i, where offset is a scalar argument
};
/// The number of keys that query i sees, as an upper bound: not above `keys`, but maybe negative.
Expr visible_keys(const Expr& keys, const Expr& offset, const Expr& query);

// Integer scaling: round(x * multiplier / 2^shift), ties upward, by integers alone.

constexpr int kMultiplierBits = 31;
/// uint<31>
Type multiplier_type();
/// uint<6>; shifts are 1 ... 62.
Type shift_type();
/// round(p / 2^shift), ties upward: ((p >> (shift - 1)) + 1) >> 1.
Expr shift_to_nearest(const Expr& p, const Expr& shift);
/// int<8>: x (an integer of at most 32 bits) times multiplier / 2^shift to the nearest, ties
/// upward, saturated to -128 ... 127. The Function is called requantise_value.
Expr requantise(const Expr& x, const Expr& multiplier, const Expr& shift);
/// int<8>: a float32 or fixed-point value to the nearest, ties to even, saturated; NaN gives 0.
Expr saturate_int8(const Expr& x);

/// Part of a two-dimensional array: from column `first`, as many columns as the callee has.
Window columns_from(const ArrayHandle& array, const Expr& first);

// For entries of the library.

LibraryParameter size_parameter(const std::string& name, const std::string& summary,
                                std::int64_t default_number);
LibraryParameter word_parameter(const std::string& name, const std::string& summary,
                                std::vector<std::string> choices);
/// "type": float32, int8 and, if `with_bfloat16`, bfloat16.
LibraryParameter type_parameter(bool with_bfloat16 = false);
/// "mask": none, causal.
LibraryParameter mask_parameter();
Number number_of(const LibraryArguments& arguments);
Mask mask_of(const LibraryArguments& arguments);
/// The value of a parameter with the choices no and yes.
bool is_yes(const LibraryArguments& arguments, const std::string& name);
/// "base": no step at all.
LibrarySchedule base_schedule();

}  // namespace heddle::kernel

// The scalar rules of docs/arithmetic.md, bit for bit, as straight-line integer Functions.
//
// What a rule gets as a constant of the model (fractions, depths) is a C++ parameter here; what a
// row, a channel or an element brings is a parameter of the Function. Types are as narrow as the
// page's bounds allow, and no product is wider than 27x18 signed bits. The Functions of one kernel
// need different names where their constants differ: hence `name`.
#pragma once

#include <cstdint>
#include <string>

#include "kernel/library/function_builder.h"

namespace heddle::kernel {

/// A Fixed number: int<27>, of which -2^26 is not used.
constexpr int kFixedBits = 27;
Type fixed_number();
/// m and e of a Scale m 2^e: uint<16> and int<8>.
Type mantissa_type();
Type exponent_type();
/// What shift amounts are computed in: int<12>.
Type amount_type();

/// bits(x) of a constant that is not negative.
int digits_of(std::int64_t x);
/// k0: by how many bits a sum of `depth` products of codes may exceed `width` bits.
int sum_excess(std::int64_t depth, int width);

// Rules of section 1, as formulas.

/// sat(x) -> int<27>.
Expr saturate_fixed(const Expr& x);
/// rnd(x, shift) in the narrowest type; x is an integer of at most 62 bits.
Expr round_shift(const Expr& x, int shift);
/// sat(rnd(x, shift)) -> int<27>.
Expr round_saturate(const Expr& x, int shift);
/// (x: int<width>, shift: int<12>) -> int<27>: the same for a shift that varies.
FunctionPtr round_saturate_function(int width);
/// Its application to a signed x.
Expr round_saturate(const Expr& x, const Expr& shift);
/// rnd(x, shift) for a shift of -most ... most, where the result is known to fit int<width>.
Expr round_shift_within(const Expr& x, const Expr& shift, int most, int width);

/// bits(x) of x: uint<width> -> uint<7>.
FunctionPtr bits_function(int width);
/// e of (m, e) = normal(x, 0) for x: uint<width>, width >= 16 -> int<8>: bits(x) - 16, 0 for x = 0.
FunctionPtr normal_exponent(int width);
/// m of it: (x: uint<width>, e: int<8>) -> uint<16>.
FunctionPtr normal_mantissa(int width);

/// A Scale in 24 bits, the mantissa lowest: uint<24>. Its parts: of the low 24 bits of any integer.
Expr packed_scale(const Expr& mantissa, const Expr& exponent);
Expr mantissa_of(const Expr& scale);
Expr exponent_of(const Expr& scale);

// Rows of codes (section 2).

/// (m: uint<16>) -> uint<17>: floor(127 2^25 / m), the factor of a row with the Scale (m, e). For
/// m = 0, a row of zeros, the quotient of 2^15: whatever it is, the row's codes are 0.
FunctionPtr row_reciprocal();
/// (x: int<27>, e: int<8>, r: uint<17>) -> int<8>: the code of x in a row with the exponent e and
/// the factor r. Needs |x| < 2^(16+e).
FunctionPtr quantise_code();

// Operators (section 4).

/// (acc: int<32>, m: uint<16>, e: int<8>, u: uint<16>, h: int<8>, bias: int<27>) -> int<27>: a sum
/// of `depth` products of codes as a Fixed value: the row's Scale is (m, e), the channel's (u, h).
/// `fraction_change` is f_x - f_y. Throws UserError for a depth above 131,072.
FunctionPtr requantise_sum(const std::string& name, std::int64_t depth, int fraction_change);

/// (x: int<27>) -> int<27>: ReLU.
FunctionPtr relu_fixed(const std::string& name, int fraction_x, int fraction_y);

/// (a: int<27>, b: int<27>) -> int<27>: Add; the changes are f_a - f_y and f_b - f_y.
FunctionPtr add_fixed(const std::string& name, int change_a, int change_b);

}  // namespace heddle::kernel

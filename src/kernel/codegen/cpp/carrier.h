// The C++ types of native code: what a value is computed in, and what an array is made of.
#pragma once

#include <optional>
#include <string>

#include "kernel/expr.h"

namespace heddle::kernel::native {

/// The C++ type that a value has while it is computed with: the smallest of these that holds it, so
/// that loops vectorise. Unsigned only where the signed type of that size would not do.
enum class Carrier : std::uint8_t { kBool, kI32, kU32, kI64, kU64, kI128, kFloat };

Carrier carrier_of(const Type& type);
/// The smallest integer carrier of that many bits.
Carrier integer_carrier(bool is_signed, int width);
int bits_of(Carrier carrier);
std::string cpp_name(Carrier carrier);

/// An integer-like type as fixed-point: bool is uint<1>, index int<64>.
Type as_fixed(const Type& type);

/// The C++ type of an element in memory, and the carrier that it has when it is read.
std::string memory_type(const Type& element);
Carrier loaded_carrier(const Type& element);

/// A piece of C++ text that can stand as an operand, and its type.
struct Value {
  std::string text;
  Carrier carrier{};
  std::optional<Int128> literal = std::nullopt;
};

Value integer_literal(Int128 value, Carrier carrier);
Value float_literal(float value);
/// The value in another type; integers modulo 2^bits.
Value in_carrier(const Value& value, Carrier carrier);
/// The text without parentheses around the whole of it.
std::string bare(const std::string& text);

}  // namespace heddle::kernel::native

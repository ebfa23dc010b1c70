// Element types of tensors, by the names the safetensors format gives them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace heddle {

enum class DType { kBool, kU8, kI8, kU16, kF16, kBF16, kI32, kF32, kI64 };

/// Bytes of one element.
std::size_t size_of(DType dtype);

/// "F32", "BF16", ... as written in a safetensors header.
std::string_view name_of(DType dtype);

/// The inverse of name_of; nothing for a name this program does not know.
std::optional<DType> dtype_from_name(std::string_view name);

/// "BOOL, U8, ...": every known name, for messages.
std::string_view known_dtypes();

// Conversions between float32 and the 16-bit formats. To 16 bits they round to nearest, ties to
// even; NaN stays NaN, overflow gives infinity (IEEE 754-2019).
// The bfloat16 ones are inline: whole checkpoints go through them.
inline std::uint16_t f32_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<std::uint16_t>((bits >> 16) | 0x40);
  const std::uint32_t to_even = 0x7fff + ((bits >> 16) & 1);
  return static_cast<std::uint16_t>((bits + to_even) >> 16);
}
inline float bf16_to_f32(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}
std::uint16_t f32_to_f16(float value);
float f16_to_f32(std::uint16_t bits);

}  // namespace heddle

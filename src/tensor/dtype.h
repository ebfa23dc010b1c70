// Element types of tensors, by the names the safetensors format gives them.
#pragma once

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
std::uint16_t f32_to_bf16(float value);
float bf16_to_f32(std::uint16_t bits);
std::uint16_t f32_to_f16(float value);
float f16_to_f32(std::uint16_t bits);

}  // namespace heddle

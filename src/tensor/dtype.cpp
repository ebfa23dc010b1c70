#include "tensor/dtype.h"

#include <array>
#include <bit>

#include "base/error.h"

namespace heddle {
namespace {

struct Entry {
  DType dtype;
  std::string_view name;
  std::size_t size;
};

constexpr std::array kEntries = {
    Entry{DType::kBool, "BOOL", 1}, Entry{DType::kU8, "U8", 1},   Entry{DType::kI8, "I8", 1},
    Entry{DType::kU16, "U16", 2},   Entry{DType::kF16, "F16", 2}, Entry{DType::kBF16, "BF16", 2},
    Entry{DType::kI32, "I32", 4},   Entry{DType::kF32, "F32", 4}, Entry{DType::kI64, "I64", 8},
};

const Entry& entry(DType dtype) {
  for (const Entry& candidate : kEntries) {
    if (candidate.dtype == dtype) return candidate;
  }
  throw InternalError("dtype without an entry");
}

}  // namespace

std::size_t size_of(DType dtype) {
  return entry(dtype).size;
}

std::string_view name_of(DType dtype) {
  return entry(dtype).name;
}

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const Entry& candidate : kEntries) {
    if (candidate.name == name) return candidate.dtype;
  }
  return std::nullopt;
}

std::string_view known_dtypes() {
  return "BOOL, U8, I8, U16, F16, BF16, I32, F32, I64";
}

std::uint16_t f32_to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000);
  const std::uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<std::uint16_t>(sign | 0x7e00);
  if (magnitude >= 0x477ff000) return static_cast<std::uint16_t>(sign | 0x7c00);  // >= 65520
  if (magnitude < 0x38800000) {
    // Below the smallest normal half: adding 0.5 aligns the value to the subnormal step, 2^-24,
    // and lets the hardware round it.
    const float aligned = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(aligned) - 0x3f000000));
  }
  const std::uint32_t to_even = 0xfff + ((magnitude >> 13) & 1);
  return static_cast<std::uint16_t>(sign | ((magnitude + to_even - 0x38000000) >> 13));
}

float f16_to_f32(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1f;
  const std::uint32_t mantissa = bits & 0x3ff;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000 | (mantissa << 13));
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

}  // namespace heddle

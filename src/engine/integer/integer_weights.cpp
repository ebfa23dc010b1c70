#include "engine/integer/integer_weights.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace heddle {
namespace {

using arith::Factor;

constexpr const char* kAgain = "quantise the float checkpoint again with this program";

template <typename T>
std::vector<T> elements(const TensorView& view) {
  std::vector<T> elements(view.bytes.size() / sizeof(T));
  std::memcpy(elements.data(), view.bytes.data(), view.bytes.size());
  return elements;
}

}  // namespace

IntegerWeights::IntegerWeights(const SafeTensors& checkpoint, QuantisationFormat format,
                               ThreadPool& pool)
    : checkpoint_(checkpoint), pool_(pool), format_(std::move(format)) {}

int IntegerWeights::fraction(const std::string& name) const {
  const auto found = format_.fractions.find(name);
  if (found != format_.fractions.end()) return found->second;
  throw UserError(fmt::format("{}: quantization.json has no fraction for {}",
                              checkpoint_.path().string(), name),
                  kAgain);
}

const TensorView& IntegerWeights::checked(const std::string& name, DType dtype,
                                          const Shape& shape) const {
  const TensorView& view = checkpoint_.get(name);
  if (view.dtype == dtype && view.shape == shape) return view;
  throw UserError(fmt::format("{}: tensor {} is {}{}; quantised, it would be {}{}",
                              checkpoint_.file_of(name).string(), name, name_of(view.dtype),
                              to_string(view.shape), name_of(dtype), to_string(shape)),
                  kAgain);
}

std::vector<arith::Scale> IntegerWeights::scales(const std::string& name, std::int64_t rows) const {
  const auto mantissas = elements<std::uint16_t>(checked(name + ".mantissa", DType::kU16, {rows}));
  const auto exponents = elements<std::int8_t>(checked(name + ".exponent", DType::kI8, {rows}));
  std::vector<arith::Scale> scales;
  scales.reserve(mantissas.size());
  for (std::size_t i = 0; i < mantissas.size(); ++i) {
    const bool is_zero = mantissas[i] == 0 && exponents[i] == 0;
    if (mantissas[i] < 1 << 15 && !is_zero) {
      throw UserError(fmt::format("{}: scale {} of {} has mantissa {}",
                                  checkpoint_.file_of(name).string(), i, name, mantissas[i]),
                      fmt::format("mantissas lie from 32768 to 65535; {}", kAgain));
    }
    scales.push_back({mantissas[i], exponents[i]});
  }
  return scales;
}

std::vector<std::int8_t> IntegerWeights::unpack(const std::string& name, std::int64_t rows,
                                                std::int64_t depth) const {
  const int group = format_.group;
  if (group == 0 || depth % group != 0) {
    throw UserError(fmt::format("{}: {} has 4-bit codes, but quantization.json does not split "
                                "rows of {} into groups",
                                checkpoint_.file_of(name).string(), name, depth),
                    kAgain);
  }
  const auto bytes = elements<std::uint8_t>(checked(name, DType::kU8, {rows, depth / 2}));
  const auto steps =
      elements<std::uint8_t>(checked(name + ".steps", DType::kU8, {rows, depth / group}));
  const bool is_legal =
      std::all_of(steps.begin(), steps.end(), [](std::uint8_t z) { return z >= 1 && z <= 18; });
  std::vector<std::int8_t> codes(2 * bytes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const int half = (bytes[i / 2] >> (4 * (i % 2))) & 15;
    const int code = (half ^ 8) - 8;
    if (code == -8 || !is_legal) {
      throw UserError(fmt::format("{}: {} holds a code or step that 4-bit weights do not have",
                                  checkpoint_.file_of(name).string(), name),
                      fmt::format("codes lie from -7 to 7, steps from 1 to 18; {}", kAgain));
    }
    codes[i] = static_cast<std::int8_t>(code * steps[i / static_cast<std::size_t>(group)]);
  }
  return codes;
}

/// 8-bit codes as they stand in the file.
std::span<const std::int8_t> IntegerWeights::bytes(const std::string& name,
                                                   const Shape& shape) const {
  const TensorView& view = checked(name, DType::kI8, shape);
  const std::span codes(reinterpret_cast<const std::int8_t*>(view.bytes.data()), view.bytes.size());
  const auto lowest = std::find(codes.begin(), codes.end(), -128);
  if (lowest == codes.end()) return codes;
  throw UserError(fmt::format("{}: {} holds code -128 at element {}",
                              checkpoint_.file_of(name).string(), name, lowest - codes.begin()),
                  fmt::format("codes lie from -127 to 127; {}", kAgain));
}

const arith::Codes& IntegerWeights::table(const std::string& name, const Shape& shape) {
  const auto found = tables_.find(name);
  if (found != tables_.end()) return found->second.codes;
  Table& table = tables_[name];
  table.scales = scales(name, shape.front());
  table.codes = {bytes(name, shape), table.scales, shape.back()};
  return table.codes;
}

const IntegerMatrix& IntegerWeights::matrix(const std::string& name, const Shape& shape) {
  const auto found = matrices_.find(name);
  if (found != matrices_.end()) return found->second;
  const std::int64_t rows = shape.front();
  const std::int64_t depth = element_count(shape) / rows;
  const std::vector<arith::Scale> scales = this->scales(name, rows);
  std::vector<std::int8_t> unpacked;
  std::span<const std::int8_t> codes;
  if (checkpoint_.get(name).dtype == DType::kU8) {
    unpacked = unpack(name, rows, depth);
    codes = unpacked;
  } else {
    codes = bytes(name, shape);
  }
  IntegerMatrix packed({codes, scales, depth}, slab_, pool_);
  checkpoint_.release(name);
  return matrices_.emplace(name, std::move(packed)).first->second;
}

std::span<const Factor> IntegerWeights::factors(const std::string& name, const Shape& shape) {
  const auto found = factors_.find(name);
  if (found != factors_.end()) return found->second;
  const auto signs = elements<std::int8_t>(checked(name, DType::kI8, shape));
  const std::vector<arith::Scale> scales = this->scales(name, shape.front());
  std::vector<Factor>& factors = factors_[name];
  factors.reserve(scales.size());
  for (std::size_t i = 0; i < scales.size(); ++i) {
    if (signs[i] != 1 && signs[i] != -1) {
      throw UserError(fmt::format("{}: element {} of {} has sign {}",
                                  checkpoint_.file_of(name).string(), i, name, signs[i]),
                      fmt::format("signs are 1 or -1; {}", kAgain));
    }
    factors.push_back({scales[i], signs[i] < 0});
  }
  return factors;
}

std::span<const std::int32_t> IntegerWeights::fixed(const std::string& name, const Shape& shape) {
  const auto found = fixed_.find(name);
  if (found != fixed_.end()) return found->second;
  std::vector<std::int32_t>& fixed = fixed_[name];
  fixed = elements<std::int32_t>(checked(name, DType::kI32, shape));
  for (const std::int32_t x : fixed) {
    if (x >= -arith::kLimit && x <= arith::kLimit) continue;
    throw UserError(fmt::format("{}: {} holds {}", checkpoint_.file_of(name).string(), name, x),
                    fmt::format("its numbers have 27 bits; {}", kAgain));
  }
  return fixed;
}

}  // namespace heddle

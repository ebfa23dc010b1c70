#include "cost/precision.h"

#include <fmt/ranges.h>

#include "base/error.h"
#include "base/text.h"

namespace heddle::cost {

std::int64_t elements_of(const WeightCount& weights) {
  return weights.total() - weights[WeightPart::kRows];
}

double Precision::code_bytes(const WeightCount& count) const {
  return (static_cast<double>(count[WeightPart::kGrouped]) * weight_bits +
          static_cast<double>(count[WeightPart::kOther]) * other_bits +
          static_cast<double>(count[WeightPart::kVectors]) * vector_bits) /
         8;
}

double Precision::bytes(const WeightCount& count) const {
  const std::int64_t groups = count[WeightPart::kGrouped] / kWeightGroup;
  return code_bytes(count) + (static_cast<double>(groups) * step_bits +
                              static_cast<double>(count[WeightPart::kRows]) * scale_bits) /
                                 8;
}

double Precision::bytes(const ActivationCount& count) const {
  constexpr double kIdBits = 32;
  return (static_cast<double>(count[ActivationRole::kOperand]) * operand_bits +
          static_cast<double>(count[ActivationRole::kCache]) * cache_bits +
          static_cast<double>(count[ActivationRole::kValue]) * value_bits +
          static_cast<double>(count[ActivationRole::kId]) * kIdBits) /
         8;
}

const std::vector<Precision>& precisions() {
  static const std::vector<Precision> all = {
      {"f32", "float32", "float32", 32, 0, 32, 0, 32, 32, 32, 32},
      {"bf16", "bfloat16", "bfloat16", 16, 0, 16, 0, 16, 16, 16, 32},
      {"w8a8", "int8", "int8", 8, 0, 8, 24, 32, 8, 8, 32},
      {"w4a8", "int4", "int8", 4, 8, 8, 24, 32, 8, 8, 32}};
  return all;
}

const Precision& find_precision(const std::string& name) {
  std::vector<std::string> names;
  for (const Precision& precision : precisions()) {
    if (precision.name == name) return precision;
    names.push_back(precision.name);
  }
  throw UserError(fmt::format("there is no precision {}", quote(name)),
                  fmt::format("choose one of: {}", fmt::join(names, ", ")));
}

}  // namespace heddle::cost

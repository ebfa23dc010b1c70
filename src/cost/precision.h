// The numbers that a model is computed in, in bits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cost/counts.h"

namespace heddle::cost {

/// Neighbouring codes of a row that share a step, where weights have fewer bits than 8.
constexpr std::int64_t kWeightGroup = 64;

/// Elements of weights, by how they are stored (docs/arithmetic.md, section 3).
enum class WeightPart : std::uint8_t {
  kGrouped,  ///< of matrices whose rows are whole groups
  kOther,    ///< of other matrices, and of tables
  kRows,     ///< rows of matrices and tables: each has a scale; not an element
  kVectors,  ///< of biases, norms, and all else
  kEnd,
};
using WeightCount = Counts<WeightPart>;

/// Elements, scales left out.
std::int64_t elements_of(const WeightCount& weights);

/// What an activation is for.
enum class ActivationRole : std::uint8_t {
  kOperand,  ///< products alone read it
  kCache,    ///< keys or values that outlive the loop, or the Graph, in which attention reads them
  kValue,    ///< any other real number
  kId,       ///< an integer
  kEnd,
};
using ActivationCount = Counts<ActivationRole>;

struct Precision {
  std::string name;         ///< "w8a8"
  std::string weights;      ///< as in a board's DSP rules: "int8"
  std::string activations;  ///< "int8"
  double weight_bits = 0;   ///< of an element of kGrouped
  double step_bits = 0;     ///< of each group of kGrouped
  double other_bits = 0;    ///< of an element of kOther
  double scale_bits = 0;    ///< of each of kRows
  double vector_bits = 0;   ///< of an element of kVectors
  double operand_bits = 0;  ///< of a kOperand; the scale of each row is not counted
  double cache_bits = 0;    ///< of a kCache, likewise
  double value_bits = 0;    ///< of a kValue

  /// Bytes of the codes alone.
  [[nodiscard]] double code_bytes(const WeightCount& count) const;
  /// Bytes with steps and scales.
  [[nodiscard]] double bytes(const WeightCount& count) const;
  [[nodiscard]] double bytes(const ActivationCount& count) const;
};

/// "f32", "bf16" (operands of products; all else is float32, as in src/engine/float), "w8a8" and
/// "w4a8" (docs/arithmetic.md: values of 27 bits in words of 32).
const std::vector<Precision>& precisions();
/// Throws UserError that lists them.
const Precision& find_precision(const std::string& name);

}  // namespace heddle::cost

// From real weights to codes with their steps and scales (docs/arithmetic.md, section 3).
//
// The columns of a matrix are rounded from the last to the first, and each makes up for the errors
// of those after it as far as the matrix's inputs go together.
// Frantar et al., "OPTQ: Accurate Quantization for Generative Pre-trained Transformers", 2023; in
// the form of Chee et al., "QuIP: 2-Bit Quantization of Large Language Models With Guarantees",
// 2023, section 3, which needs one Cholesky factor and no inverse.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <vector>

#include "base/threads.h"
#include "engine/arith/fixed.h"
#include "engine/quant/second_moments.h"

namespace heddle {

/// What an error in one column is worth and how earlier columns make up for it: the moments as
/// U^T D U, U having a diagonal of ones.
class ErrorFeedback {
 public:
  /// Of inputs with these moments whose channels are divided by `divisors`, if there are any.
  ErrorFeedback(const SecondMoments& moments, std::span<const float> divisors);

  struct Part {
    Eigen::Index first = 0;
    Eigen::MatrixXf upper;  ///< U^T: what the error of column j adds to column i < j
    Eigen::VectorXf worth;  ///< D
  };
  /// They know nothing of each other.
  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }

 private:
  std::vector<Part> parts_;
};

/// Rows of codes with their scales, and what the rounding did.
struct RoundedRows {
  std::vector<std::int8_t> codes;
  std::vector<std::uint8_t> steps;    ///< of 4-bit codes
  std::vector<arith::Scale> scales;   ///< as stored: what a code is multiplied with, over `unit`
  std::vector<double> noise;          ///< per row: the sum of squared errors
  std::vector<double> signal;         ///< per row: the sum of squares
  std::vector<std::int64_t> clipped;  ///< per row: elements beyond the greatest code
};

struct RowFormat {
  int unit = 1;   ///< what the arithmetic multiplies codes with besides their scale
  int group = 0;  ///< of 4-bit codes: neighbours that share a step; 0 for 8-bit codes
};

/// To the nearest codes if there is no feedback. The result does not depend on the pool's size.
RoundedRows round_rows(std::span<const float> numbers, std::int64_t rows, const RowFormat& format,
                       const ErrorFeedback* feedback, ThreadPool& pool);

}  // namespace heddle

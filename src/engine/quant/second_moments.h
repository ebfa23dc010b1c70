// How the channels of a value go together: which errors in the weights that multiply it matter, and
// which of them make up for each other.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/threads.h"

namespace heddle {

/// X^T X over the rows x of a value. Of a very wide value only the moments within each part of
/// kPart channels are kept.
class SecondMoments {
 public:
  static constexpr std::size_t kPart = 4096;

  explicit SecondMoments(std::size_t width);

  /// Takes in whole rows.
  void add(std::span<const float> rows, ThreadPool& pool);

  [[nodiscard]] std::size_t width() const { return width_; }
  /// The sum of x_i x_j, for i >= j in one part: column j of a matrix of the part, from its
  /// diagonal downwards.
  [[nodiscard]] std::span<const float> column(std::size_t j) const;

 private:
  /// Neighbouring columns, held from the first one's diagonal to the end of the part: half of a
  /// symmetric matrix is enough.
  struct Panel {
    std::size_t first = 0;
    std::size_t columns = 0;
    std::size_t height = 0;
    std::vector<float> sums;  ///< column after column
  };

  std::size_t width_;
  std::vector<Panel> panels_;
};

}  // namespace heddle

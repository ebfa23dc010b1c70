// A matrix of codes packed for the product kernels, and products with it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "engine/arith/operators.h"
#include "engine/integer/kernels.h"
#include "engine/plan/slab.h"

namespace heddle {

class IntegerMatrix {
 public:
  /// Memory comes from `slab`.
  IntegerMatrix(const arith::Codes& weight, Slab& slab, ThreadPool& pool);

  [[nodiscard]] std::int64_t rows() const { return rows_; }    ///< N
  [[nodiscard]] std::int64_t depth() const { return depth_; }  ///< K
  /// K as rows of operands are padded to it.
  [[nodiscard]] std::int64_t padded_depth() const { return (depth_ + 3) / 4 * 4; }

  /// Bytes of scratch memory that prepare() and multiply() need for so many rows.
  [[nodiscard]] std::size_t scratch_size(std::int64_t rows) const;

  /// Quantises x [rows,K] into the scratch memory, for any matrix of depth K.
  void prepare(const std::int32_t* x, std::int64_t rows, std::byte* scratch,
               const IntegerKernels& kernels, ThreadPool& pool) const;
  /// linear() of docs/arithmetic.md: y [rows,N] at y_fraction from what was prepared, which was at
  /// x_fraction; `bias` is at y_fraction, padded to whole panels, or null.
  void multiply(int x_fraction, std::int64_t rows, const std::int32_t* bias, std::int32_t* y,
                int y_fraction, std::byte* scratch, const IntegerKernels& kernels,
                ThreadPool& pool) const;

  /// N as columns are padded to it.
  [[nodiscard]] std::int64_t padded_rows() const {
    return (rows_ + PanelView::kColumns - 1) / PanelView::kColumns * PanelView::kColumns;
  }

 private:
  std::int64_t rows_;
  std::int64_t depth_;
  const std::int8_t* panels_ = nullptr;
  // Of each column, padded.
  std::vector<std::int32_t> offsets_;
  std::vector<std::int32_t> mantissas_;
  std::vector<std::int32_t> exponents_;
  std::int32_t greatest_exponent_ = 0;
};

}  // namespace heddle

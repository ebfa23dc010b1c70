// Matrix products: weights packed once into column tiles, products computed tile by tile.
//
// The tiles depend on the shapes alone and every tile is one single-threaded oneDNN product, so a
// result does not depend on how many threads share the tiles.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/threads.h"
#include "engine/float/kernels.h"
#include "engine/plan/slab.h"
#include "tensor/tensor.h"

namespace heddle {

/// A weight matrix [N,K] in the blocked form that oneDNN's product kernels want.
class PackedMatrix {
 public:
  /// `weight` is [N,...] of any real dtype, its trailing extents multiplying to K. Memory comes
  /// from `slab`. Throws UserError, naming `name`, if an element is NaN or infinite.
  PackedMatrix(std::string_view name, const TensorView& weight, FloatPrecision precision,
               Slab& slab, ThreadPool& pool);
  ~PackedMatrix();
  PackedMatrix(PackedMatrix&&) noexcept;
  PackedMatrix& operator=(PackedMatrix&&) = delete;

  [[nodiscard]] std::int64_t rows() const { return rows_; }    ///< N
  [[nodiscard]] std::int64_t depth() const { return depth_; }  ///< K

 private:
  friend class PackedProduct;
  struct Tiles;
  std::int64_t rows_;
  std::int64_t depth_;
  FloatPrecision precision_;
  std::unique_ptr<Tiles> tiles_;
};

/// What happens to each element of a product before it is stored; see Kernels::finish.
struct Finish {
  const float* bias = nullptr;  ///< [N]
  std::optional<Function> function;
  const float* addend = nullptr;  ///< [addend_rows,N]
  std::int64_t addend_rows = 1;   ///< row m adds row m % addend_rows
};

/// x[M,K] times a PackedMatrix, for one M.
class PackedProduct {
 public:
  PackedProduct(std::int64_t rows, const PackedMatrix& weight);
  ~PackedProduct();
  PackedProduct(PackedProduct&&) noexcept;
  PackedProduct& operator=(PackedProduct&&) = delete;

  /// x is [M,K], float32 or bfloat16 as the weight was packed; out is [M,N] row-major.
  void run(const void* x, const Finish& finish, RowOut out, ThreadPool& pool) const;

 private:
  struct Primitives;
  std::int64_t rows_;
  const PackedMatrix* weight_;
  std::unique_ptr<Primitives> primitives_;
};

}  // namespace heddle

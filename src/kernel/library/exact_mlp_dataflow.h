// The perceptron of exact_mlp.h as processes: two arrays of multipliers, one for each product, with
// all that lies between them on chip.
#pragma once

#include "kernel/library/exact_mlp.h"
#include "kernel/library/product_array.h"

namespace heddle::kernel {

struct MlpDataflowShape {
  ExactMlpShape layer;
  std::int64_t tile_rows = 16;  ///< rows that an array holds: even, divides the rows
  std::int64_t width = 64;      ///< products of a row in a cycle: divides hidden and inner
  std::int64_t quantised = 2;   ///< columns of a tile quantised in a cycle: divides width

  /// Rows that are activated in a cycle: as few as keep up with the array.
  [[nodiscard]] std::int64_t lanes() const;
  /// The first product, and the second.
  [[nodiscard]] ProductArray up() const;
  [[nodiscard]] ProductArray down() const;
};

/// The arguments and results of mlp_exact, bit for bit. While the second array is busy with a tile
/// of rows, the first one is with the next. Columns of y are a multiple of 16. Throws UserError for
/// a shape that does not divide as said.
KernelPtr mlp_dataflow(const MlpDataflowShape& shape, const std::string& name = "mlp_dataflow");

/// Everything of a tile side by side, a multiplier for each product; `packed`: two products to a
/// DSP.
Schedule mlp_dataflow_arrays(const KernelPtr& kernel, const MlpDataflowShape& shape, bool packed);

LibraryKernel mlp_dataflow_entry();

}  // namespace heddle::kernel

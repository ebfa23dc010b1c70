// Processes around an array of multipliers: it keeps a tile of rows on chip while the rows of a
// weight pass by once, a word a cycle, and each word meets every row of the tile.
//
// Loops and arrays are named after the process; the schedule's marks are set by the same names.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "kernel/builder.h"
#include "kernel/schedule/schedule.h"

namespace heddle::kernel {

using Process = std::pair<std::string, std::function<void()>>;

/// y[rows, columns] = x[rows, inner] weight[columns, inner]^T in int8, sums in int<32>.
struct ProductArray {
  std::string name;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t inner = 0;
  std::int64_t tile_rows = 0;  ///< even; rows are a multiple of it
  std::int64_t width = 0;      ///< products of a row in one cycle; inner is a multiple of it

  [[nodiscard]] std::int64_t tiles() const { return rows / tile_rows; }
  [[nodiscard]] std::int64_t words() const { return inner / width; }
};

/// A process that sends a matrix row by row in words of `width` elements, one element to a channel,
/// `times` times over.
Process read_rows(KernelBuilder& k, const std::string& name, const ArrayHandle& matrix,
                  std::int64_t width, std::int64_t times, const StreamHandle& to);
void mark_read_rows(Schedule& s, const std::string& name);

/// The array. For each tile of rows `fill` stores tile[tile_rows, inner] and may put a word ahead
/// of the sums; then for each column the sums of the tile's rows go to `sums`, a channel each.
Process multiply_rows(KernelBuilder& k, const ProductArray& array, const StreamHandle& weights,
                      const StreamHandle& sums,
                      const std::function<void(const ArrayHandle& tile)>& fill);
/// `packed`: two products to a DSP.
void mark_multiply_rows(Schedule& s, const ProductArray& array, bool packed);

}  // namespace heddle::kernel

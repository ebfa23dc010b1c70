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

/// y[rows, columns] = x[rows, inner] weight[columns, inner]^T in int8, sums in int<32>, by tiles of
/// rows.
struct ProductArray {
  std::string name;
  Expr tiles;
  std::int64_t columns = 0;
  std::int64_t inner = 0;
  std::int64_t tile_rows = 0;  ///< even
  std::int64_t width = 0;      ///< products of a row in one cycle; inner is a multiple of it

  [[nodiscard]] std::int64_t words() const { return inner / width; }
};

/// What a process sends of a matrix, a word of `width` elements at a time, an element to a channel:
/// `times` times over `rows` rows of `words` words.
struct Reading {
  std::string name;
  Expr times;
  std::int64_t rows = 0;
  std::int64_t words = 0;
  std::int64_t width = 0;
  std::function<void(const Expr& time)> begin;  ///< before the rows
  std::function<Expr(const Expr& time, const Expr& row, const Expr& column)> element;
};
Process read_rows(KernelBuilder& k, const Reading& reading, const StreamHandle& to);
void mark_read_rows(Schedule& s, const std::string& name);

/// The array. For each tile of rows `fill` stores tile[tile_rows, inner] and may put a word ahead
/// of the sums; then for each column the sums of the tile's rows go to `sums`, a channel each.
Process multiply_rows(KernelBuilder& k, const ProductArray& array, const StreamHandle& weights,
                      const StreamHandle& sums,
                      const std::function<void(const ArrayHandle& tile)>& fill);
/// `packed`: two products to a DSP.
void mark_multiply_rows(Schedule& s, const std::string& name, std::int64_t width, bool packed);

}  // namespace heddle::kernel

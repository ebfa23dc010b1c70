// An array of multipliers under a Graph's products: cycles, how busy it is, and what its memories
// must give in a cycle.
#pragma once

#include <cstdint>
#include <vector>

#include "cost/roofline.h"

namespace heddle::cost {

/// It keeps a tile of `rows` rows of one operand on chip while the other operand passes by once for
/// each tile, a word of `width` elements a cycle that meets every row
/// (kernel/library/product_array).
struct ArrayShape {
  std::int64_t rows = 0;
  std::int64_t width = 0;
  [[nodiscard]] std::int64_t multipliers() const { return rows * width; }
};

/// Block RAMs of 36 Kb for a memory of `words` words of `bits` bits that is written and read once
/// in a cycle: the best of the shapes of an 18 Kb half (36 x 512 ... 1 x 16384; AMD UG573).
double bram36_for(std::int64_t bits, std::int64_t words);
/// UltraRAMs (72 x 4096; UG573).
std::int64_t uram_for(std::int64_t bits, std::int64_t words);

/// The tile, twice: one is filled while the other is used.
struct TileBuffer {
  std::int64_t banks = 0;  ///< one a row: all are read in each cycle
  std::int64_t bits = 0;   ///< of a bank's word
  std::int64_t words = 0;  ///< of a bank
  double bram36 = 0;       ///< if it is made of these
  std::int64_t uram = 0;   ///< or of these
};
/// For products of up to `inner` elements a row.
TileBuffer tile_buffer(const ArrayShape& array, std::int64_t inner, double operand_bits);

/// What an array takes for products.
struct ArrayRun {
  double cycles = 0;
  double macs = 0;
  double passing_bytes = 0;  ///< of the operand that passes by, again for each tile
  std::int64_t inner = 0;    ///< of the deepest product
  ArrayRun& operator+=(const ArrayRun& other);
  /// Share of the multipliers' cycles that are used.
  [[nodiscard]] double busy(const ArrayShape& array) const;
};
ArrayRun run_on(const ArrayShape& array, const std::vector<Product>& products,
                const Precision& precision);

/// Channels of the board's memory that bring a word of weights in every cycle.
std::int64_t channels_for(const ArrayShape& array, const Precision& precision,
                          const BoardMemory& memory, double clock_mhz);

}  // namespace heddle::cost

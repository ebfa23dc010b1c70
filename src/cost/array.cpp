#include "cost/array.h"

#include <array>
#include <cmath>
#include <limits>

namespace heddle::cost {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace

double bram36_for(std::int64_t bits, std::int64_t words) {
  struct RamShape {
    std::int64_t bits, words;
  };
  constexpr std::array<RamShape, 6> kHalves = {
      {{36, 512}, {18, 1024}, {9, 2048}, {4, 4096}, {2, 8192}, {1, 16384}}};
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const RamShape& half : kHalves) {
    least = std::min(least, product(ceil_div(bits, half.bits), ceil_div(words, half.words)));
  }
  return static_cast<double>(least) / 2;
}

std::int64_t uram_for(std::int64_t bits, std::int64_t words) {
  return product(ceil_div(bits, 72), ceil_div(words, 4096));
}

TileBuffer tile_buffer(const ArrayShape& array, std::int64_t inner, double operand_bits) {
  TileBuffer buffer;
  buffer.banks = array.rows;
  buffer.bits = product(array.width, static_cast<std::int64_t>(operand_bits));
  buffer.words = 2 * ceil_div(inner, array.width);
  buffer.bram36 = static_cast<double>(buffer.banks) * bram36_for(buffer.bits, buffer.words);
  buffer.uram = product(buffer.banks, uram_for(buffer.bits, buffer.words));
  return buffer;
}

ArrayRun& ArrayRun::operator+=(const ArrayRun& other) {
  cycles += other.cycles;
  macs += other.macs;
  passing_bytes += other.passing_bytes;
  inner = std::max(inner, other.inner);
  return *this;
}

double ArrayRun::busy(const ArrayShape& array) const {
  return cycles == 0 ? 0 : macs / (cycles * static_cast<double>(array.multipliers()));
}

ArrayRun run_on(const ArrayShape& array, const std::vector<Product>& products,
                const Precision& precision) {
  ArrayRun all;
  for (const Product& one : products) {
    const std::int64_t passes = product(one.times, ceil_div(one.rows, array.rows));
    const double bits = one.is_of_weights ? precision.weight_bits : precision.operand_bits;
    ArrayRun run;
    run.cycles =
        static_cast<double>(product(passes, one.columns, ceil_div(one.inner, array.width)));
    run.macs = static_cast<double>(product(one.times, one.rows, one.columns, one.inner));
    run.passing_bytes = static_cast<double>(product(passes, one.columns, one.inner)) * bits / 8;
    run.inner = one.inner;
    all += run;
  }
  return all;
}

std::int64_t channels_for(const ArrayShape& array, const Precision& precision,
                          const BoardMemory& memory, double clock_mhz) {
  const double needed =
      static_cast<double>(array.width) * precision.weight_bits / 8 * clock_mhz * 1e6;
  const double channel = memory.sustained_gb_s.value_or(memory.peak_gb_s) * 1e9;
  return static_cast<std::int64_t>(std::ceil(needed / channel));
}

}  // namespace heddle::cost

#include "engine/integer/integer_matrix.h"

#include <algorithm>

#include "engine/plan/rows.h"

namespace heddle {
namespace {

constexpr std::int64_t kColumns = PanelView::kColumns;
/// Operand bytes of one task: a part of the level-2 cache that leaves room for a panel.
constexpr std::int64_t kBlockBytes = 256 << 10;
/// Panels of one task, at most, and tasks that are enough to keep all threads busy to the end.
constexpr std::int64_t kPanels = 4;
constexpr std::int64_t kTasks = 96;

/// What a row of the operand is besides its codes.
struct RowArrays {
  std::int32_t* mantissas;
  std::int32_t* exponents;
  std::uint8_t* codes;
};
RowArrays divide(std::byte* scratch, std::int64_t rows) {
  const std::int64_t padded = (rows + 15) / 16 * 16;
  auto* numbers = reinterpret_cast<std::int32_t*>(scratch);
  return {numbers, numbers + padded, reinterpret_cast<std::uint8_t*>(numbers + 2 * padded)};
}

}  // namespace

IntegerMatrix::IntegerMatrix(const arith::Codes& weight, Slab& slab, ThreadPool& pool)
    : rows_(static_cast<std::int64_t>(weight.scales.size())), depth_(weight.depth) {
  const auto columns = static_cast<std::size_t>(padded_rows());
  const std::int64_t depth = padded_depth();
  auto* panels =
      reinterpret_cast<std::int8_t*>(slab.allocate(columns * static_cast<std::size_t>(depth)));
  panels_ = panels;
  offsets_.resize(columns);
  mantissas_.resize(columns);
  exponents_.resize(columns);
  // Columns of zeros have no exponent of their own: the least of all asks nothing of the kernels.
  std::int32_t least = INT32_MAX;
  greatest_exponent_ = INT32_MIN;
  for (const arith::Scale& scale : weight.scales) {
    if (scale.mantissa == 0) continue;
    least = std::min(least, scale.exponent);
    greatest_exponent_ = std::max(greatest_exponent_, scale.exponent);
  }
  if (least == INT32_MAX) least = greatest_exponent_ = 0;
  std::fill(exponents_.begin(), exponents_.end(), least);
  for_rows(pool, rows_, depth_, [&](std::int64_t n) {
    const auto column = static_cast<std::size_t>(n);
    const std::int8_t* from = &weight.codes[column * static_cast<std::size_t>(depth_)];
    std::int8_t* to = panels + n / kColumns * kColumns * depth + n % kColumns * 4;
    std::int32_t sum = 0;
    for (std::int64_t k = 0; k < depth_; ++k) {
      to[k / 4 * 4 * kColumns + k % 4] = from[k];
      sum += from[k];
    }
    offsets_[column] = 128 * sum;
    const arith::Scale& scale = weight.scales[column];
    mantissas_[column] = scale.mantissa;
    if (scale.mantissa != 0) exponents_[column] = scale.exponent;
  });
}

std::size_t IntegerMatrix::scratch_size(std::int64_t rows) const {
  return static_cast<std::size_t>((rows + 15) / 16 * 16 * 8 + rows * padded_depth());
}

void IntegerMatrix::prepare(const std::int32_t* x, std::int64_t rows, std::byte* scratch,
                            const IntegerKernels& kernels, ThreadPool& pool) const {
  const std::int64_t depth = padded_depth();
  const RowArrays operand = divide(scratch, rows);
  for_rows(pool, rows, depth_, [&](std::int64_t row) {
    kernels.quantise(x + row * depth_, depth_, depth, operand.codes + row * depth,
                     operand.mantissas + row, operand.exponents + row);
  });
}

void IntegerMatrix::multiply(int x_fraction, std::int64_t rows, const std::int32_t* bias,
                             std::int32_t* y, int y_fraction, std::byte* scratch,
                             const IntegerKernels& kernels, ThreadPool& pool) const {
  const std::int64_t depth = padded_depth();
  const int reduce =
      std::max(0, arith::bits(127ULL * 127 * static_cast<std::uint64_t>(depth_)) - 26);
  const RowArrays operand = divide(scratch, rows);

  // Blocks as even as twelves allow: what the product kernel takes at once.
  const std::int64_t most = std::max<std::int64_t>(12, kBlockBytes / depth / 12 * 12);
  const std::int64_t wanted = (rows + most - 1) / most;
  const std::int64_t block = (rows + 12 * wanted - 1) / (12 * wanted) * 12;
  const std::int64_t blocks = (rows + block - 1) / block;
  const std::int64_t panels = padded_rows() / kColumns;
  const std::int64_t together = std::clamp<std::int64_t>(panels * blocks / kTasks, 1, kPanels);
  const std::int64_t groups = (panels + together - 1) / together;
  pool.parallel_for(static_cast<std::size_t>(blocks * groups), [&](std::size_t task, int) {
    const std::int64_t first = static_cast<std::int64_t>(task) / groups * block;
    const std::int64_t group = static_cast<std::int64_t>(task) % groups;
    for (std::int64_t p = group * together; p < std::min(panels, (group + 1) * together); ++p) {
      const std::int64_t column = p * kColumns;
      kernels.product({
          .rows = operand.codes + first * depth,
          .row_stride = depth,
          .row_count = std::min(block, rows - first),
          .panel = {panels_ + column * depth, depth},
          .columns = static_cast<int>(std::min(kColumns, rows_ - column)),
          .offsets = &offsets_[static_cast<std::size_t>(column)],
          .mantissas = &mantissas_[static_cast<std::size_t>(column)],
          .exponents = &exponents_[static_cast<std::size_t>(column)],
          .greatest_exponent = greatest_exponent_,
          .bias = bias == nullptr ? nullptr : bias + column,
          .reduce = reduce,
          .row_mantissas = operand.mantissas + first,
          .row_exponents = operand.exponents + first,
          .shift = x_fraction - y_fraction - reduce - 15,
          .out = y + first * rows_ + column,
          .out_stride = rows_,
      });
    }
  });
}

}  // namespace heddle

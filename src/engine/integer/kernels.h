// The inner loops of the integer engine, one set per instruction set, chosen when the program
// starts. All sets give the bits of engine/arith.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/operators.h"

namespace heddle {

/// A panel of a packed matrix: int8 [depth/4][kColumns][4], padded with zeros.
struct PanelView {
  static constexpr int kColumns = 32;
  const std::int8_t* codes = nullptr;
  std::int64_t depth = 0;  ///< a multiple of 4
};

/// Some rows of codes times a panel, and what becomes of the sums. All arrays of columns are padded
/// to PanelView::kColumns.
struct ProductTile {
  const std::uint8_t* rows;  ///< codes + 128
  std::int64_t row_stride;
  std::int64_t row_count;
  PanelView panel;
  int columns;                  ///< of the panel that exist
  const std::int32_t* offsets;  ///< 128 times the sum of each column's codes
  const std::int32_t* mantissas;
  const std::int32_t* exponents;  ///< those of zero mantissas are the least of all
  std::int32_t greatest_exponent;
  const std::int32_t* bias;  ///< at the result's fraction; null for none
  int reduce;                ///< k0
  const std::int32_t* row_mantissas;
  const std::int32_t* row_exponents;
  int shift;  ///< but for the row's and the column's exponents: f_x - f_y - k0 - 15
  std::int32_t* out;
  std::int64_t out_stride;
};

/// Keys or values of one head, quantised and packed.
struct PackedKeys {
  const std::int8_t* codes;       ///< panels, the keys being columns: [keys/32][head_dim/4][32][4]
  const std::int32_t* offsets;    ///< 128 times the sum of each key's codes
  const std::int32_t* mantissas;  ///< all arrays of keys are padded to a multiple of 64
  const std::int32_t* exponents;
};
struct PackedValues {
  const std::int8_t* codes;  ///< [keys/4][head_dim padded to 16][4]
  const std::uint16_t* mantissas;
  const std::int16_t* exponents;
  /// nu of the first n keys at n; kNoValues if all of them are zero.
  const std::int16_t* greatest;
  static constexpr std::int16_t kNoValues = INT16_MIN;
};

/// A block of one head's keys or values, Fixed, to be quantised and packed.
struct HeadRows {
  const std::int32_t* x;  ///< the block's first row, at the head's first element
  std::int64_t stride;    ///< between rows
  std::int64_t count;     ///< rows that exist, at most kBlock
  std::int64_t head_dim;  ///< at most kWidest
  static constexpr std::int64_t kBlock = 64;
  static constexpr std::int64_t kWidest = 4096;
};

/// One head's attention for some queries.
struct IntegerAttentionTile {
  const std::int32_t* queries;  ///< Fixed, first row, at this head's first element
  std::int64_t stride;          ///< between rows of queries and of results
  std::int64_t rows;            ///< at most kRows
  std::int64_t head_dim;
  PackedKeys keys;
  PackedValues values;
  std::int64_t key_count;
  /// Query r sees the first min(key_count, max(visible_prefix, causal_first + r causal_step)) keys.
  std::int64_t visible_prefix;
  std::int64_t causal_first;
  std::int64_t causal_step;
  std::int32_t factor_mantissa;  ///< (m_c, e_c)
  std::int32_t factor_exponent;
  int score_shift;                   ///< f_q + f_k - 12 - k0 - 20
  int reduce;                        ///< k0
  int result_shift;                  ///< f_v - f_y - 31
  const std::int32_t* exponentials;  ///< E
  std::int32_t* out;
  std::byte* scratch;  ///< scratch_size(head_dim, key_count) bytes, aligned to 64

  static constexpr std::int64_t kRows = 16;
  static std::size_t scratch_size(std::int64_t head_dim, std::int64_t key_count) {
    const std::int64_t keys = (key_count + 63) / 64 * 64;
    const std::int64_t dim = (head_dim + 63) / 64 * 64;
    return static_cast<std::size_t>(kRows * (dim + 4 * keys + 64 + 12 * dim));
  }
};

/// A norm of one row; `offset` null for one that does not centre.
struct NormRow {
  const std::int32_t* x;
  std::int64_t width;
  int x_fraction;
  const std::int32_t* factors;    ///< mantissas with signs
  const std::int32_t* exponents;  ///< of the factors; those of zeros are the least of all
  std::int32_t greatest_exponent;
  const std::int32_t* offset;     ///< at the result's fraction
  std::int32_t epsilon_mantissa;  ///< (m_eps, e_eps)
  std::int32_t epsilon_exponent;
  std::int32_t root_mantissa;  ///< (m_D, e_D)
  std::int32_t root_exponent;
  std::int32_t* y;
  int y_fraction;
};

/// T of a function. Entry i holds T[i] in its lower half and T[i+1] - T[i] in its upper; there are
/// none for ReLU.
struct Tail {
  const std::int32_t* entries = nullptr;
  int log_range = 0;
};
Tail tail_of(Function function);

struct IntegerKernels {
  const char* name;

  /// Codes + 128, padded with 128 to `padded`; gives the row's mantissa and exponent.
  void (*quantise)(const std::int32_t* x, std::int64_t count, std::int64_t padded,
                   std::uint8_t* codes, std::int32_t* mantissa, std::int32_t* exponent);
  void (*product)(const ProductTile& tile);
  /// A block's part of a PackedKeys or PackedValues, all arrays at its first row. Rows that do not
  /// exist become zeros.
  void (*pack_keys)(const HeadRows& rows, std::int8_t* codes, std::int32_t* offsets,
                    std::int32_t* mantissas, std::int32_t* exponents);
  void (*pack_values)(const HeadRows& rows, std::int8_t* codes, std::uint16_t* mantissas,
                      std::int16_t* exponents);
  void (*attend)(const IntegerAttentionTile& tile);
  void (*norm)(const NormRow& row);
  /// F(x, to) of x at `from`.
  void (*map)(Tail tail, const std::int32_t* x, std::int64_t count, int from, int to,
              std::int32_t* y);
  void (*gate)(Tail tail, const std::int32_t* a, const std::int32_t* b, std::int64_t count,
               int a_fraction, int shift, std::int32_t* y);
  void (*add)(const std::int32_t* a, const std::int32_t* b, std::int64_t count, int a_shift,
              int b_shift, std::int32_t* y);
  /// sat(+-rnd(x mantissa, shift)): scale and align.
  void (*scale)(const std::int32_t* x, std::int64_t count, std::int32_t mantissa, bool negative,
                int shift, std::int32_t* y);
  /// cosine and sine have rotary_dim/2 elements.
  void (*rope)(const std::int32_t* x, const std::int32_t* cosine, const std::int32_t* sine,
               std::int64_t heads, std::int64_t head_dim, std::int64_t rotary_dim, int shift,
               std::int32_t* y);
};

/// The sets that this processor can run, the best last.
std::vector<const IntegerKernels*> supported_integer_kernels();

/// The best of them, or the one that the environment variable HEDDLE_ISA names. Throws UserError
/// for a name that is unknown or that this processor cannot run.
const IntegerKernels& integer_kernels();

}  // namespace heddle

// The inner loops of the float engine, one set per instruction set, chosen when the program starts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/operators.h"

namespace heddle {

/// How real numbers are held between operators: float32 everywhere, or bfloat16 for the operands of
/// matrix products and float32 for the rest. Sums are always float32.
enum class FloatPrecision { kF32, kBF16 };

/// Where a kernel writes a row of results.
struct RowOut {
  void* data = nullptr;
  bool bf16 = false;
};

/// The row that begins `elements` further on.
inline RowOut offset(RowOut out, std::int64_t elements) {
  return {static_cast<std::byte*>(out.data) + elements * (out.bf16 ? 2 : 4), out.bf16};
}

/// One multi-head attention whose keys and values have been packed (see pack_keys, pack_values).
struct AttentionBlock {
  const void* queries;        ///< first row, at this head's first element
  std::int64_t query_stride;  ///< elements between rows
  const void* packed_keys;
  const void* packed_values;
  std::int64_t rows;  ///< queries in this block
  std::int64_t head_dim;
  float scale;
  std::int64_t keys;
  /// Query r of the block sees the first max(visible_prefix, causal_first + r causal_step) keys.
  std::int64_t visible_prefix;
  std::int64_t causal_first;
  std::int64_t causal_step;  ///< 1, or 0 if not causal
  const float* bias;         ///< nullptr, or the first row of what is added to scaled scores
  std::int64_t bias_stride;  ///< elements between rows, at least `keys`
  RowOut out;                ///< first row, at this head's first element
  std::int64_t out_stride;   ///< elements between rows
  float* scratch;            ///< attention_scratch(keys) floats
};

struct Kernels {
  const char* name;
  bool has_bf16;
  /// Columns of a panel of packed keys or values.
  std::int64_t panel;

  /// function(x + bias) + addend, each of the three left out if absent.
  void (*finish)(const float* x, const float* bias, const Function* function, const float* addend,
                 std::int64_t n, RowOut out);
  void (*gate)(Function function, const float* a, const float* b, std::int64_t n, RowOut out);
  void (*scale)(float factor, const float* x, std::int64_t n, RowOut out);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float epsilon,
                     std::int64_t n, RowOut out);
  void (*rms_norm)(const float* x, const float* weight, float epsilon, std::int64_t n, RowOut out);
  /// cosine and sine have rotary_dim/2 elements.
  void (*rope)(const float* x, const float* cosine, const float* sine, std::int64_t heads,
               std::int64_t head_dim, std::int64_t rotary_dim, RowOut out);

  // Attention works on float32 or bfloat16 (bf16 true) elements. Keys are packed as panels of
  // `panel` keys, transposed; values as panels of `panel` head elements. Padding is zero.
  void (*pack_keys)(const void* keys, std::int64_t stride, std::int64_t count,
                    std::int64_t head_dim, bool bf16, void* packed);
  void (*pack_values)(const void* values, std::int64_t stride, std::int64_t count,
                      std::int64_t head_dim, bool bf16, void* packed);
  void (*attend)(const AttentionBlock& block, bool bf16);

  [[nodiscard]] std::int64_t packed_keys_size(std::int64_t count, std::int64_t head_dim) const {
    return (count + panel - 1) / panel * panel * head_dim;
  }
  [[nodiscard]] std::int64_t packed_values_size(std::int64_t count, std::int64_t head_dim) const {
    return (count + 1) / 2 * 2 * ((head_dim + panel - 1) / panel * panel);
  }
  /// Floats of scratch for one block of at most kAttentionRows queries.
  [[nodiscard]] std::int64_t attention_scratch(std::int64_t count) const {
    return kAttentionRows * ((count + panel - 1) / panel * panel);
  }
  static constexpr std::int64_t kAttentionRows = 48;
};

/// The sets that this processor can run, the best last.
std::vector<const Kernels*> supported_kernels();

/// The best of them.
const Kernels& kernels();

}  // namespace heddle

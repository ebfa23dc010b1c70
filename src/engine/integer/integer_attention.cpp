#include "engine/integer/integer_attention.h"

#include <algorithm>
#include <numbers>

namespace heddle {
namespace {

std::int64_t round_up(std::int64_t x, std::int64_t to) {
  return (x + to - 1) / to * to;
}

}  // namespace

/// One head's keys and values in scratch memory.
struct IntegerAttention::Packed {
  std::int8_t* key_codes;
  std::int32_t* key_offsets;
  std::int32_t* key_mantissas;
  std::int32_t* key_exponents;
  std::int8_t* value_codes;
  std::uint16_t* value_mantissas;
  std::int16_t* value_exponents;
  std::int16_t* value_greatest;
};

IntegerAttention::IntegerAttention(const Attention& op, std::int64_t batches, std::int64_t queries,
                                   std::int64_t keys)
    : op_(op),
      batches_(batches),
      queries_(queries),
      keys_(keys),
      padded_keys_(round_up(keys, 64)),
      key_dim_(round_up(op.head_dim, 4)),
      value_dim_(round_up(op.head_dim, 16)) {}

/// Bytes of a Packed, whose parts each begin a line of the cache.
std::size_t IntegerAttention::head_size() const {
  const std::int64_t bytes = round_up(padded_keys_ * key_dim_, 64) + 3 * padded_keys_ * 4 +
                             round_up(padded_keys_ * value_dim_, 64) + 2 * padded_keys_ * 2 +
                             round_up((padded_keys_ + 1) * 2, 64);
  return static_cast<std::size_t>(bytes);
}

IntegerAttention::Packed IntegerAttention::packed(std::byte* scratch, std::int64_t head) const {
  std::byte* at = scratch + static_cast<std::size_t>(head) * head_size();
  const auto take = [&](std::int64_t bytes) {
    std::byte* taken = at;
    at += round_up(bytes, 64);
    return taken;
  };
  return {
      reinterpret_cast<std::int8_t*>(take(padded_keys_ * key_dim_)),
      reinterpret_cast<std::int32_t*>(take(padded_keys_ * 4)),
      reinterpret_cast<std::int32_t*>(take(padded_keys_ * 4)),
      reinterpret_cast<std::int32_t*>(take(padded_keys_ * 4)),
      reinterpret_cast<std::int8_t*>(take(padded_keys_ * value_dim_)),
      reinterpret_cast<std::uint16_t*>(take(padded_keys_ * 2)),
      reinterpret_cast<std::int16_t*>(take(padded_keys_ * 2)),
      reinterpret_cast<std::int16_t*>(take((padded_keys_ + 1) * 2)),
  };
}

std::size_t IntegerAttention::scratch_size(int workers) const {
  return static_cast<std::size_t>(batches_ * op_.kv_heads) * head_size() +
         static_cast<std::size_t>(workers) *
             IntegerAttentionTile::scratch_size(op_.head_dim, keys_);
}

/// Packs a block of 64 keys and values; those given are the head's first elements.
void IntegerAttention::pack(const Packed& to, std::int64_t block, const std::int32_t* keys,
                            const std::int32_t* values, const IntegerKernels& kernels) const {
  const std::int64_t stride = op_.kv_heads * op_.head_dim;
  const std::int64_t first = block * HeadRows::kBlock;
  const HeadRows rows{keys + first * stride, stride, std::min(HeadRows::kBlock, keys_ - first),
                      op_.head_dim};
  kernels.pack_keys(rows, to.key_codes + first * key_dim_, to.key_offsets + first,
                    to.key_mantissas + first, to.key_exponents + first);
  kernels.pack_values({values + first * stride, stride, rows.count, op_.head_dim},
                      to.value_codes + first * value_dim_, to.value_mantissas + first,
                      to.value_exponents + first);
}

/// Fills in the greatest exponents of the first values.
void IntegerAttention::find_greatest(const Packed& head) const {
  std::int16_t greatest = PackedValues::kNoValues;
  for (std::int64_t j = 0; j <= keys_; ++j) {
    head.value_greatest[j] = greatest;
    if (j < keys_ && head.value_mantissas[j] != 0) {
      greatest = std::max(greatest, head.value_exponents[j]);
    }
  }
}

void IntegerAttention::run(const arith::Operand& q, const arith::Operand& k,
                           const arith::Operand& v, const arith::Result& y, std::byte* scratch,
                           const IntegerKernels& kernels, ThreadPool& pool) const {
  const std::int64_t heads = batches_ * op_.kv_heads;
  const std::int64_t key_stride = op_.kv_heads * op_.head_dim;
  const std::int64_t query_stride = op_.heads * op_.head_dim;
  const std::int64_t key_blocks = padded_keys_ / HeadRows::kBlock;
  pool.parallel_for(static_cast<std::size_t>(heads * key_blocks), [&](std::size_t i, int) {
    const std::int64_t head = static_cast<std::int64_t>(i) / key_blocks;
    const std::int64_t first =
        head / op_.kv_heads * keys_ * key_stride + head % op_.kv_heads * op_.head_dim;
    pack(packed(scratch, head), static_cast<std::int64_t>(i) % key_blocks, k.numbers.data() + first,
         v.numbers.data() + first, kernels);
  });
  pool.parallel_for(static_cast<std::size_t>(heads), [&](std::size_t head, int) {
    find_greatest(packed(scratch, static_cast<std::int64_t>(head)));
  });

  const arith::Scale factor =
      arith::nearest_scale(op_.scale * std::numbers::log2e / (127.0 * 127.0));
  const int reduce =
      std::max(0, arith::bits(127ULL * 127 * static_cast<std::uint64_t>(op_.head_dim)) - 18);
  const std::size_t tile_scratch = IntegerAttentionTile::scratch_size(op_.head_dim, keys_);
  std::byte* tiles = scratch + static_cast<std::size_t>(heads) * head_size();
  constexpr std::int64_t kRows = IntegerAttentionTile::kRows;
  const std::int64_t blocks = (queries_ + kRows - 1) / kRows;
  const std::int64_t rows = (queries_ + blocks - 1) / blocks;
  const std::int64_t tasks = batches_ * op_.heads * blocks;
  pool.parallel_for(static_cast<std::size_t>(tasks), [&](std::size_t i, int worker) {
    const auto task = static_cast<std::int64_t>(i);
    const std::int64_t row = task % blocks * rows;
    const std::int64_t head = task / blocks % op_.heads;
    const std::int64_t batch = task / blocks / op_.heads;
    const std::int64_t first = (batch * queries_ + row) * query_stride + head * op_.head_dim;
    const Packed from = packed(scratch, batch * op_.kv_heads + head / (op_.heads / op_.kv_heads));
    kernels.attend({
        .queries = q.numbers.data() + first,
        .stride = query_stride,
        .rows = std::min(rows, queries_ - row),
        .head_dim = op_.head_dim,
        .keys = {from.key_codes, from.key_offsets, from.key_mantissas, from.key_exponents},
        .values = {from.value_codes, from.value_mantissas, from.value_exponents,
                   from.value_greatest},
        .key_count = keys_,
        .visible_prefix = op_.visible_prefix,
        .causal_first = op_.causal_offset ? *op_.causal_offset + row + 1 : 0,
        .causal_step = op_.causal_offset ? 1 : 0,
        .factor_mantissa = factor.mantissa,
        .factor_exponent = factor.exponent,
        .score_shift = q.fraction + k.fraction - 12 - reduce - 20,
        .reduce = reduce,
        .result_shift = v.fraction - y.fraction - 31,
        .exponentials = arith::exponential_table().data(),
        .out = y.numbers.data() + first,
        .scratch = tiles + static_cast<std::size_t>(worker) * tile_scratch,
    });
  });
}

}  // namespace heddle

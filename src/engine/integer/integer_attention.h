// Multi-head attention by the integer arithmetic, its keys and values quantised and packed first.
#pragma once

#include <cstdint>

#include "base/threads.h"
#include "engine/arith/operators.h"
#include "engine/integer/kernels.h"

namespace heddle {

class IntegerAttention {
 public:
  IntegerAttention(const Attention& op, std::int64_t batches, std::int64_t queries,
                   std::int64_t keys);

  [[nodiscard]] std::size_t scratch_size(int workers) const;

  /// attention() of docs/arithmetic.md for each batch.
  void run(const arith::Operand& q, const arith::Operand& k, const arith::Operand& v,
           const arith::Result& y, std::byte* scratch, const IntegerKernels& kernels,
           ThreadPool& pool) const;

 private:
  struct Packed;
  [[nodiscard]] std::size_t head_size() const;
  [[nodiscard]] Packed packed(std::byte* scratch, std::int64_t head) const;
  void pack(const Packed& to, std::int64_t block, const std::int32_t* keys,
            const std::int32_t* values, const IntegerKernels& kernels) const;
  void find_greatest(const Packed& head) const;

  Attention op_;
  std::int64_t batches_;
  std::int64_t queries_;
  std::int64_t keys_;
  std::int64_t padded_keys_;
  std::int64_t key_dim_;    ///< head_dim as keys are padded
  std::int64_t value_dim_;  ///< head_dim as values are padded
};

}  // namespace heddle

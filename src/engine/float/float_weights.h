// The checkpoint's weights in the forms that the float engine uses, each converted once.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/threads.h"
#include "engine/float/packed_matrix.h"
#include "engine/plan/slab.h"
#include "tensor/safetensors.h"

namespace heddle {

/// Shared by all engines that run the same checkpoint at the same precision. The checkpoint and the
/// pool must outlive it. Every function throws UserError if the tensor is absent or not finite.
class FloatWeights {
 public:
  FloatWeights(const SafeTensors& checkpoint, FloatPrecision precision, ThreadPool& pool)
      : checkpoint_(checkpoint), precision_(precision), pool_(pool) {}

  [[nodiscard]] FloatPrecision precision() const { return precision_; }

  /// For products. Its pages of the checkpoint file are given back to the system.
  const PackedMatrix& matrix(const std::string& name);
  /// As float32, for everything else.
  const float* plain(const std::string& name);
  /// As it stands in the file, for tables of which few rows are read.
  [[nodiscard]] TensorView raw(const std::string& name) const { return checkpoint_.get(name); }

 private:
  const SafeTensors& checkpoint_;
  FloatPrecision precision_;
  ThreadPool& pool_;
  Slab slab_;
  std::map<std::string, PackedMatrix> matrices_;
  std::map<std::string, std::vector<float>> plain_;
};

}  // namespace heddle

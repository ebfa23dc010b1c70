// A quantised checkpoint's weights in the forms that the integer engine uses.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/threads.h"
#include "engine/arith/operators.h"
#include "engine/integer/integer_matrix.h"
#include "engine/plan/slab.h"
#include "engine/quant/format.h"
#include "tensor/safetensors.h"

namespace heddle {

/// Shared by all engines that run the same checkpoint, which must outlive it as the pool must.
/// Every function throws UserError if a tensor is absent, has another shape or dtype than it
/// should, or holds what the arithmetic does not allow.
class IntegerWeights {
 public:
  IntegerWeights(const SafeTensors& checkpoint, QuantisationFormat format, ThreadPool& pool);

  [[nodiscard]] const QuantisationFormat& format() const { return format_; }
  /// Of a value or a Fixed weight.
  [[nodiscard]] int fraction(const std::string& name) const;

  /// A table of the Graph's shape.
  const arith::Codes& table(const std::string& name, const Shape& shape);
  /// A matrix of the Graph's shape, packed. Its pages of the checkpoint file are given back.
  const IntegerMatrix& matrix(const std::string& name, const Shape& shape);
  std::span<const arith::Factor> factors(const std::string& name, const Shape& shape);
  std::span<const std::int32_t> fixed(const std::string& name, const Shape& shape);

 private:
  struct Table {
    std::vector<arith::Scale> scales;
    arith::Codes codes;
  };

  const TensorView& checked(const std::string& name, DType dtype, const Shape& shape) const;
  std::vector<arith::Scale> scales(const std::string& name, std::int64_t rows) const;
  std::span<const std::int8_t> bytes(const std::string& name, const Shape& shape) const;
  std::vector<std::int8_t> unpack(const std::string& name, std::int64_t rows,
                                  std::int64_t depth) const;

  const SafeTensors& checkpoint_;
  ThreadPool& pool_;
  QuantisationFormat format_;
  std::map<std::string, Table> tables_;
  std::map<std::string, IntegerMatrix> matrices_;
  Slab slab_;
  std::map<std::string, std::vector<arith::Factor>> factors_;
  std::map<std::string, std::vector<std::int32_t>> fixed_;
};

}  // namespace heddle

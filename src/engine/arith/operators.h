// The operators of the integer Graph, one function each: the definition in docs/arithmetic.md as
// plain C++. Every faster engine, kernel and circuit is tested against these.
//
// Values are int32 tensors in row-major order whose last extent is the row; each comes with its
// fraction. Sizes must fit one another; they are the caller's business, as are fractions within
// [kMinFraction, kMaxFraction].
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/arith/fixed.h"
#include "engine/arith/tables.h"
#include "model/operators.h"

namespace heddle::arith {

/// A Fixed value as an operand.
struct Operand {
  std::span<const std::int32_t> numbers;
  int fraction = 0;
};
/// A Fixed value to be written.
struct Result {
  std::span<std::int32_t> numbers;
  int fraction = 0;
};

/// codes [rows,depth] in [-127,127]; a Scale for each row. A matrix or an embedding table.
struct Codes {
  std::span<const std::int8_t> codes;
  std::span<const Scale> scales;
  std::int64_t depth = 0;
};

/// An element of a norm's weight.
struct Factor {
  Scale scale;
  bool negative = false;
};

/// Rounds a row to int8 codes; gives the Scale of code 127 in units of x.
Scale quantise(std::span<const std::int32_t> x, std::span<std::int8_t> codes);

/// Any elements at another fraction.
void align(const Operand& x, const Result& y);

/// `bias` is aligned to y's fraction, or empty.
void linear(const Operand& x, const Codes& weight, std::span<const std::int32_t> bias,
            const Result& y);

/// `offset` is aligned to y's fraction.
void layer_norm(const Operand& x, std::span<const Factor> factors,
                std::span<const std::int32_t> offset, double epsilon, const Result& y);
void rms_norm(const Operand& x, std::span<const Factor> factors, double epsilon, const Result& y);

void map(Function function, const Operand& x, const Result& y);
void gate(Function function, const Operand& a, const Operand& b, const Result& y);

/// b is repeated over a.
void add(const Operand& a, const Operand& b, const Result& y);
void scale(double factor, const Operand& x, const Result& y);

/// x [rows,heads*head_dim]; the table has a row for each row.
void rope(const Rope& rope, const RotaryTable& table, const Operand& x, const Result& y);

/// One batch: q [queries,heads*head_dim], k and v [keys,kv_heads*head_dim].
void attention(const Attention& attention, const Operand& q, const Operand& k, const Operand& v,
               const Result& y);

void embedding(const Codes& table, std::span<const std::int32_t> ids, const Result& y);

/// The expert of one token and its weight in units of 2^-15.
struct Route {
  std::int32_t expert = 0;
  std::int32_t weight = 0;
  friend bool operator==(const Route&, const Route&) = default;
};
Route route(const Operand& logits);
/// What the expert of one token computed, weighted.
void weigh(std::int32_t weight, const Operand& x, const Result& y);

/// Numbers that come from outside, all finite.
void from_reals(std::span<const float> reals, const Result& y);
/// A number that goes outside.
float to_real(std::int32_t x, int fraction);

}  // namespace heddle::arith

// The operators of a Graph: what each computes, on which shapes.
//
// Every operator works on real numbers (or integer ids where said). How they are represented, which
// are fused and in what order sums are taken is the business of the engine that runs the Graph.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "tensor/tensor.h"

namespace heddle {

/// A function applied to each element.
enum class Function {
  kGeluTanh,  ///< 0.5x(1 + tanh(sqrt(2/pi)(x + 0.044715x^3))); Hendrycks & Gimpel 2016
  kGeluErf,   ///< 0.5x(1 + erf(x/sqrt(2)))
  kSilu,      ///< x / (1 + exp(-x))
  kRelu,      ///< max(x, 0)
};

/// x[...,K], weight[N,...] whose trailing extents multiply to K, optional bias[N] -> x weight^T +
/// bias
/// [...,N].
struct Linear {};

/// a[...] + b, where b's shape equals the last extents of a's and is repeated over the others.
struct Add {};

/// factor * x.
struct Scale {
  double factor = 1;
};

/// function(x).
struct Map {
  Function function{};
};

/// a[...], b[...] -> function(a) * b: the gated half of a gated linear unit (Shazeer 2020).
struct Gate {
  Function function{};
};

/// x[...,D], weight[D], bias[D] -> (x - mean) / sqrt(variance + epsilon) * weight + bias per row,
/// with the biased variance (Ba et al. 2016).
struct LayerNorm {
  double epsilon = 0;
};

/// x[...,D], weight[D] -> x / sqrt(mean(x^2) + epsilon) * weight per row (Zhang & Sennrich 2019).
struct RmsNorm {
  double epsilon = 0;
};

/// x[T,H*head_dim] -> rotary position embedding in the half-split form: within each head, elements
/// i and i + rotary_dim/2 turn by (first_position + t) * theta^(-2i/rotary_dim); elements from
/// rotary_dim on stay (Su et al. 2021).
struct Rope {
  std::int64_t head_dim = 0;
  std::int64_t rotary_dim = 0;
  double theta = 0;
  std::int64_t first_position = 0;
};

/// q[B...,Tq,heads*head_dim], k and v[B...,Tk,kv_heads*head_dim], optional bias[heads,Tq,Tk] ->
/// [B...,Tq,heads*head_dim]: softmax(scale q k^T + bias) v for each head; query head h reads key
/// head h / (heads / kv_heads). Query i sees the first visible(i) keys.
struct Attention {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  double scale = 1;
  /// Every query sees at least these first keys.
  std::int64_t visible_prefix = 0;
  /// If given, query i also sees the keys up to and including causal_offset + i.
  std::optional<std::int64_t> causal_offset;

  [[nodiscard]] std::int64_t visible(std::int64_t query) const {
    return causal_offset ? std::max(visible_prefix, *causal_offset + query + 1) : visible_prefix;
  }
};

/// table[buckets,H] -> [H,queries,keys]: the bias of an Attention that knows how far apart query
/// and key are; element [h,i,j] is table[bucket(j - (first_query + i), buckets), h] (Raffel et al.
/// 2020; the buckets are those of their code).
struct RelativeBias {
  std::int64_t queries = 0;
  std::int64_t keys = 0;
  std::int64_t first_query = 0;  ///< position of query 0; key 0 is at position 0
  std::int64_t max_distance = 0;
  /// Whether keys after the query have buckets of their own, the second half of them; else they
  /// share the bucket of the query's own position.
  bool bidirectional = false;

  /// The bucket of a key `distance` positions after the query, negative before it. Of the n buckets
  /// of a direction the first n/2 hold one distance d each; a greater d is in
  /// n/2 + trunc(n/2 ln(2d/n) / ln(2 max_distance/n)), at most n - 1. `buckets` is a multiple of 4
  /// and max_distance greater than n/2.
  [[nodiscard]] std::int64_t bucket(std::int64_t distance, std::int64_t buckets) const;
};

/// x[...,D], router[E,D], then wide[F,D] and narrow[D,F] of each of E experts in turn -> [...,D]:
/// for each row p_e narrow_e function(wide_e x), where p = softmax(router x) and e is the first of
/// p's largest elements (Fedus et al. 2022, without a limit to the rows of an expert). The router's
/// numbers are float32 whatever an engine computes the experts in.
struct Experts {
  Function function{};
};

/// table[V,D], ids[T] (I32) -> [T,D].
struct Embedding {};

/// x[B,C,H,W] -> [B,(H/size)(W/size),C*size*size]: non-overlapping squares in raster order, each
/// flattened channel first; a Linear on it is a convolution whose stride equals its kernel.
struct Patchify {
  std::int64_t size = 0;
};

/// x[B,T,D] on a square grid -> [B,T/factor^2,D*factor^2]: each factor x factor square of tokens
/// becomes one, its tokens joined in raster order.
struct PixelShuffle {
  std::int64_t factor = 0;
};

/// The same elements in another shape.
struct Reshape {
  Shape shape;
};

/// x[...] -> [count,...]: x repeated.
struct Repeat {
  std::int64_t count = 0;
};

/// Inputs that agree in all extents but that of `axis`, joined along it.
struct Concat {
  std::int64_t axis = 0;
};

/// The part [begin, end) of x along `axis`.
struct Slice {
  std::int64_t axis = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

using Operator =
    std::variant<Linear, Add, Scale, Map, Gate, LayerNorm, RmsNorm, Rope, Attention, RelativeBias,
                 Experts, Embedding, Patchify, PixelShuffle, Reshape, Repeat, Concat, Slice>;

/// "linear", "layer_norm", ...: as printed.
std::string name_of(const Operator& op);

/// The parameters as "factor=31" or "".
std::string parameters_of(const Operator& op);

std::string_view name_of(Function function);

/// The shape of op's result. Throws InternalError, naming the operator and the shapes, if they do
/// not fit.
Shape result_shape(const Operator& op, std::span<const Shape> inputs);

}  // namespace heddle

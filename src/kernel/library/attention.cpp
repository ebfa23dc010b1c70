#include "kernel/library/attention.h"

#include "base/error.h"
#include "kernel/library/matrix.h"
#include "kernel/library/projection.h"
#include "kernel/library/rows.h"
#include "kernel/library/schedules.h"

namespace heddle::kernel {
namespace {

void check(const RopeShape& shape) {
  if (shape.rotary_dim % 2 == 0 && shape.rotary_dim <= shape.head_dim) return;
  throw UserError(fmt::format("rotary_dim={}: not an even number of at most head_dim={}",
                              shape.rotary_dim, shape.head_dim),
                  "pairs of elements turn: give an even number that fits a head");
}

void check(const AttentionShape& shape) {
  if (shape.heads % shape.kv_heads != 0) {
    throw UserError(
        fmt::format("kv_heads={} does not divide heads={}", shape.kv_heads, shape.heads),
        "each key head serves the same number of query heads");
  }
  if (shape.number == Number::kInt8 && shape.keys > kLongestUint8Sum) {
    throw UserError(
        fmt::format("keys={}: a sum of so many weighted int8 values may overflow", shape.keys),
        fmt::format("use at most {}, or type=float32", kLongestUint8Sum));
  }
}

/// The scalar arguments of attention, declared in order on a builder.
struct AttentionScalars {
  std::vector<Expr> softmax;  ///< scale, or multiplier and shift
  std::vector<Expr> context;  ///< int8: multiplier and shift
  Expr offset;                ///< under kCausal

  AttentionScalars(KernelBuilder& k, const AttentionShape& shape) {
    if (shape.number == Number::kInt8) {
      softmax = {k.scalar_argument("score_multiplier", multiplier_type()),
                 k.scalar_argument("score_shift", shift_type())};
      context = {k.scalar_argument("context_multiplier", multiplier_type()),
                 k.scalar_argument("context_shift", shift_type())};
    } else {
      softmax = {k.scalar_argument("scale", float32_type())};
    }
    if (shape.mask == Mask::kCausal) offset = k.size("offset");
  }

  /// In the order of declaration.
  void append_to(CallArguments& arguments) const {
    arguments.insert(arguments.end(), softmax.begin(), softmax.end());
    arguments.insert(arguments.end(), context.begin(), context.end());
    if (offset) arguments.emplace_back(offset);
  }
};

/// The kernels that attention calls for each head, and its arrays.
struct AttentionBuilder {
  KernelBuilder& k;
  const AttentionShape& shape;
  const AttentionScalars& scalars;

  [[nodiscard]] CallArguments masked(CallArguments arguments) const {
    if (scalars.offset) arguments.emplace_back(scalars.offset);
    return arguments;
  }

  void scores(const Window& q, const Window& keys, const ArrayHandle& to) const {
    const KernelPtr kernel = linear({.rows = shape.tokens,
                                     .columns = shape.keys,
                                     .inner = shape.head_dim,
                                     .number = shape.number,
                                     .mask = shape.mask},
                                    "scores_of_head");
    CallArguments arguments = masked({q, keys});
    arguments.emplace_back(to.all());
    k.call(kernel, arguments);
  }

  void weights(const ArrayHandle& scores, const std::vector<ArrayHandle>& to) const {
    const KernelPtr kernel = softmax(
        {.rows = shape.tokens, .columns = shape.keys, .number = shape.number, .mask = shape.mask});
    CallArguments arguments = {scores.all()};
    arguments.insert(arguments.end(), scalars.softmax.begin(), scalars.softmax.end());
    arguments = masked(std::move(arguments));
    for (const ArrayHandle& array : to) arguments.emplace_back(array.all());
    k.call(kernel, arguments);
  }

  void mix(const ArrayHandle& weights, const Window& values, const Window& to) const {
    const KernelPtr kernel = gemm({.rows = shape.tokens,
                                   .columns = shape.head_dim,
                                   .inner = shape.keys,
                                   .a = weights.element(),
                                   .b = element_type(shape.number),
                                   .sum = sum_type(shape.number),
                                   .mask = shape.mask},
                                  "mix_of_head");
    CallArguments arguments = masked({weights.all(), values});
    arguments.emplace_back(to);
    k.call(kernel, arguments);
  }
};

constexpr int kReciprocalBits = 38;
constexpr int kMeanBits = 16;

/// y[:, first ...] = sums / total, requantised.
void divide_by_totals(const AttentionBuilder& b, const ArrayHandle& sums, const ArrayHandle& total,
                      const ArrayHandle& y, const Expr& first) {
  KernelBuilder& k = b.k;
  k.loop("i", 0, b.shape.tokens, [&](const Expr& i) {
    Element reciprocal = k.scalar("reciprocal", uint_type(31));
    const Expr one = std::int64_t{1} << kReciprocalBits;
    reciprocal = cast(uint_type(31), select(total(i) == 0, 0, one / total(i)));
    k.loop("d", 0, b.shape.head_dim, [&](const Expr& d) {
      const Expr mean = (sums(i, d) * reciprocal) >> (kReciprocalBits - kMeanBits);
      y(i, first + d) = requantise(mean, b.scalars.context[0], b.scalars.context[1]);
    });
  });
}

std::vector<LibraryParameter> attention_parameters(std::int64_t default_keys, std::int64_t minimum,
                                                   const std::string& keys_summary) {
  LibraryParameter keys = size_parameter("keys", keys_summary, default_keys);
  keys.minimum = minimum;
  return {size_parameter("tokens", "queries", 16),
          keys,
          size_parameter("heads", "query heads", 4),
          size_parameter("kv_heads", "key and value heads, a divisor of heads", 4),
          size_parameter("head_dim", "elements of a head", 16),
          mask_parameter(),
          type_parameter()};
}

AttentionShape attention_of(const LibraryArguments& a) {
  return {.tokens = a.number("tokens"),
          .keys = a.number("keys"),
          .heads = a.number("heads"),
          .kv_heads = a.number("kv_heads"),
          .head_dim = a.number("head_dim"),
          .mask = mask_of(a),
          .number = number_of(a)};
}

}  // namespace

KernelPtr rope(const RopeShape& shape, const std::string& name) {
  check(shape);
  const bool is_int8 = shape.number == Number::kInt8;
  const Type element = element_type(shape.number);
  const Type turn = is_int8 ? fixed_type(16, 2) : float32_type();
  const std::int64_t half = shape.rotary_dim / 2;
  KernelBuilder k(name, "rotary position embedding, half-split");
  const std::vector<Expr> extents = {shape.tokens, shape.heads * shape.head_dim};
  const ArrayHandle x = k.input("x", element, extents);
  const ArrayHandle cosine = k.input("cosine", turn, {shape.tokens, half});
  const ArrayHandle sine = k.input("sine", turn, {shape.tokens, half});
  const ArrayHandle y = k.output("y", element, extents);
  const auto rounded = [&](const Expr& e) { return is_int8 ? saturate_int8(e) : e; };
  k.loop("t", 0, shape.tokens, [&](const Expr& t) {
    k.loop("h", 0, shape.heads, [&](const Expr& h) {
      const Expr head = h * shape.head_dim;
      k.loop("i", 0, half, [&](const Expr& i) {
        const Expr a = x(t, head + i);
        const Expr b = x(t, head + half + i);
        y(t, head + i) = rounded(a * cosine(t, i) - b * sine(t, i));
        y(t, head + half + i) = rounded(b * cosine(t, i) + a * sine(t, i));
      });
      if (shape.rotary_dim == shape.head_dim) return;
      k.loop("r", shape.rotary_dim, shape.head_dim,
             [&](const Expr& r) { y(t, head + r) = x(t, head + r); });
    });
  });
  return k.build();
}

KernelPtr attention(const AttentionShape& shape, const std::string& name) {
  check(shape);
  const bool is_int8 = shape.number == Number::kInt8;
  const Type element = element_type(shape.number);
  KernelBuilder k(name, "y = softmax(scale q k^T) v for each head");
  const ArrayHandle q = k.input("q", element, {shape.tokens, shape.width()});
  const ArrayHandle keys = k.input("keys", element, {shape.keys, shape.kv_width()});
  const ArrayHandle values = k.input("values", element, {shape.keys, shape.kv_width()});
  const AttentionScalars scalars(k, shape);
  const ArrayHandle y = k.output("y", element, {shape.tokens, shape.width()});
  const AttentionBuilder b{k, shape, scalars};
  k.loop("h", 0, shape.heads, [&](const Expr& h) {
    const Expr first = h * shape.head_dim;
    const Expr kv_first = h / to_index(shape.heads / shape.kv_heads) * shape.head_dim;
    const std::vector<Expr> square = {shape.tokens, shape.keys};
    const ArrayHandle scores = k.local("scores", sum_type(shape.number), square);
    const ArrayHandle weights = k.local("weights", is_int8 ? uint_type(8) : float32_type(), square);
    b.scores(columns_from(q, first), columns_from(keys, kv_first), scores);
    const Window head_values = columns_from(values, kv_first);
    if (is_int8) {
      const ArrayHandle total = k.local("total", uint_type(32), {shape.tokens});
      const ArrayHandle sums = k.local("sums", int_type(32), {shape.tokens, shape.head_dim});
      b.weights(scores, {weights, total});
      b.mix(weights, head_values, sums.all());
      divide_by_totals(b, sums, total, y, first);
    } else {
      b.weights(scores, {weights});
      b.mix(weights, head_values, columns_from(y, first));
    }
  });
  return k.build();
}

KernelPtr attention_layer(const AttentionLayerShape& shape, const std::string& name) {
  const AttentionShape& a = shape.attention;
  check(a);
  const Type element = element_type(a.number);
  KernelBuilder k(name, "y = output(attention(query(x), key(x), value(x)))");
  const ArrayHandle x = k.input("x", element, {a.tokens, shape.hidden});
  std::optional<ArrayHandle> memory;
  if (shape.cross) memory = k.input("memory", element, {a.keys, shape.hidden});
  const ArrayHandle& source = memory ? *memory : x;
  const auto projection = [&](const std::string& of, std::int64_t rows, std::int64_t columns,
                              std::int64_t inner) {
    return Projection(
        k, of,
        {.rows = rows, .columns = columns, .inner = inner, .number = a.number, .bias = shape.bias});
  };
  const Projection query = projection("query", a.tokens, a.width(), shape.hidden);
  const Projection key = projection("key", a.keys, a.kv_width(), shape.hidden);
  const Projection value = projection("value", a.keys, a.kv_width(), shape.hidden);
  const Projection output = projection("output", a.tokens, shape.hidden, a.width());
  const AttentionScalars scalars(k, a);
  const ArrayHandle y = k.output("y", element, {a.tokens, shape.hidden});
  const ArrayHandle q = k.local("q", element, {a.tokens, a.width()});
  const ArrayHandle keys = k.local("keys", element, {a.keys, a.kv_width()});
  const ArrayHandle values = k.local("values", element, {a.keys, a.kv_width()});
  const ArrayHandle context = k.local("context", element, {a.tokens, a.width()});
  query.apply(x, q);
  key.apply(source, keys);
  value.apply(source, values);
  CallArguments arguments = {q.all(), keys.all(), values.all()};
  scalars.append_to(arguments);
  arguments.emplace_back(context.all());
  k.call(attention(a), arguments);
  output.apply(context, y);
  return k.build();
}

LibraryKernel rope_entry() {
  const auto make = [](const LibraryArguments& a) {
    return rope({.tokens = a.number("tokens"),
                 .heads = a.number("heads"),
                 .head_dim = a.number("head_dim"),
                 .rotary_dim = a.number("rotary_dim"),
                 .number = number_of(a)});
  };
  return {
      "rope",
      "rotary position embedding of each head, from tables of cosines and sines",
      {size_parameter("tokens", "rows of x", 16), size_parameter("heads", "heads", 4),
       size_parameter("head_dim", "elements of a head", 16),
       size_parameter("rotary_dim", "elements of a head that turn, even", 16), type_parameter()},
      make,
      {base_schedule()}};
}

LibraryKernel attention_entry() {
  const auto make = [](const LibraryArguments& a) { return attention(attention_of(a)); };
  return {"attention",
          "multi-head attention of q[tokens, heads * head_dim] over keys and values: self, cross, "
          "grouped-query, causal",
          attention_parameters(16, 1, "keys"), make, all_schedules()};
}

LibraryKernel attention_layer_entry() {
  std::vector<LibraryParameter> parameters =
      attention_parameters(0, 0, "rows of the memory of cross-attention; 0: self-attention");
  parameters.push_back(size_parameter("hidden", "columns of x and y", 64));
  parameters.push_back(word_parameter("bias", "whether projections have one", {"no", "yes"}));
  const auto make = [](const LibraryArguments& a) {
    AttentionLayerShape shape;
    shape.attention = attention_of(a);
    shape.cross = shape.attention.keys != 0;
    if (!shape.cross) shape.attention.keys = shape.attention.tokens;
    shape.hidden = a.number("hidden");
    shape.bias = is_yes(a, "bias");
    return attention_layer(shape);
  };
  return {"attention_layer", "query, key and value projections, attention, output projection",
          parameters, make, all_schedules()};
}

}  // namespace heddle::kernel

#include "kernel/library/exact_attention.h"

#include <cmath>
#include <numbers>

#include "base/error.h"
#include "kernel/library/exact_softmax.h"

namespace heddle::kernel {
namespace {

void check(const ExactHeadShape& shape) {
  constexpr std::int64_t kLongestHead = 4096;
  constexpr std::int64_t kMostKeys = 65536;
  if (shape.head_dim > kLongestHead) {
    throw UserError(
        fmt::format("head_dim={}: a score of so many products may overflow", shape.head_dim),
        fmt::format("use at most {}", kLongestHead));
  }
  if (shape.keys > kMostKeys) {
    throw UserError(fmt::format("keys={}: a sum of so many weights may overflow", shape.keys),
                    fmt::format("use at most {}", kMostKeys));
  }
}

/// The nests of head_exact in their order, and what they hand on.
class HeadBuilder {
 public:
  HeadBuilder(const ExactHeadShape& shape, const std::string& name)
      : shape_(shape),
        blocks_((shape.keys + kKeyBlock - 1) / kKeyBlock),
        k_(name, "softmax(scale q k^T) v of one head, from codes to Fixed numbers"),
        q_(CodeRows::input(k_, "q", shape.queries, shape.head_dim)),
        keys_(CodeRows::input(k_, "k", shape.keys, shape.head_dim)),
        values_(CodeRows::input(k_, "v", shape.keys, shape.head_dim)),
        y_(k_.output("y", fixed_number(), {shape.queries, shape.head_dim})),
        steps_(k_.local("steps", steps_type(), {shape.queries, shape.keys})),
        top_(k_.local("top", steps_type(), {shape.queries})),
        octaves_(k_.local("octaves", uint_type(19), {shape.queries, blocks_})),
        greatest_(k_.scalar("greatest", exponent_type())),
        weights_(k_.local("weights", uint_type(8), {shape.queries, shape.keys})),
        total_(k_.local("total", total_type(), {shape.queries})),
        sums_(k_.local("sums", sum_type(), {shape.queries, shape.head_dim})) {}

  KernelPtr build() {
    score();
    find_tops();
    weigh();
    mix();
    divide();
    return k_.build();
  }

 private:
  using Body = std::function<void(const Expr&, const Expr&)>;

  [[nodiscard]] Type total_type() const { return uint_type(26 + digits_of(blocks_)); }
  [[nodiscard]] Type sum_type() const { return int_type(27 + digits_of(blocks_)); }

  void for_each_query(const std::function<void(const Expr&)>& body) {
    k_.loop("i", 0, shape_.queries, body);
  }
  void for_each_element(const std::string& column, std::int64_t columns, const Body& body) {
    for_each_query(
        [&](const Expr& i) { k_.loop(column, 0, columns, [&](const Expr& j) { body(i, j); }); });
  }
  void for_each_block(const Body& body) { for_each_element("b", blocks_, body); }
  /// body(key) for the keys of block b.
  void for_each_key(const Expr& b, const std::function<void(const Expr&)>& body) {
    const Expr length = shape_.keys % kKeyBlock == 0
                            ? to_index(kKeyBlock)
                            : min(to_index(kKeyBlock), shape_.keys - b * kKeyBlock);
    k_.loop("j", 0, length, [&](const Expr& j) { body(b * kKeyBlock + j); });
  }

  /// steps = t of each query and key.
  void score() {
    const ScaleConstant c = nearest_scale(shape_.scale * std::numbers::log2e / (127.0 * 127.0));
    const ArrayHandle mantissa = k_.local("query_mantissa", mantissa_type(), {shape_.queries});
    const ArrayHandle exponent = k_.local("query_exponent", amount_type(), {shape_.queries});
    for_each_query([&](const Expr& i) {
      Element product = k_.scalar("product", uint_type(32));
      product = q_.mantissa(i) * c.mantissa;
      Element excess = k_.scalar("excess", exponent_type());
      excess = apply(normal_exponent(32), {product});
      mantissa(i) = apply(normal_mantissa(32), {product, excess});
      exponent(i) = q_.exponent(i) + c.exponent + excess;
    });
    const ArrayHandle scores = k_.local("scores", int_type(27), {shape_.queries, shape_.keys});
    for_each_element("j", shape_.keys, [&](const Expr& i, const Expr& j) { scores(i, j) = 0; });
    for_each_element("j", shape_.keys, [&](const Expr& i, const Expr& j) {
      k_.loop("d", 0, shape_.head_dim,
              [&](const Expr& d) { scores(i, j) += q_.codes(i, d) * keys_.codes(j, d); });
    });
    const FunctionPtr steps = score_steps(shape_.head_dim, shape_.q_fraction + shape_.k_fraction);
    for_each_element("j", shape_.keys, [&](const Expr& i, const Expr& j) {
      steps_(i, j) = apply(
          steps, {scores(i, j), mantissa(i), exponent(i), keys_.mantissa(j), keys_.exponent(j)});
    });
  }

  /// top = the greatest t of each query; octaves = n of each of its blocks.
  void find_tops() {
    const Expr least = constant(steps_type(), -(Int128{1} << 30));
    const ArrayHandle most = k_.local("most", steps_type(), {shape_.queries, blocks_});
    for_each_query([&](const Expr& i) { top_(i) = least; });
    for_each_block([&](const Expr& i, const Expr& b) { most(i, b) = least; });
    for_each_block([&](const Expr& i, const Expr& b) {
      for_each_key(b, [&](const Expr& j) { most(i, b).reduce_max(steps_(i, j)); });
    });
    for_each_block([&](const Expr& i, const Expr& b) { top_(i).reduce_max(most(i, b)); });
    for_each_block([&](const Expr& i, const Expr& b) {
      octaves_(i, b) = cast(uint_type(19), (top_(i) - most(i, b)) >> 12);
    });
  }

  /// weights = w of each query and key; total of each query.
  void weigh() {
    // Where all values are zeros any exponent will do: their shares are 0.
    greatest_ = constant(exponent_type(), Int128{-128});
    k_.loop("j", 0, shape_.keys, [&](const Expr& j) {
      greatest_.reduce_max(select(values_.mantissa(j) == 0, Expr(-128), values_.exponent(j)));
    });
    const ArrayHandle share = k_.local("share", mantissa_type(), {shape_.keys});
    k_.loop("j", 0, shape_.keys, [&](const Expr& j) {
      const Expr below = min(max(greatest_ - values_.exponent(j), 0), 31);
      share(j) = values_.mantissa(j) >> cast(uint_type(5), below);
    });
    const ExactPowers powers(k_);
    const ArrayHandle block_total =
        k_.local("block_total", uint_type(22), {shape_.queries, blocks_});
    for_each_block([&](const Expr& i, const Expr& b) { block_total(i, b) = 0; });
    for_each_block([&](const Expr& i, const Expr& b) {
      for_each_key(b, [&](const Expr& j) {
        Element e = k_.scalar("e", power_type());
        e = powers.of(top_(i) - steps_(i, j), octaves_(i, b));
        block_total(i, b) += e;
        weights_(i, j) = apply(key_weight(), {e, share(j)});
      });
    });
    for_each_query([&](const Expr& i) { total_(i) = 0; });
    for_each_block([&](const Expr& i, const Expr& b) {
      total_(i) += at_exponent(block_total(i, b), octaves_(i, b));
    });
  }

  /// sums = O of each query and element.
  void mix() {
    const ArrayHandle parts =
        k_.local("parts", int_type(22), {shape_.queries, blocks_, shape_.head_dim});
    const auto for_each_part =
        [&](const std::function<void(const Expr&, const Expr&, const Expr&)>& body) {
          for_each_block([&](const Expr& i, const Expr& b) {
            k_.loop("d", 0, shape_.head_dim, [&](const Expr& d) { body(i, b, d); });
          });
        };
    for_each_part([&](const Expr& i, const Expr& b, const Expr& d) { parts(i, b, d) = 0; });
    for_each_part([&](const Expr& i, const Expr& b, const Expr& d) {
      for_each_key(b,
                   [&](const Expr& j) { parts(i, b, d) += weights_(i, j) * values_.codes(j, d); });
    });
    for_each_element("d", shape_.head_dim, [&](const Expr& i, const Expr& d) { sums_(i, d) = 0; });
    for_each_part([&](const Expr& i, const Expr& b, const Expr& d) {
      sums_(i, d) += at_exponent(parts(i, b, d), octaves_(i, b));
    });
  }

  /// y = O / total.
  void divide() {
    const ArrayHandle mantissa = k_.local("inverse_mantissa", mantissa_type(), {shape_.queries});
    const ArrayHandle shift = k_.local("inverse_shift", amount_type(), {shape_.queries});
    const int width = total_type().width + 15;
    const int change = shape_.v_fraction - shape_.y_fraction;
    for_each_query([&](const Expr& i) {
      Element whole = k_.scalar("whole", uint_type(width));
      whole = total_(i) * (127 * 255);
      Element exponent = k_.scalar("whole_exponent", exponent_type());
      exponent = apply(normal_exponent(width), {whole});
      Element quotient = k_.scalar("quotient", uint_type(32));
      quotient = constant(uint_type(47), Int128{1} << 46) /
                 apply(normal_mantissa(width), {whole, exponent});
      Element excess = k_.scalar("excess", exponent_type());
      excess = apply(normal_exponent(32), {quotient});
      mantissa(i) = apply(normal_mantissa(32), {quotient, excess});
      // f_v - f_y - e_R - nu - 31 with e_R = excess - 46 - exponent
      shift(i) = Expr(change + 46 - 31) + exponent - excess - greatest_;
    });
    const FunctionPtr value = context_value(sum_type().width);
    for_each_element("d", shape_.head_dim, [&](const Expr& i, const Expr& d) {
      y_(i, d) = apply(value, {sums_(i, d), mantissa(i), shift(i)});
    });
  }

  ExactHeadShape shape_;
  std::int64_t blocks_;
  KernelBuilder k_;
  CodeRows q_;
  CodeRows keys_;
  CodeRows values_;
  ArrayHandle y_;
  ArrayHandle steps_;
  ArrayHandle top_;
  ArrayHandle octaves_;
  Element greatest_;
  ArrayHandle weights_;
  ArrayHandle total_;
  ArrayHandle sums_;
};

/// Column `column` of a matrix.
Window column_of(const ArrayHandle& array, const Expr& column) {
  Window window = array.all();
  window.dimensions.at(1) = {to_index(column), false};
  return window;
}

/// Rows of which each head has codes and a Scale of its own: codes [rows, heads head_dim], the rest
/// [rows, heads].
struct HeadRows {
  ArrayHandle codes;
  ArrayHandle mantissa;
  ArrayHandle exponent;

  static HeadRows declare(
      const std::function<ArrayHandle(const std::string&, const Type&, std::vector<Expr>)>& make,
      const std::string& name, std::int64_t rows, std::int64_t heads, std::int64_t head_dim) {
    return {make(name, int_type(8), {rows, heads * head_dim}),
            make(name + "_mantissa", mantissa_type(), {rows, heads}),
            make(name + "_exponent", exponent_type(), {rows, heads})};
  }
  static HeadRows input(KernelBuilder& k, const std::string& name, std::int64_t rows,
                        std::int64_t heads, std::int64_t head_dim) {
    return declare([&](auto&&... a) { return k.input(a...); }, name, rows, heads, head_dim);
  }
  static HeadRows output(KernelBuilder& k, const std::string& name, std::int64_t rows,
                         std::int64_t heads, std::int64_t head_dim) {
    return declare([&](auto&&... a) { return k.output(a...); }, name, rows, heads, head_dim);
  }
  static HeadRows local(KernelBuilder& k, const std::string& name, std::int64_t rows,
                        std::int64_t heads, std::int64_t head_dim) {
    return declare([&](auto&&... a) { return k.local(a...); }, name, rows, heads, head_dim);
  }

  void append_head(CallArguments& arguments, const Expr& head, std::int64_t head_dim) const {
    arguments.emplace_back(columns_from(codes, head * head_dim));
    arguments.emplace_back(column_of(mantissa, head));
    arguments.emplace_back(column_of(exponent, head));
  }
  void append_to(CallArguments& arguments) const {
    for (const ArrayHandle& array : {codes, mantissa, exponent}) {
      arguments.emplace_back(array.all());
    }
  }
};

/// x [rows, heads head_dim] int<27> -> y [rows, heads head_dim], y_mantissa and y_exponent [rows,
/// heads]: each head of each row quantised.
KernelPtr quantise_heads(std::int64_t rows, std::int64_t heads, std::int64_t head_dim) {
  KernelBuilder k("quantise_heads", "rows of Fixed numbers as codes with a Scale for each head");
  const ArrayHandle x = k.input("x", fixed_number(), {rows, heads * head_dim});
  const HeadRows y = HeadRows::output(k, "y", rows, heads, head_dim);
  k.loop("h", 0, heads, [&](const Expr& h) {
    CallArguments arguments = {columns_from(x, h * head_dim)};
    y.append_head(arguments, h, head_dim);
    k.call(quantise_exact(rows, head_dim, "quantise_head"), arguments);
  });
  return k.build();
}

/// The rows of q, k or v: x, weight, bias -> y (codes of heads), on one block of rows.
KernelPtr project_heads(const ExactAttentionShape& shape, const std::string& of, int fraction) {
  const std::int64_t rows = shape.block;
  const std::int64_t width = shape.heads * shape.head_dim;
  KernelBuilder k("project_" + of, "a projection, as codes with a Scale for each head");
  const CodeRows x = CodeRows::input(k, "x", rows, shape.hidden);
  const ExactProjection projection(k, of,
                                   {.rows = rows,
                                    .columns = width,
                                    .inner = shape.hidden,
                                    .x_fraction = shape.x_fraction,
                                    .y_fraction = fraction});
  const HeadRows y = HeadRows::output(k, "y", rows, shape.heads, shape.head_dim);
  const ArrayHandle projected = k.local("projected", fixed_number(), {rows, width});
  projection.apply(x, projected);
  CallArguments arguments = {projected.all()};
  y.append_to(arguments);
  k.call(quantise_heads(rows, shape.heads, shape.head_dim), arguments);
  return k.build();
}

/// q (a block of rows), k and v (all rows), the output projection -> y, on one block of rows.
KernelPtr attend(const ExactAttentionShape& shape) {
  const std::int64_t rows = shape.block;
  const std::int64_t width = shape.heads * shape.head_dim;
  KernelBuilder k("attend", "attention of a block of queries and its output projection");
  const auto heads_of = [&](const std::string& of, std::int64_t count) {
    return HeadRows::input(k, of, count, shape.heads, shape.head_dim);
  };
  const HeadRows q = heads_of("q", rows);
  const HeadRows keys = heads_of("k", shape.tokens);
  const HeadRows values = heads_of("v", shape.tokens);
  const ExactProjection out(k, "out",
                            {.rows = rows,
                             .columns = shape.hidden,
                             .inner = width,
                             .x_fraction = shape.context_fraction,
                             .y_fraction = shape.y_fraction});
  const ArrayHandle y = k.output("y", fixed_number(), {rows, shape.hidden});
  const ArrayHandle context = k.local("context", fixed_number(), {rows, width});
  const KernelPtr head = head_exact({.queries = rows,
                                     .keys = shape.tokens,
                                     .head_dim = shape.head_dim,
                                     .q_fraction = shape.q_fraction,
                                     .k_fraction = shape.k_fraction,
                                     .v_fraction = shape.v_fraction,
                                     .y_fraction = shape.context_fraction,
                                     .scale = shape.scale},
                                    "head");
  k.loop("h", 0, shape.heads, [&](const Expr& h) {
    CallArguments arguments;
    for (const HeadRows& operand : {q, keys, values}) {
      operand.append_head(arguments, h, shape.head_dim);
    }
    arguments.emplace_back(columns_from(context, h * shape.head_dim));
    k.call(head, arguments);
  });
  const CodeRows codes = CodeRows::local(k, "codes", rows, width);
  CallArguments arguments = {context.all()};
  codes.append_to(arguments);
  k.call(quantise_exact(rows, width, "quantise_context"), arguments);
  out.apply(codes, y);
  return k.build();
}

}  // namespace

KernelPtr head_exact(const ExactHeadShape& shape, const std::string& name) {
  check(shape);
  return HeadBuilder(shape, name).build();
}

KernelPtr attention_exact(const ExactAttentionShape& shape, const std::string& name) {
  KernelBuilder k(name, "projections, attention of all heads and the output projection");
  const std::int64_t width = shape.heads * shape.head_dim;
  const CodeRows x = CodeRows::input(k, "x", shape.tokens, shape.hidden);
  std::vector<CallArguments> weights;
  const std::vector<std::string> names = {"q", "k", "v", "out"};
  weights.reserve(names.size());
  for (const std::string& of : names) {
    const bool is_out = of == "out";
    const std::int64_t columns = is_out ? shape.hidden : width;
    CallArguments& arguments = weights.emplace_back();
    CodeRows::input(k, of + "_weight", columns, is_out ? width : shape.hidden).append_to(arguments);
    arguments.emplace_back(k.input(of + "_bias", fixed_number(), {columns}).all());
  }
  const ArrayHandle y = k.output("y", fixed_number(), {shape.tokens, shape.hidden});
  CallArguments attend_arguments;
  const std::vector<int> fractions = {shape.q_fraction, shape.k_fraction, shape.v_fraction};
  for (std::size_t i = 0; i < fractions.size(); ++i) {
    const std::string& of = names[i];
    const HeadRows rows = HeadRows::local(k, of, shape.tokens, shape.heads, shape.head_dim);
    rows.append_to(attend_arguments);
    CallArguments arguments;
    x.append_to(arguments);
    arguments.insert(arguments.end(), weights[i].begin(), weights[i].end());
    rows.append_to(arguments);
    const KernelPtr project = project_heads(shape, of, fractions[i]);
    k.call(by_blocks(project, shape.tokens, shape.block,
                     {"x", "x_mantissa", "x_exponent", "y", "y_mantissa", "y_exponent"},
                     "projection_" + of),
           arguments);
  }
  attend_arguments.insert(attend_arguments.end(), weights[3].begin(), weights[3].end());
  attend_arguments.emplace_back(y.all());
  k.call(by_blocks(attend(shape), shape.tokens, shape.block, {"q", "q_mantissa", "q_exponent", "y"},
                   "attend_all"),
         attend_arguments);
  return k.build();
}

ExactAttentionShape exact_attention_shape(const LibraryArguments& a) {
  return {.tokens = a.number("tokens"),
          .hidden = a.number("hidden"),
          .heads = a.number("heads"),
          .head_dim = a.number("head_dim"),
          .x_fraction = fraction_of(a, "x_fraction"),
          .q_fraction = fraction_of(a, "q_fraction"),
          .k_fraction = fraction_of(a, "k_fraction"),
          .v_fraction = fraction_of(a, "v_fraction"),
          .context_fraction = fraction_of(a, "context_fraction"),
          .y_fraction = fraction_of(a, "y_fraction"),
          .scale = 1 / std::sqrt(static_cast<double>(a.number("head_dim")))};
}

LibraryKernel attention_exact_entry() {
  const auto make = [](const LibraryArguments& a) {
    ExactAttentionShape shape = exact_attention_shape(a);
    shape.block = a.number("block");
    return attention_exact(shape);
  };
  return {"attention_exact",
          "projections, attention and output projection of int<8> rows to Fixed numbers, by "
          "docs/arithmetic.md",
          {size_parameter("tokens", "rows of x", 16), size_parameter("hidden", "columns of x", 32),
           size_parameter("heads", "heads", 4),
           size_parameter("head_dim", "elements of a head; scores are divided by its root", 8),
           fraction_parameter("x_fraction", "fraction of x", 18),
           fraction_parameter("q_fraction", "fraction of the queries", 18),
           fraction_parameter("k_fraction", "fraction of the keys", 18),
           fraction_parameter("v_fraction", "fraction of the values", 18),
           fraction_parameter("context_fraction", "fraction of what the heads give", 18),
           fraction_parameter("y_fraction", "fraction of y", 18), block_parameter()},
          make,
          {base_schedule()}};
}

}  // namespace heddle::kernel

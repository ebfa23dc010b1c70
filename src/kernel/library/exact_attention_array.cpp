#include "kernel/library/exact_attention_array.h"

#include <numbers>

#include "base/error.h"
#include "kernel/library/exact_softmax.h"
#include "kernel/library/tiles.h"

namespace heddle::kernel {
namespace {

constexpr std::int64_t kNumbers = 16;  ///< Fixed numbers in a word
/// Of products of codes: what Linear's k0 is 0 for.
constexpr std::int64_t kDeepest = 4096;
/// rnd(2^5 x, 5) = x.
constexpr int kPlain = 5;

class AttentionProcesses {
 public:
  AttentionProcesses(const AttentionArrayShape& shape, const std::string& name)
      : layer_(shape.layer),
        rows_(shape.tile_rows),
        lanes_(shape.lanes),
        tokens_(layer_.tokens),
        width_(layer_.heads * layer_.head_dim),
        blocks_(tokens_ / kKeyBlock),
        tiles_(tokens_ / rows_),
        halves_(kAttentionWord / rows_),
        k_(name, "a step of an attention layer, as processes around one array"),
        step_(k_.scalar_argument("step", uint_type(2))) {}

  KernelPtr build() {
    const CodeArray rows = code_input("row", "rows");
    const ArrayHandle context = k_.input("context", fixed_number(), {tokens_, width_});
    const ArrayHandle moving =
        k_.input("moving", int_type(8), {k_.size("moving_words"), kAttentionWord});
    const Expr octave_count = k_.size("octave_count");
    const ArrayHandle octaves = k_.input("octaves", octave_type(), {octave_count});
    const Expr columns = k_.size("columns");
    const ArrayHandle column_mantissa = k_.input("column_mantissa", mantissa_type(), {columns});
    const ArrayHandle column_exponent = k_.input("column_exponent", exponent_type(), {columns});
    const ArrayHandle column_bias = k_.input("column_bias", fixed_number(), {columns});
    const Expr values = k_.size("values");
    const ArrayHandle value_mantissa = k_.input("value_mantissa", mantissa_type(), {values});
    const ArrayHandle value_exponent = k_.input("value_exponent", exponent_type(), {values});
    const ArrayHandle codes =
        k_.output("codes", int_type(8), {k_.size("code_words"), kAttentionWord});
    const Expr scales = k_.size("code_scales");
    const ArrayHandle code_mantissa = k_.output("code_mantissa", mantissa_type(), {scales});
    const ArrayHandle code_exponent = k_.output("code_exponent", exponent_type(), {scales});
    const ArrayHandle code_octaves =
        k_.output("code_octaves", octave_type(), {k_.size("code_octave_count")});
    const ArrayHandle mixed = k_.output("mixed", fixed_number(), {tokens_, width_});
    columns_ = {column_mantissa, column_exponent, column_bias};
    values_ = {value_mantissa, value_exponent};
    scales_ = {code_mantissa, code_exponent};

    const StreamHandle kept = k_.stream("kept", int_type(8), 4, {kAttentionWord});
    const StreamHandle passing = k_.stream("passing", int_type(8), 4, {kAttentionWord + 1});
    const StreamHandle sums = k_.stream("sums", sum_type(), 32, {rows_});
    const StreamHandle results = k_.stream("results", int_type(8), 4, {rows_});
    k_.dataflow({{"read_rows", [&] { read_rows(rows, context, kept); }},
                 {"read_moving", [&] { read_moving(moving, octaves, passing); }},
                 {"multiply", [&] { multiply(kept, passing, sums); }},
                 {"finish", [&] { finish(sums, results, code_octaves, mixed); }},
                 {"write_codes", [&] { write_codes(results, codes); }}});
    return k_.build();
  }

 private:
  using Body = std::function<void(const Expr&)>;

  struct CodeArray {
    ArrayHandle codes;
    ArrayHandle mantissa;
    ArrayHandle exponent;
  };
  CodeArray code_input(const std::string& of, const std::string& codes) {
    const Expr words = k_.size(of + "_words");
    const Expr count = k_.size(of + "_scales");
    return {k_.input(codes, int_type(8), {words, kAttentionWord}),
            k_.input(of + "_mantissa", mantissa_type(), {count}),
            k_.input(of + "_exponent", exponent_type(), {count})};
  }

  static Type octave_type() { return uint_type(6); }
  [[nodiscard]] Type sum_type() const {
    int width = kFixedBits;
    while (blocks_ >> (width - kFixedBits) != 0) ++width;
    return int_type(std::max(width, 32));
  }

  [[nodiscard]] Expr is(AttentionStep step) const { return step_ == static_cast<int>(step); }
  /// One of four numbers, by the step.
  [[nodiscard]] Expr by_step(const std::array<std::int64_t, 4>& numbers) const {
    return select(step_ < 2, select(step_ == 0, Expr(numbers[0]), Expr(numbers[1])),
                  select(step_ == 2, Expr(numbers[2]), Expr(numbers[3])));
  }
  [[nodiscard]] Expr count_by_step(const std::array<std::int64_t, 4>& numbers) const {
    return to_index(by_step(numbers));
  }

  void each_row(const std::string& loop, const Body& body) { k_.loop(loop, 0, rows_, body); }

  // The rows that the array keeps, a tile at a time: first a word for each row's Scale.

  void read_rows(const CodeArray& rows, const ArrayHandle& context, const StreamHandle& to) {
    k_.when(step_ < 2, [&] {
      // Tiles of x have hidden / 64 words a row, those of q one.
      k_.loop("tile_1", 0, count_by_step({tiles_, layer_.heads * tiles_, 0, 0}),
              [&](const Expr& t) {
                each_row("head_1", [&](const Expr& r) {
                  Element scale = k_.scalar("scale_1", uint_type(24));
                  scale = packed_scale(rows.mantissa(t * rows_ + r), rows.exponent(t * rows_ + r));
                  put_scale("head_1", scale, to);
                });
                k_.when(
                    step_ == 0,
                    [&] { send_tile("x", rows.codes, t, layer_.hidden / kAttentionWord, to); },
                    [&] { send_tile("q", rows.codes, t, 1, to); });
              });
    });
    k_.when(is(AttentionStep::kMix), [&] {
      k_.loop("v_h", 0, layer_.heads, [&](const Expr& h) {
        k_.loop("v_half", 0, halves_, [&](const Expr&) {
          k_.loop("v_j", 0, tokens_, [&](const Expr& j) {
            k_.loop("v_d", 0, kAttentionWord,
                    [&](const Expr& d) { to.put({d}, rows.codes(h * tokens_ + j, d)); });
          });
        });
      });
    });
    k_.when(is(AttentionStep::kOutput), [&] { quantise_context(context, to); });
  }

  void put_scale(const std::string& name, const Element& scale, const StreamHandle& to) {
    k_.loop(name + "_d", 0, kAttentionWord, [&](const Expr& d) {
      const Expr byte = select(d == 0, cast(uint_type(24), Expr(scale)),
                               select(d == 1, cast(uint_type(24), Expr(scale) >> 8),
                                      cast(uint_type(24), Expr(scale) >> 16)));
      to.put({d}, cast(int_type(8, Overflow::kWrap), byte));
    });
  }

  void send_tile(const std::string& name, const ArrayHandle& codes, const Expr& tile,
                 std::int64_t words, const StreamHandle& to) {
    k_.loop(name + "_w", 0, rows_ * words, [&](const Expr& w) {
      k_.loop(name + "_d", 0, kAttentionWord,
              [&](const Expr& d) { to.put({d}, codes(tile * (rows_ * words) + w, d)); });
    });
  }

  /// Rows of the context become codes.
  void quantise_context(const ArrayHandle& context, const StreamHandle& to) {
    const ArrayHandle kept = k_.local("context_tile", fixed_number(), {rows_, width_});
    Element most = k_.scalar("context_greatest", uint_type(kFixedBits));
    const ArrayHandle word = k_.local("context_word", int_type(8), {kAttentionWord});
    const ArrayHandle greatest = k_.local("context_most", uint_type(kFixedBits), {rows_});
    const ArrayHandle exponent = k_.local("context_e", exponent_type(), {rows_});
    const ArrayHandle factor = k_.local("context_r", uint_type(17), {rows_});
    k_.loop("c_t", 0, tiles_, [&](const Expr& t) {
      each_row("c_r", [&](const Expr& r) {
        k_.loop("c_w", 0, width_ / kNumbers, [&](const Expr& w) {
          k_.when(w == 0, [&] { most = 0; });
          k_.loop("c_n", 0, kNumbers, [&](const Expr& n) {
            Element value = k_.scalar("context_value", fixed_number());
            value = context(t * rows_ + r, w * kNumbers + n);
            kept(r, w * kNumbers + n) = value;
            most.reduce_max(cast(uint_type(kFixedBits), abs(value)));
          });
          k_.when(w == width_ / kNumbers - 1, [&] { greatest(r) = most; });
        });
      });
      each_row("c_s", [&](const Expr& r) {
        Element size = k_.scalar("c_size", uint_type(kFixedBits));
        size = greatest(r);
        Element e = k_.scalar("c_exponent", exponent_type());
        e = apply(normal_exponent(kFixedBits), {size});
        Element m = k_.scalar("c_mantissa", mantissa_type());
        m = apply(normal_mantissa(kFixedBits), {size, e});
        exponent(r) = e;
        factor(r) = apply(row_reciprocal(), {m});
        Element scale = k_.scalar("c_scale", uint_type(24));
        scale = packed_scale(m, e);
        put_scale("c_s", scale, to);
      });
      each_row("c_q", [&](const Expr& r) {
        k_.loop("c_part", 0, width_ / kNumbers, [&](const Expr& w) {
          k_.loop("c_code", 0, kNumbers, [&](const Expr& n) {
            word((w % (kAttentionWord / kNumbers)) * kNumbers + n) =
                apply(quantise_code(), {kept(r, w * kNumbers + n), exponent(r), factor(r)});
          });
          k_.when(w % (kAttentionWord / kNumbers) == kAttentionWord / kNumbers - 1, [&] {
            k_.loop("c_put", 0, kAttentionWord, [&](const Expr& d) { to.put({d}, word(d)); });
          });
        });
      });
    });
  }

  // What passes by.

  void read_moving(const ArrayHandle& moving, const ArrayHandle& octaves, const StreamHandle& to) {
    const std::int64_t heads = layer_.heads;
    pass(AttentionStep::kProject, 1, tiles_, 3 * width_ * (layer_.hidden / kAttentionWord), moving,
         octaves, to);
    pass(AttentionStep::kScore, heads, tiles_, tokens_, moving, octaves, to);
    pass(AttentionStep::kMix, heads, halves_, tokens_ * blocks_, moving, octaves, to);
    pass(AttentionStep::kOutput, 1, tiles_, layer_.hidden * (width_ / kAttentionWord), moving,
         octaves, to);
  }

  /// Each of `parts` parts of `words` words passes `times` times over.
  void pass(AttentionStep step, std::int64_t parts, std::int64_t times, std::int64_t words,
            const ArrayHandle& moving, const ArrayHandle& octaves, const StreamHandle& to) {
    const std::string name = "pass" + std::to_string(static_cast<int>(step));
    k_.when(is(step), [&] {
      k_.loop(name + "_a", 0, parts, [&](const Expr& a) {
        k_.loop(name + "_b", 0, times, [&](const Expr&) {
          k_.loop(name + "_w", 0, words, [&](const Expr& w) {
            const ArrayHandle word = k_.local(name + "_word", int_type(8), {kAttentionWord + 1});
            k_.loop(name + "_d", 0, kAttentionWord,
                    [&](const Expr& d) { word(d) = moving(a * words + w, d); });
            word(kAttentionWord) = step == AttentionStep::kMix
                                       ? cast(int_type(8), octaves(a * words + w))
                                       : Expr(kPlain);
            k_.loop(name + "_p", 0, kAttentionWord + 1,
                    [&](const Expr& d) { to.put({d}, word(d)); });
          });
        });
      });
    });
  }

  // The array.

  void multiply(const StreamHandle& kept, const StreamHandle& passing, const StreamHandle& sums) {
    const std::int64_t most = std::max({layer_.hidden, width_, tokens_});
    const ArrayHandle tile = k_.local("tile", int_type(8), {rows_, most});
    const ArrayHandle base = k_.local("base", int_type(22), {rows_, most / kAttentionWord});
    const ArrayHandle block = k_.local("block_sum", int_type(15), {rows_});
    const ArrayHandle sum = k_.local("sum", sum_type(), {rows_ / 2, 2});
    const Expr jobs =
        count_by_step({tiles_, layer_.heads * tiles_, layer_.heads * halves_, tiles_});
    const Expr columns = count_by_step({3 * width_, tokens_, tokens_, layer_.hidden});
    const Expr words =
        count_by_step({layer_.hidden / kAttentionWord, 1, blocks_, width_ / kAttentionWord});
    k_.loop("job", 0, jobs, [&](const Expr& job) {
      k_.when(
          is(AttentionStep::kMix), [&] { fill_columns(kept, job, tile, base, block); },
          [&] { fill_rows(kept, words, tile, base, sums); });
      k_.loop("column", 0, columns, [&](const Expr&) {
        k_.loop("word", 0, words, [&](const Expr& w) {
          const ArrayHandle moving = k_.local("moving_word", int_type(8), {kAttentionWord + 1});
          k_.loop("m_get", 0, kAttentionWord + 1,
                  [&](const Expr& d) { passing.get({d}, moving(d)); });
          const ArrayHandle dot = k_.local("dot", int_type(32), {rows_ / 2, 2});
          for_pairs("m_z", [&](const Expr& i, const Expr& p) { dot(i, p) = 0; });
          for_pairs("m_", [&](const Expr& i, const Expr& p) {
            k_.loop("m_d", 0, kAttentionWord, [&](const Expr& d) {
              dot(i, p) += moving(d) * tile(i * 2 + p, w * kAttentionWord + d);
            });
          });
          for_pairs("m_s", [&](const Expr& i, const Expr& p) {
            const Expr whole = cast(int_type(22), dot(i, p) + base(i * 2 + p, w));
            sum(i, p) = cast(sum_type(),
                             select(w == 0, constant(sum_type(), Int128{0}), sum(i, p)) +
                                 at_exponent(whole, cast(octave_type(), moving(kAttentionWord))));
          });
          k_.when(w == words - 1, [&] {
            for_pairs("m_o",
                      [&](const Expr& i, const Expr& p) { sums.put({i * 2 + p}, sum(i, p)); });
          });
        });
      });
    });
  }

  void for_pairs(const std::string& name,
                 const std::function<void(const Expr&, const Expr&)>& body) {
    k_.loop(name + "i", 0, rows_ / 2,
            [&](const Expr& i) { k_.loop(name + "p", 0, 2, [&](const Expr& p) { body(i, p); }); });
  }

  /// The rows' Scales pass by; then come the rows.
  void fill_rows(const StreamHandle& from, const Expr& words, const ArrayHandle& tile,
                 const ArrayHandle& base, const StreamHandle& sums) {
    const ArrayHandle scale = k_.local("scale", uint_type(24), {rows_});
    each_row("s_r", [&](const Expr& r) {
      const ArrayHandle word = k_.local("s_word", int_type(8), {kAttentionWord});
      k_.loop("s_get", 0, kAttentionWord, [&](const Expr& d) { from.get({d}, word(d)); });
      const auto byte = [&](int b) { return cast(uint_type(8, Overflow::kWrap), word(b)); };
      scale(r) = cast(uint_type(24), (byte(2) << 16) + (byte(1) << 8) + byte(0));
    });
    each_row("s_put", [&](const Expr& r) { sums.put({r}, scale(r)); });
    each_row("f_r", [&](const Expr& r) {
      k_.loop("f_w", 0, words, [&](const Expr& w) {
        k_.loop("f_d", 0, kAttentionWord,
                [&](const Expr& d) { from.get({d}, tile(r, w * kAttentionWord + d)); });
        base(r, w) = 0;
      });
    });
  }

  /// Columns of values, half of them at a time. Weights that pass by are less by 128: `base` is
  /// what that takes off the sums of a block.
  void fill_columns(const StreamHandle& from, const Expr& job, const ArrayHandle& tile,
                    const ArrayHandle& base, const ArrayHandle& block) {
    k_.loop("v_b", 0, blocks_, [&](const Expr& b) {
      k_.loop("v_k", 0, kKeyBlock, [&](const Expr& key) {
        const ArrayHandle word = k_.local("v_word", int_type(8), {kAttentionWord});
        k_.loop("v_get", 0, kAttentionWord, [&](const Expr& d) { from.get({d}, word(d)); });
        each_row("v_r", [&](const Expr& r) {
          Element code = k_.scalar("v_code", int_type(8));
          code = word((job % halves_) * rows_ + r);
          tile(r, b * kKeyBlock + key) = code;
          block(r) = cast(int_type(15),
                          select(key == 0, constant(int_type(15), Int128{0}), block(r)) + code);
        });
        k_.when(key == kKeyBlock - 1,
                [&] { each_row("v_s", [&](const Expr& r) { base(r, b) = block(r) << 7; }); });
      });
    });
  }

  // What becomes of the sums.

  void finish(const StreamHandle& sums, const StreamHandle& results, const ArrayHandle& octaves,
              const ArrayHandle& mixed) {
    k_.when(is(AttentionStep::kScore), [&] { score(sums, results, octaves); });
    k_.when(is(AttentionStep::kMix), [&] { mix(sums, mixed); });
    k_.when(step_ == 0 || step_ == 3, [&] { project(sums, results); });
  }

  /// Sums become Fixed numbers, 64 columns of a tile at a time; those of q, k and v become codes,
  /// others go bytewise.
  void project(const StreamHandle& sums, const StreamHandle& results) {
    const FunctionPtr requantise = requantise_sum("requantise", kDeepest, 0);
    const ArrayHandle scale = k_.local("p_scale", sum_type(), {rows_});
    const ArrayHandle sum = k_.local("p_sum", sum_type(), {rows_});
    const ArrayHandle values = k_.local("p_values", fixed_number(), {rows_, kAttentionWord});
    const ArrayHandle greatest = k_.local("p_most", uint_type(kFixedBits), {rows_});
    const ArrayHandle exponent = k_.local("p_e", exponent_type(), {rows_});
    const ArrayHandle factor = k_.local("p_f", uint_type(17), {rows_});
    Element m = k_.scalar("p_cm", mantissa_type());
    Element e = k_.scalar("p_ce", exponent_type());
    Element bias = k_.scalar("p_bias", fixed_number());
    const Expr groups = count_by_step({3 * layer_.heads, 0, 0, layer_.hidden / kAttentionWord});
    k_.loop("p_t", 0, tiles_, [&](const Expr& t) {
      each_row("p_head", [&](const Expr& r) { sums.get({r}, scale(r)); });
      k_.loop("p_g", 0, groups, [&](const Expr& group) {
        each_row("p_z", [&](const Expr& r) { greatest(r) = 0; });
        k_.loop("p_c", 0, kAttentionWord, [&](const Expr& c) {
          k_.loop("p_part", 0, rows_ / lanes_, [&](const Expr& part) {
            k_.when(part == 0, [&] {
              each_row("p_get", [&](const Expr& r) { sums.get({r}, sum(r)); });
              m = columns_[0](group * kAttentionWord + c);
              e = columns_[1](group * kAttentionWord + c);
              bias = columns_[2](group * kAttentionWord + c);
            });
            k_.loop("p_l", 0, lanes_, [&](const Expr& l) {
              const Expr r = part * lanes_ + l;
              Element value = k_.scalar("p_value", fixed_number());
              value = apply(requantise, {cast(int_type(32), sum(r)), mantissa_of(scale(r)),
                                         exponent_of(scale(r)), m, e, bias});
              values(r, c) = value;
              greatest(r).reduce_max(cast(uint_type(kFixedBits), abs(value)));
            });
          });
        });
        k_.when(
            step_ == 0, [&] { send_codes(t, group, values, greatest, exponent, factor, results); },
            [&] { send_bytes(values, results); });
      });
    });
  }

  void send_codes(const Expr& t, const Expr& group, const ArrayHandle& values,
                  const ArrayHandle& greatest, const ArrayHandle& exponent,
                  const ArrayHandle& factor, const StreamHandle& results) {
    each_row("n_r", [&](const Expr& r) {
      Element e = k_.scalar("n_e", exponent_type());
      e = apply(normal_exponent(kFixedBits), {greatest(r)});
      Element m = k_.scalar("n_m", mantissa_type());
      m = apply(normal_mantissa(kFixedBits), {greatest(r), e});
      exponent(r) = e;
      factor(r) = apply(row_reciprocal(), {m});
      scales_[0](group * tokens_ + t * rows_ + r) = m;
      scales_[1](group * tokens_ + t * rows_ + r) = e;
    });
    k_.loop("q_c", 0, kAttentionWord, [&](const Expr& c) {
      each_row("q_r", [&](const Expr& r) {
        results.put({r}, apply(quantise_code(), {values(r, c), exponent(r), factor(r)}));
      });
    });
  }

  void send_bytes(const ArrayHandle& values, const StreamHandle& results) {
    k_.loop("y_c", 0, kAttentionWord, [&](const Expr& c) {
      k_.loop("y_b", 0, 4, [&](const Expr& b) {
        each_row("y_r", [&](const Expr& r) {
          Element wide = k_.scalar("y_value", int_type(32));
          wide = values(r, c);
          const Expr byte = select(
              b < 2, select(b == 0, Expr(wide), cast(int_type(32), wide >> 8)),
              select(b == 2, cast(int_type(32), wide >> 16), cast(int_type(32), wide >> 24)));
          results.put({r}, cast(int_type(8, Overflow::kWrap), byte));
        });
      });
    });
  }

  /// While the scores of a tile come in, those of the tile before become weights.
  void score(const StreamHandle& sums, const StreamHandle& results, const ArrayHandle& octaves) {
    const ArrayHandle value_m = k_.local("value_m", mantissa_type(), {tokens_});
    const ArrayHandle value_e = k_.local("value_e", exponent_type(), {tokens_});
    Element greatest = k_.scalar("value_greatest", exponent_type());
    const ArrayHandle raw = k_.local("query_raw", sum_type(), {rows_});
    const ArrayHandle query_m = k_.local("query_m", mantissa_type(), {rows_});
    const ArrayHandle query_e = k_.local("query_e", amount_type(), {rows_});
    const ArrayHandle steps = k_.local("steps", steps_type(), {2, rows_, tokens_});
    const ArrayHandle most = k_.local("most", steps_type(), {2, rows_, blocks_});
    const ArrayHandle most_now = k_.local("most_now", steps_type(), {rows_});
    const ArrayHandle top_now = k_.local("top_now", steps_type(), {rows_});
    const ArrayHandle top = k_.local("top", steps_type(), {rows_});
    const ArrayHandle octave = k_.local("octave", uint_type(19), {rows_});
    const ArrayHandle block_total = k_.local("block_total", uint_type(22), {rows_});
    int total_bits = 26;
    while (blocks_ >> (total_bits - 26) != 0) ++total_bits;
    const ArrayHandle total = k_.local("total", uint_type(total_bits), {rows_});
    const ScaleConstant c = nearest_scale(layer_.scale * std::numbers::log2e / (127.0 * 127.0));
    const Expr least = constant(steps_type(), -(Int128{1} << 30));
    const FunctionPtr steps_of =
        score_steps(layer_.head_dim, layer_.q_fraction + layer_.k_fraction);
    const ExactPowers powers(k_);
    const ArrayHandle sum = k_.local("score_sum", sum_type(), {rows_});

    k_.loop("e_h", 0, layer_.heads, [&](const Expr& h) {
      greatest = constant(exponent_type(), Int128{-128});
      k_.loop("e_v", 0, tokens_, [&](const Expr& j) {
        Element m = k_.scalar("e_vm", mantissa_type());
        m = values_[0](h * tokens_ + j);
        Element e = k_.scalar("e_ve", exponent_type());
        e = values_[1](h * tokens_ + j);
        value_m(j) = m;
        value_e(j) = e;
        greatest.reduce_max(select(Expr(m) == 0, constant(exponent_type(), Int128{-128}), Expr(e)));
      });
      k_.loop("e_t", 0, tiles_ + 1, [&](const Expr& t) {
        k_.when(t < tiles_, [&] {
          each_row("e_raw", [&](const Expr& r) { sums.get({r}, raw(r)); });
          each_row("e_q", [&](const Expr& r) {
            Element product = k_.scalar("e_product", uint_type(32));
            product = mantissa_of(raw(r)) * c.mantissa;
            Element excess = k_.scalar("e_excess", exponent_type());
            excess = apply(normal_exponent(32), {product});
            query_m(r) = apply(normal_mantissa(32), {product, excess});
            query_e(r) = exponent_of(raw(r)) + c.exponent + excess;
          });
        });
        each_row("e_top", [&](const Expr& r) {
          top_now(r) = least;
          total(r) = 0;
        });
        k_.loop("e_b", 0, blocks_, [&](const Expr& b) {
          k_.loop("e_j", 0, kKeyBlock, [&](const Expr& j) {
            const Expr key = b * kKeyBlock + j;
            k_.when(t < tiles_, [&] {
              Element km = k_.scalar("e_km", mantissa_type());
              km = columns_[0](h * tokens_ + key);
              Element ke = k_.scalar("e_ke", exponent_type());
              ke = columns_[1](h * tokens_ + key);
              each_row("e_get", [&](const Expr& r) { sums.get({r}, sum(r)); });
              each_row("e_a", [&](const Expr& r) {
                Element now = k_.scalar("e_now", steps_type());
                now = apply(steps_of, {cast(int_type(27), sum(r)), query_m(r), query_e(r), km, ke});
                steps(t % 2, r, key) = now;
                most_now(r) = max(select(j == 0, least, most_now(r)), now);
                top_now(r).reduce_max(now);
              });
              k_.when(j == kKeyBlock - 1, [&] {
                each_row("e_most", [&](const Expr& r) { most(t % 2, r, b) = most_now(r); });
              });
            });
            k_.when(t > 0, [&] {
              Element share = k_.scalar("e_share", mantissa_type());
              share = value_m(key) >> cast(uint_type(5), min(max(greatest - value_e(key), 0), 31));
              k_.when(j == 0, [&] {
                each_row("e_oct", [&](const Expr& r) {
                  octave(r) = cast(uint_type(19), (top(r) - most((t + 1) % 2, r, b)) >> 12);
                });
              });
              each_row("e_w", [&](const Expr& r) {
                Element e = k_.scalar("e_e", power_type());
                e = powers.of(top(r) - steps((t + 1) % 2, r, key), octave(r));
                block_total(r) =
                    cast(uint_type(22),
                         select(j == 0, constant(uint_type(22), Int128{0}), block_total(r)) + e);
                results.put({r}, cast(int_type(8), apply(key_weight(), {e, share}) - 128));
              });
              k_.when(j == kKeyBlock - 1, [&] {
                each_row("e_sum", [&](const Expr& r) {
                  total(r) =
                      cast(total.element(), total(r) + at_exponent(block_total(r), octave(r)));
                });
              });
              k_.when(j < rows_, [&] {
                octaves(((h * tiles_ + t - 1) * rows_ + j) * blocks_ + b) =
                    cast(octave_type(), min(octave(j), 63));
              });
            });
          });
        });
        k_.when(t > 0, [&] { divide(total, greatest, h * tokens_ + (t - 1) * rows_); });
        each_row("e_next", [&](const Expr& r) { top(r) = top_now(r); });
      });
    });
  }

  /// The Scale by which the sums of values become the context: of rows `first` ....
  void divide(const ArrayHandle& total, const Element& greatest, const Expr& first) {
    const int width = total.element().width + 15;
    each_row("d_r", [&](const Expr& r) {
      Element whole = k_.scalar("d_whole", uint_type(width));
      whole = total(r) * (127 * 255);
      Element exponent = k_.scalar("d_exponent", exponent_type());
      exponent = apply(normal_exponent(width), {whole});
      Element quotient = k_.scalar("d_quotient", uint_type(32));
      quotient = constant(uint_type(47), Int128{1} << 46) /
                 apply(normal_mantissa(width), {whole, exponent});
      Element excess = k_.scalar("d_excess", exponent_type());
      excess = apply(normal_exponent(32), {quotient});
      scales_[0](first + r) = apply(normal_mantissa(32), {quotient, excess});
      // Where all values are zeros the shift may be anything.
      scales_[1](first + r) = cast(
          exponent_type(),
          cast(int_type(8, Overflow::kSaturate), Expr(exponent) - excess - greatest + (46 - 31)));
    });
  }

  void mix(const StreamHandle& sums, const ArrayHandle& mixed) {
    const FunctionPtr value = context_value(sum_type().width);
    const ArrayHandle sum = k_.local("x_sum", sum_type(), {rows_});
    Element m = k_.scalar("x_m", mantissa_type());
    Element shift = k_.scalar("x_shift", amount_type());
    k_.loop("x_h", 0, layer_.heads, [&](const Expr& h) {
      k_.loop("x_half", 0, halves_, [&](const Expr& half) {
        k_.loop("x_i", 0, tokens_, [&](const Expr& i) {
          k_.loop("x_g", 0, rows_ / kNumbers, [&](const Expr& g) {
            k_.when(g == 0, [&] {
              each_row("x_get", [&](const Expr& r) { sums.get({r}, sum(r)); });
              m = columns_[0](h * tokens_ + i);
              shift = columns_[1](h * tokens_ + i) + (layer_.v_fraction - layer_.context_fraction);
            });
            k_.loop("x_n", 0, kNumbers, [&](const Expr& n) {
              mixed(i, h * kAttentionWord + half * rows_ + g * kNumbers + n) =
                  apply(value, {sum(g * kNumbers + n), m, shift});
            });
          });
        });
      });
    });
  }

  /// Columns of codes become rows: while a block comes in, the one before it goes out.
  void write_codes(const StreamHandle& results, const ArrayHandle& codes) {
    const ArrayHandle block = k_.local("w_block", int_type(8), {2, rows_, kAttentionWord});
    Element half = k_.scalar("w_half", uint_type(1));
    Element first = k_.scalar("w_first", uint_type(32));
    Element any = k_.scalar("w_any", uint_type(1));
    Element stride = k_.scalar("w_stride", uint_type(16));
    const ArrayHandle column = k_.local("w_column", int_type(8), {rows_});
    half = 0;
    first = 0;
    any = 0;
    stride = cast(uint_type(16), by_step({1, blocks_, 0, layer_.hidden / kNumbers}));
    const Expr tiles = count_by_step({tiles_, layer_.heads * tiles_, 0, tiles_});
    const Expr groups = count_by_step({3 * layer_.heads, blocks_, 0, layer_.hidden / kNumbers});
    const auto send = [&](const std::string& name, const Expr& r, const Expr& from) {
      k_.loop(name, 0, kAttentionWord, [&](const Expr& d) {
        codes(to_index(first + stride * cast(uint_type(8), r)), d) = block(from, r, d);
      });
    };
    k_.loop("w_t", 0, tiles, [&](const Expr& t) {
      k_.loop("w_g", 0, groups, [&](const Expr& g) {
        k_.loop("w_c", 0, kAttentionWord, [&](const Expr& c) {
          each_row("w_get", [&](const Expr& r) { results.get({r}, column(r)); });
          each_row("w_put", [&](const Expr& r) { block(to_index(Expr(half)), r, c) = column(r); });
          k_.when(any == 1 && c < rows_, [&] { send("w_d", c, to_index(1 - half)); });
          k_.when(c == kAttentionWord - 1, [&] {
            const Expr start = t * rows_;
            first = cast(uint_type(32), select(step_ == 0, g * tokens_ + start,
                                               start * to_index(Expr(stride)) + g));
            half = cast(uint_type(1), 1 - half);
            any = 1;
          });
        });
      });
    });
    k_.when(step_ != static_cast<int>(AttentionStep::kMix), [&] {
      each_row("w_last", [&](const Expr& r) { send("w_e", r, to_index(1 - half)); });
    });
  }

  ExactAttentionShape layer_;
  std::int64_t rows_;
  std::int64_t lanes_;
  std::int64_t tokens_;
  std::int64_t width_;
  std::int64_t blocks_;
  std::int64_t tiles_;
  std::int64_t halves_;
  KernelBuilder k_;
  Expr step_;
  std::vector<ArrayHandle> columns_;  ///< mantissa, exponent, bias
  std::vector<ArrayHandle> values_;   ///< mantissa, exponent
  std::vector<ArrayHandle> scales_;   ///< mantissa, exponent
};

void require(bool holds, const std::string& problem, const std::string& remedy) {
  if (!holds) throw UserError("attention_array: " + problem, remedy);
}

void check(const AttentionArrayShape& shape) {
  const ExactAttentionShape& layer = shape.layer;
  require(layer.head_dim == kAttentionWord, fmt::format("heads of {} elements", layer.head_dim),
          fmt::format("a word holds the {} of a row of a head; use attention_exact for others",
                      kAttentionWord));
  for (const auto& [name, extent] :
       {std::pair("tokens", layer.tokens), std::pair("hidden", layer.hidden)}) {
    require(extent % kAttentionWord == 0, fmt::format("{}={} leaves a word unfilled", name, extent),
            fmt::format("make {} a multiple of {}", name, kAttentionWord));
  }
  require(std::max(layer.hidden, layer.heads * kAttentionWord) <= kDeepest,
          fmt::format("sums of {} products", std::max(layer.hidden, layer.heads * kAttentionWord)),
          fmt::format("use at most {}", kDeepest));
  require(shape.tile_rows % kNumbers == 0 && kAttentionWord % shape.tile_rows == 0,
          fmt::format("tiles of {} rows", shape.tile_rows), "choose 16, 32 or 64");
  require(shape.lanes > 0 && shape.tile_rows % shape.lanes == 0,
          fmt::format("{} lanes for {} rows", shape.lanes, shape.tile_rows),
          "choose lanes that divide tile_rows");
}

}  // namespace

KernelPtr attention_array(const AttentionArrayShape& shape, const std::string& name) {
  check(shape);
  return AttentionProcesses(shape, name).build();
}

Schedule attention_array_arrays(const KernelPtr& kernel, bool packed) {
  Schedule s(kernel);
  for (const char* array : {"rows", "moving", "codes"}) s.pack(array, kAttentionWord);
  for (const char* array : {"context", "mixed"}) s.pack(array, kNumbers);
  for (const char* array :
       {"moving_word",  "dot",       "sum",         "block_sum", "s_word",    "v_word",
        "scale",        "p_scale",   "p_sum",       "p_most",    "p_e",       "p_f",
        "context_word", "query_raw", "query_m",     "query_e",   "most_now",  "top_now",
        "top",          "octave",    "block_total", "total",     "score_sum", "x_sum",
        "w_block",      "w_column"}) {
    s.store_in(array, Storage::kRegister);
  }
  const Partition complete{Partition::Kind::kComplete, 1};
  for (const char* array : {"tile", "base", "p_values"}) {
    s.store_in(array, Storage::kLutram);
    s.partition(array, 0, complete);
  }
  s.partition("tile", 1, {Partition::Kind::kCyclic, kAttentionWord});
  s.store_in("context_tile", Storage::kBram);
  s.partition("context_tile", 1, {Partition::Kind::kCyclic, kNumbers});
  s.store_in("steps", Storage::kBram);
  s.partition("steps", 1, complete);
  s.store_in("most", Storage::kLutram);
  s.partition("most", 1, complete);
  std::vector<std::string> unrolled = {
      "head_1_d", "x_d",   "q_d",   "v_d",   "c_n",    "c_s_d",  "c_code", "c_put", "m_get",
      "m_zi",     "m_zp",  "m_i",   "m_si",  "m_sp",   "m_oi",   "m_op",   "s_get", "s_put",
      "f_d",      "v_get", "v_r",   "v_s",   "p_head", "p_z",    "p_get",  "p_l",   "q_r",
      "y_r",      "e_raw", "e_top", "e_get", "e_a",    "e_most", "e_oct",  "e_w",   "e_sum",
      "e_next",   "x_get", "x_n",   "w_get", "w_put",  "w_d",    "w_e"};
  std::vector<std::string> pipelined = {
      "head_1", "x_w", "q_w", "v_j", "c_w", "c_s", "c_part", "word", "s_r", "f_w", "v_k",
      "p_part", "n_r", "q_c", "y_b", "e_v", "e_q", "e_j",    "d_r",  "x_g", "w_c", "w_last"};
  for (int step = 0; step < 4; ++step) {
    const std::string name = "pass" + std::to_string(step);
    s.store_in(name + "_word", Storage::kRegister);
    pipelined.push_back(name + "_w");
    unrolled.push_back(name + "_d");
    unrolled.push_back(name + "_p");
  }
  for (const std::string& loop : pipelined) s.pipeline(loop);
  for (const std::string& loop : unrolled) s.unroll(loop);
  if (packed) {
    s.replace("m_p", packed_dot(kAttentionWord, false));
  } else {
    for (const char* loop : {"m_p", "m_d"}) s.unroll(loop);
  }
  return s;
}

LibraryKernel attention_array_entry() {
  const auto make = [](const LibraryArguments& a) {
    return attention_array({exact_attention_shape(a), a.number("tile_rows"), a.number("lanes")});
  };
  const auto arrays = [](bool packed) {
    return [packed](const KernelPtr& kernel, const LibraryArguments&) {
      return attention_array_arrays(kernel, packed);
    };
  };
  std::vector<LibraryParameter> parameters = attention_exact_entry().parameters;
  std::erase_if(parameters, [](const LibraryParameter& p) { return p.name == "block"; });
  for (LibraryParameter& parameter : parameters) {
    if (parameter.name == "heads") parameter.default_number = 1;
    const bool is_in_words =
        parameter.name == "tokens" || parameter.name == "hidden" || parameter.name == "head_dim";
    if (is_in_words) parameter.default_number = kAttentionWord;
  }
  parameters.push_back(size_parameter("tile_rows", "rows that the array holds", 16));
  parameters.push_back(size_parameter("lanes", "rows that are requantised in a cycle", 4));
  return {"attention_array",
          "a step of attention_exact as processes around one array of multipliers",
          parameters,
          make,
          {base_schedule(),
           {"arrays", "an array of multipliers, a DSP for each product", arrays(false)},
           {"packed", "an array of multipliers, two products to a DSP", arrays(true)}}};
}

}  // namespace heddle::kernel

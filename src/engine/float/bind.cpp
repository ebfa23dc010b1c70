#include "engine/float/bind.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "engine/float/experts.h"
#include "engine/float/finite.h"
#include "engine/plan/moves.h"
#include "engine/plan/rows.h"

namespace heddle {
namespace {

/// Copies elements, narrowing float32 to bfloat16 if only the target is narrow.
void copy_elements(RowOut from, RowOut to, std::int64_t count) {
  if (from.bf16 == to.bf16) {
    std::memcpy(to.data, from.data, static_cast<std::size_t>(count) * (to.bf16 ? 2 : 4));
    return;
  }
  ensure(to.bf16, "a move would widen bfloat16");
  kernels().finish(static_cast<const float*>(from.data), nullptr, nullptr, nullptr, count, to);
}

class Binder {
 public:
  Binder(const FusedNode& node, const BindContext& context)
      : node_(node),
        context_(context),
        weights_(context.weights),
        pool_(context.pool),
        bf16_(context.weights.precision() == FloatPrecision::kBF16),
        out_(context.place(node.output)),
        out_shape_(context.program.graph[node.output].shape),
        width_(out_shape_.empty() ? 1 : out_shape_.back()),
        rows_(element_count(out_shape_) / width_) {}

  BoundStep run() {
    return std::visit([this](const auto& op) { return bind(op); }, node_.op);
  }

 private:
  [[nodiscard]] const Value& value(ValueId id) const { return context_.program.graph[id]; }
  [[nodiscard]] const Shape& shape(std::size_t input) const {
    return value(node_.inputs[input]).shape;
  }

  /// Where a value is held; weights and constants as float32 or int32.
  [[nodiscard]] RowOut held(ValueId id) const {
    switch (value(id).kind) {
      case ValueKind::kWeight:
        return {const_cast<float*>(weights_.plain(value(id).name)), false};
      case ValueKind::kConstant:
        return {const_cast<std::byte*>(value(id).constant.bytes.data()), false};
      case ValueKind::kInput:
      case ValueKind::kComputed:
        return context_.place(id);
    }
    throw InternalError("value of no kind");
  }
  [[nodiscard]] RowOut held(std::size_t input) const { return held(node_.inputs[input]); }

  [[nodiscard]] const float* floats(ValueId id) const {
    const RowOut at = held(id);
    ensure(!at.bf16, "{} is held in bfloat16", value(id).name);
    return static_cast<const float*>(at.data);
  }
  [[nodiscard]] const float* floats(std::size_t input) const { return floats(node_.inputs[input]); }

  // ---- products ----

  /// Offset of scratch memory of this step.
  std::size_t take_scratch(std::size_t bytes) {
    const std::size_t offset = scratch_used_;
    scratch_used_ += (bytes + 63) / 64 * 64;
    context_.program.scratch.size = std::max(context_.program.scratch.size, scratch_used_);
    return offset;
  }

  /// Gives the operand of a product in the precision of products, converting it first if it is held
  /// as float32 for the sake of other readers.
  std::function<const std::byte*()> operand(std::size_t input) {
    const RowOut from = held(input);
    if (from.bf16 == bf16_) return [from] { return static_cast<const std::byte*>(from.data); };
    const Shape& extents = shape(input);
    const std::int64_t width = extents.back();
    const std::int64_t rows = element_count(extents) / width;
    const std::size_t at = take_scratch(static_cast<std::size_t>(rows * width) * 2);
    return [=, &scratch = context_.program.scratch, &pool = pool_] {
      const RowOut to{scratch.memory + at, true};
      for_rows(pool, rows, width, [&](std::int64_t row) {
        copy_elements(offset(from, row * width), offset(to, row * width), width);
      });
      return static_cast<const std::byte*>(to.data);
    };
  }

  BoundStep bind(const Linear&) {
    const PackedMatrix& matrix = weights_.matrix(value(node_.inputs[1]).name);
    Finish finish;
    if (node_.inputs.size() == 3) finish.bias = floats(2);
    finish.function = node_.function;
    if (node_.addend) {
      finish.addend = floats(*node_.addend);
      finish.addend_rows = element_count(value(*node_.addend).shape) / width_;
    }
    // Shared because std::function wants to be copyable.
    const auto product = std::make_shared<PackedProduct>(rows_, matrix);
    return [product, finish, x = operand(0), out = out_, &pool = pool_] {
      product->run(x(), finish, out, pool);
    };
  }

  BoundStep bind(const Attention& op) {
    const Kernels& kernel = kernels();
    const std::int64_t queries = shape(0)[shape(0).size() - 2];
    const std::int64_t keys = shape(1)[shape(1).size() - 2];
    const std::int64_t batches = rows_ / queries;
    const std::int64_t query_stride = op.heads * op.head_dim;
    const std::int64_t key_stride = op.kv_heads * op.head_dim;
    const std::int64_t element = bf16_ ? 2 : 4;
    const std::int64_t keys_size = kernel.packed_keys_size(keys, op.head_dim) * element;
    const std::int64_t values_size = kernel.packed_values_size(keys, op.head_dim) * element;
    const std::int64_t scores_size = kernel.attention_scratch(keys) * 4;
    const auto q = operand(0);
    const auto k = operand(1);
    const auto v = operand(2);
    const float* bias = node_.inputs.size() == 4 ? floats(3) : nullptr;
    const std::size_t packed_at =
        take_scratch(static_cast<std::size_t>((keys_size + values_size) * batches * op.kv_heads));
    const std::size_t scores_at = take_scratch(static_cast<std::size_t>(scores_size) *
                                               static_cast<std::size_t>(pool_.size()));
    const std::int64_t blocks = (queries + Kernels::kAttentionRows - 1) / Kernels::kAttentionRows;

    return [=, out = out_, bf16 = bf16_, &kernel, &scratch = context_.program.scratch,
            &pool = pool_] {
      const std::byte* query_data = q();
      const std::byte* key_data = k();
      const std::byte* value_data = v();
      std::byte* packed = scratch.memory + packed_at;
      const auto packed_head = [&](std::int64_t batch, std::int64_t head) {
        return packed + (batch * op.kv_heads + head) * (keys_size + values_size);
      };
      pool.parallel_for(static_cast<std::size_t>(batches * op.kv_heads), [&](std::size_t i, int) {
        const auto task = static_cast<std::int64_t>(i);
        const std::int64_t batch = task / op.kv_heads;
        const std::int64_t head = task % op.kv_heads;
        const std::int64_t first = (batch * keys * key_stride + head * op.head_dim) * element;
        std::byte* to = packed_head(batch, head);
        kernel.pack_keys(key_data + first, key_stride, keys, op.head_dim, bf16, to);
        kernel.pack_values(value_data + first, key_stride, keys, op.head_dim, bf16, to + keys_size);
      });
      const std::int64_t tasks = batches * op.heads * blocks;
      pool.parallel_for(static_cast<std::size_t>(tasks), [&](std::size_t i, int worker) {
        const auto task = static_cast<std::int64_t>(i);
        const std::int64_t row = task % blocks * Kernels::kAttentionRows;
        const std::int64_t head = task / blocks % op.heads;
        const std::int64_t batch = task / blocks / op.heads;
        const std::int64_t first = (batch * queries + row) * query_stride + head * op.head_dim;
        const std::byte* head_data = packed_head(batch, head / (op.heads / op.kv_heads));
        std::byte* scores = scratch.memory + scores_at + worker * scores_size;
        const AttentionBlock block = {
            .queries = query_data + first * element,
            .query_stride = query_stride,
            .packed_keys = head_data,
            .packed_values = head_data + keys_size,
            .rows = std::min(Kernels::kAttentionRows, queries - row),
            .head_dim = op.head_dim,
            .scale = static_cast<float>(op.scale),
            .keys = keys,
            .visible_prefix = op.visible_prefix,
            .causal_first = op.causal_offset ? *op.causal_offset + row + 1 : 0,
            .causal_step = op.causal_offset ? 1 : 0,
            .bias = bias == nullptr ? nullptr : bias + (head * queries + row) * keys,
            .bias_stride = keys,
            .out = offset(out, first),
            .out_stride = query_stride,
            .scratch = reinterpret_cast<float*>(scores),
        };
        kernel.attend(block, bf16);
      });
    };
  }

  /// Each expert's rows are gathered, multiplied and put back, one expert after the other.
  BoundStep bind(const Experts& op) {
    struct Expert {
      const PackedMatrix* wide;
      const PackedMatrix* narrow;
    };
    std::vector<Expert> experts;
    for (std::size_t i = 2; i < node_.inputs.size(); i += 2) {
      experts.push_back({&weights_.matrix(value(node_.inputs[i]).name),
                         &weights_.matrix(value(node_.inputs[i + 1]).name)});
    }
    const std::int64_t element = bf16_ ? 2 : 4;
    const std::int64_t hidden = shape(2)[0];
    const auto bytes = [&](std::int64_t columns, std::int64_t size) {
      return static_cast<std::size_t>(rows_ * columns * size);
    };
    const std::size_t gathered_at = take_scratch(bytes(width_, element));
    const std::size_t hidden_at = take_scratch(bytes(hidden, element));
    const std::size_t made_at = take_scratch(bytes(width_, 4));
    Finish middle;
    middle.function = op.function;
    return [=, experts = std::move(experts), x = floats(std::size_t{0}),
            from = held(std::size_t{0}), router = floats(1), out = out_, rows = rows_,
            width = width_, bf16 = bf16_, &scratch = context_.program.scratch, &pool = pool_] {
      const Routing routing = route(x, rows, width, router, std::ssize(experts), pool);
      const RowOut gathered{scratch.memory + gathered_at, bf16};
      const RowOut inner{scratch.memory + hidden_at, bf16};
      const RowOut made{scratch.memory + made_at, false};
      const auto row_of = [&](std::int64_t i) { return routing.rows[static_cast<std::size_t>(i)]; };
      for_rows(pool, rows, width, [&](std::int64_t i) {
        copy_elements(offset(from, row_of(i) * width), offset(gathered, i * width), width);
      });
      for (std::size_t e = 0; e < experts.size(); ++e) {
        const std::int64_t first = routing.first[e];
        const std::int64_t count = routing.first[e + 1] - first;
        if (count == 0) continue;
        // How many rows there are is known only now; oneDNN keeps what it made for earlier counts.
        PackedProduct(count, *experts[e].wide)
            .run(offset(gathered, first * width).data, middle, inner, pool);
        PackedProduct(count, *experts[e].narrow)
            .run(inner.data, {}, offset(made, first * width), pool);
      }
      for_rows(pool, rows, width, [&](std::int64_t i) {
        kernels().scale(routing.shares[static_cast<std::size_t>(i)],
                        static_cast<const float*>(made.data) + i * width, width,
                        offset(out, row_of(i) * width));
      });
    };
  }

  // ---- elementwise and row by row ----

  /// A step that computes each row of the output by itself.
  template <typename Body>
  BoundStep by_row(Body body) const {
    return [body, out = out_, rows = rows_, width = width_, &pool = pool_] {
      for_rows(pool, rows, width, [&](std::int64_t row) { body(row, offset(out, row * width)); });
    };
  }

  BoundStep bind(const Add&) {
    const std::int64_t addend_rows = element_count(shape(1)) / width_;
    return by_row(
        [=, a = floats(std::size_t{0}), b = floats(1), n = width_](std::int64_t row, RowOut out) {
          kernels().finish(a + row * n, nullptr, nullptr, b + row % addend_rows * n, n, out);
        });
  }

  BoundStep bind(const Map& op) {
    return by_row([=, x = floats(std::size_t{0}), n = width_](std::int64_t row, RowOut out) {
      kernels().finish(x + row * n, nullptr, &op.function, nullptr, n, out);
    });
  }

  BoundStep bind(const Scale& op) {
    return by_row(
        [factor = static_cast<float>(op.factor), x = floats(std::size_t{0}), n = width_](
            std::int64_t row, RowOut out) { kernels().scale(factor, x + row * n, n, out); });
  }

  BoundStep bind(const Gate& op) {
    return by_row([function = op.function, a = floats(std::size_t{0}), b = floats(1), n = width_](
                      std::int64_t row, RowOut out) {
      kernels().gate(function, a + row * n, b + row * n, n, out);
    });
  }

  BoundStep bind(const LayerNorm& op) {
    return by_row([epsilon = static_cast<float>(op.epsilon), x = floats(std::size_t{0}),
                   weight = floats(1), bias = floats(2), n = width_](std::int64_t row, RowOut out) {
      kernels().layer_norm(x + row * n, weight, bias, epsilon, n, out);
    });
  }

  BoundStep bind(const RmsNorm& op) {
    return by_row([epsilon = static_cast<float>(op.epsilon), x = floats(std::size_t{0}),
                   weight = floats(1), n = width_](std::int64_t row, RowOut out) {
      kernels().rms_norm(x + row * n, weight, epsilon, n, out);
    });
  }

  BoundStep bind(const Rope& op) {
    const std::int64_t half = op.rotary_dim / 2;
    // Angles in double: at large positions float32 would lose the fraction of a turn.
    std::vector<float> cosine, sine;
    for (std::int64_t row = 0; row < rows_; ++row) {
      for (std::int64_t i = 0; i < half; ++i) {
        const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(op.rotary_dim);
        const double angle =
            static_cast<double>(op.first_position + row) / std::pow(op.theta, exponent);
        cosine.push_back(static_cast<float>(std::cos(angle)));
        sine.push_back(static_cast<float>(std::sin(angle)));
      }
    }
    return by_row([=, cosine = std::move(cosine), sine = std::move(sine),
                   x = floats(std::size_t{0}), n = width_](std::int64_t row, RowOut out) {
      kernels().rope(x + row * n, cosine.data() + row * half, sine.data() + row * half,
                     n / op.head_dim, op.head_dim, op.rotary_dim, out);
    });
  }

  BoundStep bind(const RelativeBias& op) {
    const std::int64_t buckets = shape(0)[0];
    const std::int64_t heads = shape(0)[1];
    // By distance, from that of the last query and the first key on.
    const std::int64_t least = -(op.first_query + op.queries - 1);
    std::vector<std::int64_t> places;
    for (std::int64_t distance = least; distance < op.keys - op.first_query; ++distance) {
      places.push_back(op.bucket(distance, buckets) * heads);
    }
    ensure(!out_.bf16, "a bias in bfloat16");
    return by_row([=, places = std::move(places), table = floats(std::size_t{0})](std::int64_t row,
                                                                                  RowOut out) {
      const std::int64_t head = row / op.queries;
      const std::int64_t query = op.first_query + row % op.queries;
      auto* to = static_cast<float*>(out.data);
      for (std::int64_t key = 0; key < op.keys; ++key) {
        to[key] = table[places[static_cast<std::size_t>(key - query - least)] + head];
      }
    });
  }

  BoundStep bind(const Embedding&) {
    const std::string& name = value(node_.inputs[0]).name;
    const TensorView table = weights_.raw(name);
    const std::int64_t entries = shape(0)[0];
    const auto* ids = static_cast<const std::int32_t*>(held(1).data);
    ensure(!out_.bf16, "embedding into bfloat16");
    return by_row([=, n = width_](std::int64_t row, RowOut out) {
      const std::int64_t id = ids[row];
      if (id < 0 || id >= entries) {
        throw UserError(
            fmt::format("token id {} is not in {}, which has {} rows", id, name, entries),
            "use the tokenizer that belongs to this checkpoint");
      }
      const std::span to(static_cast<float*>(out.data), static_cast<std::size_t>(n));
      convert_to_f32(table, id * n, to);
      require_finite(name, to, id * n);
    });
  }

  // ---- moves ----

  template <typename Moving>
  BoundStep bind(const Moving&) {
    struct Part {
      RowOut from;
      Move move;
    };
    std::vector<Part> parts;
    for (Move& move : moves_of(node_, context_.program.graph)) {
      parts.push_back({held(move.input), std::move(move)});
    }
    ensure(!parts.empty(), "no kernel for {}", name_of(node_.op));
    return [parts = std::move(parts), out = out_, &pool = pool_] {
      for (const Part& part : parts) {
        const Move& move = part.move;
        for_rows(pool, move.count, move.run, [&](std::int64_t i) {
          copy_elements(offset(part.from, move.source(i)), offset(out, move.target(i)), move.run);
        });
      }
    };
  }

  const FusedNode& node_;
  const BindContext& context_;
  FloatWeights& weights_;
  ThreadPool& pool_;
  bool bf16_;
  RowOut out_;
  const Shape& out_shape_;
  std::int64_t width_;
  std::int64_t rows_;
  std::size_t scratch_used_ = 0;
};

}  // namespace

BoundStep bind(const FusedNode& node, const BindContext& context) {
  return Binder(node, context).run();
}

}  // namespace heddle

#include "engine/integer/bind.h"

#include "base/error.h"
#include "engine/plan/moves.h"
#include "engine/plan/rows.h"

namespace heddle {
namespace {

using arith::Operand;
using arith::Result;

class Binder {
 public:
  Binder(const FusedNode& node, const IntegerContext& context)
      : node_(node),
        context_(context),
        pool_(context.pool),
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

  /// The numbers of a value and its fraction.
  [[nodiscard]] Operand operand(ValueId id) const {
    const Value& v = value(id);
    const int fraction = context_.weights.fraction(v.name);
    if (v.kind == ValueKind::kWeight) return {context_.weights.fixed(v.name, v.shape), fraction};
    const std::byte* place =
        v.kind == ValueKind::kConstant ? context_.values.constant(id) : context_.program.place(id);
    return {{reinterpret_cast<const std::int32_t*>(place),
             static_cast<std::size_t>(element_count(v.shape))},
            fraction};
  }
  [[nodiscard]] Operand operand(std::size_t input) const { return operand(node_.inputs[input]); }

  [[nodiscard]] Result result() const {
    return {{reinterpret_cast<std::int32_t*>(context_.program.place(node_.output)),
             static_cast<std::size_t>(rows_ * width_)},
            context_.weights.fraction(value(node_.output).name)};
  }

  static Operand part(const Operand& whole, std::int64_t first, std::int64_t count) {
    return {whole.numbers.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
            whole.fraction};
  }
  static Result part(const Result& whole, std::int64_t first, std::int64_t count) {
    return {whole.numbers.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
            whole.fraction};
  }

  /// A step that computes each row of the output by itself: body(row, its place).
  template <typename Body>
  BoundStep by_row(Body body) const {
    return [body, out = result(), rows = rows_, width = width_, &pool = pool_] {
      for_rows(pool, rows, width,
               [&](std::int64_t row) { body(row, part(out, row * width, width)); });
    };
  }

  /// A Fixed weight at the output's fraction.
  [[nodiscard]] std::vector<std::int32_t> aligned(std::size_t input) const {
    const Operand own = operand(input);
    std::vector<std::int32_t> numbers(own.numbers.size());
    arith::align(own, {numbers, result().fraction});
    return numbers;
  }

  BoundStep bind(const Linear&) {
    const Value& matrix = value(node_.inputs[1]);
    std::vector<std::int32_t> bias;
    if (node_.inputs.size() == 3) bias = aligned(2);
    return by_row([x = operand(std::size_t{0}),
                   depth = shape(1).empty() ? 0 : element_count(shape(1)) / shape(1).front(),
                   weight = context_.weights.codes(matrix.name, matrix.shape),
                   bias = std::move(bias)](std::int64_t row, const Result& out) {
      arith::linear(part(x, row * depth, depth), weight, bias, out);
    });
  }

  BoundStep bind(const Attention& op) {
    const std::int64_t queries = shape(0)[shape(0).size() - 2];
    const std::int64_t keys = shape(1)[shape(1).size() - 2];
    const std::int64_t batches = rows_ / queries;
    const std::int64_t query_size = queries * op.heads * op.head_dim;
    const std::int64_t key_size = keys * op.kv_heads * op.head_dim;
    return [=, q = operand(std::size_t{0}), k = operand(1), v = operand(2), out = result(),
            &pool = pool_] {
      pool.parallel_for(static_cast<std::size_t>(batches), [&](std::size_t i, int) {
        const auto batch = static_cast<std::int64_t>(i);
        arith::attention(op, part(q, batch * query_size, query_size),
                         part(k, batch * key_size, key_size), part(v, batch * key_size, key_size),
                         part(out, batch * query_size, query_size));
      });
    };
  }

  BoundStep bind(const Add&) {
    const std::int64_t addend_rows = element_count(shape(1)) / width_;
    return by_row([=, a = operand(std::size_t{0}), b = operand(1), n = width_](std::int64_t row,
                                                                               const Result& out) {
      arith::add(part(a, row * n, n), part(b, row % addend_rows * n, n), out);
    });
  }

  BoundStep bind(const Map& op) {
    return by_row(
        [=, x = operand(std::size_t{0}), n = width_](std::int64_t row, const Result& out) {
          arith::map(op.function, part(x, row * n, n), out);
        });
  }

  BoundStep bind(const Scale& op) {
    return by_row(
        [=, x = operand(std::size_t{0}), n = width_](std::int64_t row, const Result& out) {
          arith::scale(op.factor, part(x, row * n, n), out);
        });
  }

  BoundStep bind(const Gate& op) {
    return by_row([=, a = operand(std::size_t{0}), b = operand(1), n = width_](std::int64_t row,
                                                                               const Result& out) {
      arith::gate(op.function, part(a, row * n, n), part(b, row * n, n), out);
    });
  }

  BoundStep bind(const LayerNorm& op) {
    const Value& weight = value(node_.inputs[1]);
    return by_row([=, x = operand(std::size_t{0}), n = width_,
                   factors = context_.weights.factors(weight.name, weight.shape),
                   offset = aligned(2)](std::int64_t row, const Result& out) {
      arith::layer_norm(part(x, row * n, n), factors, offset, op.epsilon, out);
    });
  }

  BoundStep bind(const RmsNorm& op) {
    const Value& weight = value(node_.inputs[1]);
    return by_row([=, x = operand(std::size_t{0}), n = width_,
                   factors = context_.weights.factors(weight.name, weight.shape)](
                      std::int64_t row, const Result& out) {
      arith::rms_norm(part(x, row * n, n), factors, op.epsilon, out);
    });
  }

  BoundStep bind(const Rope& op) {
    return [op, table = arith::rotary_table(op, rows_), x = operand(std::size_t{0}),
            out = result()] { arith::rope(op, table, x, out); };
  }

  BoundStep bind(const Embedding&) {
    const Value& table = value(node_.inputs[0]);
    const auto* ids =
        reinterpret_cast<const std::int32_t*>(context_.program.place(node_.inputs[1]));
    return [=, entries = table.shape.front(), name = table.name, out = result(),
            codes = context_.weights.codes(table.name, table.shape),
            all = std::span(ids, static_cast<std::size_t>(rows_))] {
      for (const std::int32_t id : all) {
        if (id >= 0 && id < entries) continue;
        throw UserError(
            fmt::format("token id {} is not in {}, which has {} rows", id, name, entries),
            "use the tokenizer that belongs to this checkpoint");
      }
      arith::embedding(codes, all, out);
    };
  }

  template <typename Moving>
  BoundStep bind(const Moving& op) {
    std::vector<Shape> shapes;
    for (std::size_t i = 0; i < node_.inputs.size(); ++i) shapes.push_back(shape(i));
    struct Part {
      Operand from;
      Move move;
    };
    std::vector<Part> parts;
    for (Move& move : moves_of(op, shapes, out_shape_)) {
      parts.push_back({operand(move.input), std::move(move)});
    }
    ensure(!parts.empty(), "no kernel for {}", name_of(node_.op));
    return [parts = std::move(parts), out = result(), &pool = pool_] {
      for (const auto& [from, move] : parts) {
        for_rows(pool, move.count, move.run, [&](std::int64_t i) {
          arith::align(part(from, move.source(i), move.run), part(out, move.target(i), move.run));
        });
      }
    };
  }

  const FusedNode& node_;
  const IntegerContext& context_;
  ThreadPool& pool_;
  const Shape& out_shape_;
  std::int64_t width_;
  std::int64_t rows_;
};

}  // namespace

BoundStep bind(const FusedNode& node, const IntegerContext& context) {
  return Binder(node, context).run();
}

}  // namespace heddle

#include "engine/integer/bind.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "engine/integer/integer_attention.h"
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
        kernels_(context.kernels),
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

  [[nodiscard]] Operand operand(std::size_t input) const {
    return context_.operand(node_.inputs[input]);
  }
  [[nodiscard]] Result result() const { return context_.result(node_.output); }

  static Result part(const Result& whole, std::int64_t first, std::int64_t count) {
    return {whole.numbers.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
            whole.fraction};
  }

  /// The numbers from one on.
  static const std::int32_t* at(const Operand& operand, std::int64_t first) {
    return operand.numbers.data() + first;
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
    const Value& weight = value(node_.inputs[1]);
    const IntegerMatrix& matrix = context_.weights.matrix(weight.name, weight.shape);
    std::vector<std::int32_t> bias;
    if (node_.inputs.size() == 3) {
      bias = aligned(2);
      bias.resize(static_cast<std::size_t>(matrix.padded_rows()));
    }
    StepScratch& scratch = context_.program.scratch;
    scratch.size = std::max(scratch.size, matrix.scratch_size(rows_));
    return
        [&matrix, &scratch, &kernels = kernels_, &pool = pool_, bias = std::move(bias),
         rows = rows_, prepared = node_.same_operand, x = operand(std::size_t{0}), y = result()] {
          if (!prepared) matrix.prepare(x.numbers.data(), rows, scratch.memory, kernels, pool);
          matrix.multiply(x.fraction, rows, bias.empty() ? nullptr : bias.data(), y.numbers.data(),
                          y.fraction, scratch.memory, kernels, pool);
        };
  }

  BoundStep bind(const Attention& op) {
    const std::int64_t queries = shape(0)[shape(0).size() - 2];
    const std::int64_t keys = shape(1)[shape(1).size() - 2];
    const IntegerAttention attention(op, rows_ / queries, queries, keys);
    StepScratch& scratch = context_.program.scratch;
    scratch.size = std::max(scratch.size, attention.scratch_size(pool_.size()));
    return [attention, &scratch, &kernels = kernels_, &pool = pool_, q = operand(std::size_t{0}),
            k = operand(1), v = operand(2),
            y = result()] { attention.run(q, k, v, y, scratch.memory, kernels, pool); };
  }

  BoundStep bind(const Add&) {
    const std::int64_t addend_rows = element_count(shape(1)) / width_;
    return by_row([&kernels = kernels_, addend_rows, a = operand(std::size_t{0}), b = operand(1),
                   n = width_](std::int64_t row, const Result& y) {
      kernels.add(at(a, row * n), at(b, row % addend_rows * n), n, a.fraction - y.fraction,
                  b.fraction - y.fraction, y.numbers.data());
    });
  }

  BoundStep bind(const Map& op) {
    return by_row([&kernels = kernels_, tail = tail_of(op.function), x = operand(std::size_t{0}),
                   n = width_](std::int64_t row, const Result& y) {
      kernels.map(tail, at(x, row * n), n, x.fraction, y.fraction, y.numbers.data());
    });
  }

  BoundStep bind(const Gate& op) {
    return by_row([&kernels = kernels_, tail = tail_of(op.function), a = operand(std::size_t{0}),
                   b = operand(1), n = width_](std::int64_t row, const Result& y) {
      kernels.gate(tail, at(a, row * n), at(b, row * n), n, a.fraction,
                   a.fraction + b.fraction - y.fraction, y.numbers.data());
    });
  }

  BoundStep bind(const Scale& op) {
    const arith::Scale factor = arith::nearest_scale(std::abs(op.factor));
    return by_row([&kernels = kernels_, factor, negative = op.factor < 0,
                   x = operand(std::size_t{0}), n = width_](std::int64_t row, const Result& y) {
      kernels.scale(at(x, row * n), n, factor.mantissa, negative,
                    x.fraction - y.fraction - factor.exponent, y.numbers.data());
    });
  }

  BoundStep bind(const LayerNorm& op) { return bind_norm(op.epsilon, aligned(2)); }
  BoundStep bind(const RmsNorm& op) { return bind_norm(op.epsilon, {}); }

  /// `offset` is empty for a norm that does not centre its rows.
  BoundStep bind_norm(double epsilon, std::vector<std::int32_t> offset) {
    const Value& weight = value(node_.inputs[1]);
    std::vector<std::int32_t> mantissas;
    std::vector<std::int32_t> exponents;
    std::int32_t least = INT32_MAX;
    std::int32_t greatest = INT32_MIN;
    for (const arith::Factor& factor : context_.weights.factors(weight.name, weight.shape)) {
      mantissas.push_back(factor.negative ? -factor.scale.mantissa : factor.scale.mantissa);
      exponents.push_back(factor.scale.exponent);
      if (factor.scale.mantissa == 0) continue;
      least = std::min(least, factor.scale.exponent);
      greatest = std::max(greatest, factor.scale.exponent);
    }
    if (least == INT32_MAX) least = greatest = 0;
    // What is zero asks nothing of the kernels.
    for (std::size_t j = 0; j < mantissas.size(); ++j) {
      if (mantissas[j] == 0) exponents[j] = least;
    }
    const arith::Scale added = arith::nearest_scale(epsilon * static_cast<double>(width_));
    const arith::Scale root = arith::nearest_scale(std::sqrt(static_cast<double>(width_)));
    return by_row([=, &kernels = kernels_, x = operand(std::size_t{0}), n = width_,
                   mantissas = std::move(mantissas), exponents = std::move(exponents),
                   offset = std::move(offset)](std::int64_t row, const Result& y) {
      kernels.norm({
          .x = at(x, row * n),
          .width = n,
          .x_fraction = x.fraction,
          .factors = mantissas.data(),
          .exponents = exponents.data(),
          .greatest_exponent = greatest,
          .offset = offset.empty() ? nullptr : offset.data(),
          .epsilon_mantissa = added.mantissa,
          .epsilon_exponent = added.exponent,
          .root_mantissa = root.mantissa,
          .root_exponent = root.exponent,
          .y = y.numbers.data(),
          .y_fraction = y.fraction,
      });
    });
  }

  BoundStep bind(const Rope& op) {
    return by_row([&kernels = kernels_, op, table = arith::rotary_table(op, rows_),
                   x = operand(std::size_t{0}), n = width_](std::int64_t row, const Result& y) {
      const std::int64_t first = row * (op.rotary_dim / 2);
      kernels.rope(at(x, row * n), table.cosine.data() + first, table.sine.data() + first,
                   n / op.head_dim, op.head_dim, op.rotary_dim, x.fraction - y.fraction,
                   y.numbers.data());
    });
  }

  BoundStep bind(const Embedding&) {
    const Value& table = value(node_.inputs[0]);
    const auto* ids =
        reinterpret_cast<const std::int32_t*>(context_.program.place(node_.inputs[1]));
    return [=, entries = table.shape.front(), name = table.name, out = result(),
            codes = context_.weights.table(table.name, table.shape),
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
  BoundStep bind(const Moving&) {
    struct Part {
      Operand from;
      Move move;
    };
    std::vector<Part> parts;
    for (Move& move : moves_of(node_, context_.program.graph)) {
      parts.push_back({operand(move.input), std::move(move)});
    }
    ensure(!parts.empty(), "no kernel for {}", name_of(node_.op));
    return [&kernels = kernels_, parts = std::move(parts), out = result(), &pool = pool_] {
      for (const auto& [from, move] : parts) {
        for_rows(pool, move.count, move.run, [&](std::int64_t i) {
          kernels.scale(at(from, move.source(i)), move.run, 1, false, from.fraction - out.fraction,
                        out.numbers.data() + move.target(i));
        });
      }
    };
  }

  const FusedNode& node_;
  const IntegerContext& context_;
  const IntegerKernels& kernels_;
  ThreadPool& pool_;
  const Shape& out_shape_;
  std::int64_t width_;
  std::int64_t rows_;
};

}  // namespace

Operand IntegerContext::operand(ValueId id) const {
  const Value& value = program.graph[id];
  const int fraction = weights.fraction(value.name);
  if (value.kind == ValueKind::kWeight) return {weights.fixed(value.name, value.shape), fraction};
  const std::byte* place =
      value.kind == ValueKind::kConstant ? values.constant(id) : program.place(id);
  return {{reinterpret_cast<const std::int32_t*>(place),
           static_cast<std::size_t>(element_count(value.shape))},
          fraction};
}

Result IntegerContext::result(ValueId id) const {
  const Value& value = program.graph[id];
  return {{reinterpret_cast<std::int32_t*>(program.place(id)),
           static_cast<std::size_t>(element_count(value.shape))},
          weights.fraction(value.name)};
}

BoundStep bind(const FusedNode& node, const IntegerContext& context) {
  return Binder(node, context).run();
}

}  // namespace heddle

#include "scalar_binder.h"

#include <cstring>
#include <memory>

#include "base/error.h"
#include "engine/plan/moves.h"

namespace heddle {
namespace {

using arith::Operand;
using arith::Result;

template <typename T>
std::vector<T> elements(const TensorView& view) {
  std::vector<T> elements(view.bytes.size() / sizeof(T));
  std::memcpy(elements.data(), view.bytes.data(), view.bytes.size());
  return elements;
}

/// A matrix as it stands in the checkpoint.
struct Matrix {
  Matrix(const SafeTensors& checkpoint, const QuantisationFormat& format, const Value& weight) {
    const auto mantissas = elements<std::uint16_t>(checkpoint.get(weight.name + ".mantissa"));
    const auto exponents = elements<std::int8_t>(checkpoint.get(weight.name + ".exponent"));
    for (std::size_t n = 0; n < mantissas.size(); ++n) {
      scales.push_back({mantissas[n], exponents[n]});
    }
    const TensorView& stored = checkpoint.get(weight.name);
    if (stored.dtype == DType::kI8) {
      codes = elements<std::int8_t>(stored);
      return;
    }
    const auto steps = elements<std::uint8_t>(checkpoint.get(weight.name + ".steps"));
    for (const std::uint8_t pair : elements<std::uint8_t>(stored)) {
      for (const int half : {pair & 15, pair >> 4}) {
        const int step = steps[codes.size() / static_cast<std::size_t>(format.group)];
        codes.push_back(static_cast<std::int8_t>((half < 8 ? half : half - 16) * step));
      }
    }
  }

  [[nodiscard]] arith::Codes view() const {
    return {codes, scales, static_cast<std::int64_t>(codes.size() / scales.size())};
  }

  std::vector<std::int8_t> codes;
  std::vector<arith::Scale> scales;
};

class ScalarBinder {
 public:
  ScalarBinder(const FusedNode& node, const IntegerContext& context, const SafeTensors& checkpoint)
      : node_(node), context_(context), checkpoint_(checkpoint) {}

  BoundStep run() {
    return std::visit([this](const auto& op) { return bind(op); }, node_.op);
  }

 private:
  [[nodiscard]] const Value& value(ValueId id) const { return context_.program.graph[id]; }
  [[nodiscard]] const Value& input(std::size_t i) const { return value(node_.inputs[i]); }

  [[nodiscard]] Operand operand(std::size_t i) const { return context_.operand(node_.inputs[i]); }
  [[nodiscard]] Result result() const { return context_.result(node_.output); }

  /// The b-th of equal parts.
  template <typename Numbers>
  static Numbers part(const Numbers& whole, std::int64_t b, std::int64_t parts) {
    const std::size_t size = whole.numbers.size() / static_cast<std::size_t>(parts);
    return {whole.numbers.subspan(static_cast<std::size_t>(b) * size, size), whole.fraction};
  }

  /// An input at the result's fraction; nothing if the node does not have it.
  [[nodiscard]] std::vector<std::int32_t> aligned(std::size_t i) const {
    if (i >= node_.inputs.size()) return {};
    std::vector<std::int32_t> numbers(operand(i).numbers.size());
    arith::align(operand(i), {numbers, result().fraction});
    return numbers;
  }

  BoundStep bind(const Linear&) {
    return [matrix = Matrix(checkpoint_, context_.weights.format(), input(1)), x = operand(0),
            bias = aligned(2), y = result()] { arith::linear(x, matrix.view(), bias, y); };
  }

  BoundStep bind(const Attention& op) {
    const Shape& q_shape = input(0).shape;
    const std::int64_t batches =
        element_count(q_shape) / (q_shape[q_shape.size() - 2] * q_shape.back());
    return [=, q = operand(0), k = operand(1), v = operand(2), y = result()] {
      for (std::int64_t b = 0; b < batches; ++b) {
        arith::attention(op, part(q, b, batches), part(k, b, batches), part(v, b, batches),
                         part(y, b, batches));
      }
    };
  }

  BoundStep bind(const Add&) {
    return [a = operand(0), b = operand(1), y = result()] { arith::add(a, b, y); };
  }
  BoundStep bind(const Map& op) {
    return [op, x = operand(0), y = result()] { arith::map(op.function, x, y); };
  }
  BoundStep bind(const Gate& op) {
    return
        [op, a = operand(0), b = operand(1), y = result()] { arith::gate(op.function, a, b, y); };
  }
  BoundStep bind(const Scale& op) {
    return [op, x = operand(0), y = result()] { arith::scale(op.factor, x, y); };
  }

  [[nodiscard]] std::span<const arith::Factor> factors() const {
    return context_.weights.factors(input(1).name, input(1).shape);
  }
  BoundStep bind(const LayerNorm& op) {
    return [op, x = operand(0), f = factors(), offset = aligned(2), y = result()] {
      arith::layer_norm(x, f, offset, op.epsilon, y);
    };
  }
  BoundStep bind(const RmsNorm& op) {
    return
        [op, x = operand(0), f = factors(), y = result()] { arith::rms_norm(x, f, op.epsilon, y); };
  }

  BoundStep bind(const Rope& op) {
    const Shape& shape = input(0).shape;
    return [op, table = arith::rotary_table(op, element_count(shape) / shape.back()),
            x = operand(0), y = result()] { arith::rope(op, table, x, y); };
  }

  BoundStep bind(const Embedding&) {
    const auto* ids =
        reinterpret_cast<const std::int32_t*>(context_.program.place(node_.inputs[1]));
    return [table = context_.weights.table(input(0).name, input(0).shape),
            all = std::span(ids, static_cast<std::size_t>(element_count(input(1).shape))),
            y = result()] { arith::embedding(table, all, y); };
  }

  template <typename Moving>
  BoundStep bind(const Moving&) {
    std::vector<Operand> operands;
    for (std::size_t i = 0; i < node_.inputs.size(); ++i) operands.push_back(operand(i));
    std::vector<Move> moves = moves_of(node_, context_.program.graph);
    ensure(!moves.empty(), "no definition of {}", name_of(node_.op));
    return [moves = std::move(moves), operands = std::move(operands), y = result()] {
      for (const Move& move : moves) {
        const auto run = static_cast<std::size_t>(move.run);
        for (std::int64_t i = 0; i < move.count; ++i) {
          const Operand& x = operands[move.input];
          arith::align(
              {x.numbers.subspan(static_cast<std::size_t>(move.source(i)), run), x.fraction},
              {y.numbers.subspan(static_cast<std::size_t>(move.target(i)), run), y.fraction});
        }
      }
    };
  }

  const FusedNode& node_;
  const IntegerContext& context_;
  const SafeTensors& checkpoint_;
};

}  // namespace

BoundStep bind_scalar(const FusedNode& node, const IntegerContext& context,
                      const SafeTensors& checkpoint) {
  return ScalarBinder(node, context, checkpoint).run();
}

}  // namespace heddle

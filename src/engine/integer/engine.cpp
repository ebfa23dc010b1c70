#include "engine/integer/engine.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "engine/integer/bind.h"
#include "engine/plan/rows.h"
#include "engine/quant/sizes.h"

namespace heddle {

class IntegerEngine::Impl final : public StepMaker {
 public:
  Impl(Graph graph, IntegerWeights& weights, ThreadPool& pool)
      : weights_(weights), pool_(pool), runner_(std::move(graph), one_by_one, false) {
    const Graph& g = runner_.program().graph;
    check_sizes(g);
    for (std::size_t i = 0; i < g.values.size(); ++i) {
      const Value& value = g.values[i];
      if (value.kind != ValueKind::kConstant) continue;
      constants_[i].resize(static_cast<std::size_t>(element_count(value.shape)));
      store({i}, value.constant, reinterpret_cast<std::byte*>(constants_[i].data()));
    }
    runner_.bind(*this);
  }

  RunResult run(const std::map<std::string, Tensor>& inputs, const TapObserver& observer) {
    return runner_.run(inputs, observer);
  }

  BoundStep bind(const FusedNode& node) override {
    return heddle::bind(node, {runner_.program(), weights_, *this, kernels_, pool_});
  }

  void store(ValueId id, const Tensor& input, std::byte* place) override {
    const Value& value = runner_.program().graph[id];
    if (value.dtype == DType::kI32) {
      std::memcpy(place, input.bytes.data(), input.bytes.size());
      return;
    }
    const std::span<const float> reals = input.floats();
    const int fraction = weights_.fraction(value.name);
    auto* to = reinterpret_cast<std::int32_t*>(place);
    const std::int64_t width = input.shape.empty() ? 1 : input.shape.back();
    for_rows(pool_, std::ssize(reals) / width, width, [&](std::int64_t row) {
      const auto first = static_cast<std::size_t>(row * width);
      const auto part = reals.subspan(first, static_cast<std::size_t>(width));
      for (const float real : part) {
        if (std::isfinite(real)) continue;
        throw UserError(fmt::format("input {} holds {}", value.name, real),
                        "inputs are finite numbers");
      }
      arith::from_reals(part, {{to + first, part.size()}, fraction});
    });
  }

  [[nodiscard]] Tensor load(ValueId id, const std::byte* place) const override {
    const Value& value = runner_.program().graph[id];
    const int fraction = weights_.fraction(value.name);
    const auto* from = reinterpret_cast<const std::int32_t*>(place);
    Tensor tensor(DType::kF32, value.shape);
    for (float& real : tensor.floats()) real = arith::to_real(*from++, fraction);
    return tensor;
  }

  [[nodiscard]] const std::byte* constant(ValueId id) const override {
    return reinterpret_cast<const std::byte*>(constants_.at(id.index).data());
  }

 private:
  IntegerWeights& weights_;
  const IntegerKernels& kernels_ = integer_kernels();
  ThreadPool& pool_;
  Runner runner_;
  std::map<std::size_t, std::vector<std::int32_t>> constants_;  ///< by value
};

IntegerEngine::IntegerEngine(Graph graph, IntegerWeights& weights, ThreadPool& pool)
    : impl_(std::make_unique<Impl>(std::move(graph), weights, pool)) {}
IntegerEngine::~IntegerEngine() = default;
IntegerEngine::IntegerEngine(IntegerEngine&&) noexcept = default;

RunResult IntegerEngine::run(const std::map<std::string, Tensor>& inputs,
                             const TapObserver& observer) {
  return impl_->run(inputs, observer);
}

}  // namespace heddle

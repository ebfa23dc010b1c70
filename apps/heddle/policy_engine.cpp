#include "apps/heddle/policy_engine.h"

#include "base/error.h"
#include "engine/float/engine.h"
#include "engine/integer/engine.h"
#include "model/registry.h"

namespace heddle {

PolicyFolder::PolicyFolder(const std::filesystem::path& folder, PolicyOptions options,
                           const std::optional<std::string>& precision, ThreadPool& pool)
    : pool_(pool) {
  if (is_quantised(folder)) {
    QuantisationFormat format = read_quantisation(folder);
    precision_ = format.weight_bits == 4 ? "w4a8" : "w8a8";
    if (precision) {
      throw UserError(fmt::format("{} is quantised ({}): it has no precision to choose",
                                  folder.string(), precision_),
                      "leave --precision out, or run the float checkpoint");
    }
    options.check_weights = false;
    policy_ = open_policy(folder, options);
    integer_.emplace(policy_->weights(), std::move(format), pool);
  } else {
    precision_ = precision.value_or("f32");
    policy_ = open_policy(folder, options);
    float_.emplace(policy_->weights(),
                   precision_ == "bf16" ? FloatPrecision::kBF16 : FloatPrecision::kF32, pool);
  }
}

std::string PolicyFolder::instructions() const {
  return integer_ ? integer_kernels().name : kernels().name;
}

RunGraph PolicyFolder::engine(Graph graph) {
  // Shared because std::function wants to be copyable.
  if (integer_) {
    const auto engine = std::make_shared<IntegerEngine>(std::move(graph), *integer_, pool_);
    return [engine](const auto& inputs, const TapObserver& observer) {
      return engine->run(inputs, observer);
    };
  }
  if (!float_) throw InternalError("a folder without weights");
  const auto engine = std::make_shared<FloatEngine>(std::move(graph), *float_, pool_);
  return [engine](const auto& inputs, const TapObserver& observer) {
    return engine->run(inputs, observer);
  };
}

}  // namespace heddle

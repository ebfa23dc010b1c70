#include "model/workload.h"

#include "base/error.h"

namespace heddle {

std::int64_t chosen(const std::optional<std::int64_t>& option, std::int64_t fallback,
                    std::int64_t most, std::string_view what) {
  const std::int64_t value = option.value_or(fallback);
  if (value >= 1 && value <= most) return value;
  throw UserError(fmt::format("{} {}", value, what), fmt::format("choose from 1 to {}", most));
}

void refuse(const std::optional<std::int64_t>& option, std::string_view what,
            std::string_view model) {
  if (!option) return;
  throw UserError(fmt::format("{} {}, but {} has none", *option, what, model),
                  "leave that option out");
}

}  // namespace heddle

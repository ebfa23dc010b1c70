// The activations of a Graph: what each is for, and which of them are a cache.
#pragma once

#include <optional>
#include <vector>

#include "cost/precision.h"
#include "model/graph.h"

namespace heddle::cost {

/// By value; none for weights and constants.
std::vector<std::optional<ActivationRole>> activation_roles(const Graph& graph);

/// The elements of a value, under its role; nothing without one.
ActivationCount count_of(const Value& value, std::optional<ActivationRole> role);

/// The cached keys and values that have the same number of rows.
struct Cache {
  std::int64_t rows = 0;     ///< tokens
  std::int64_t values = 0;   ///< tensors: keys and values of each layer
  std::int64_t per_row = 0;  ///< elements that a token adds, in all of them
  [[nodiscard]] std::int64_t elements() const { return rows * per_row; }
};
std::vector<Cache> caches(const Graph& graph);

}  // namespace heddle::cost

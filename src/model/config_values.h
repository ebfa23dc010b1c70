// Reading values from models' configurations that may be broken or hostile: every extent has a
// bound, so that no product of a few of them overflows and no file can ask for unbounded memory.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "model/operators.h"

namespace heddle {

inline constexpr std::int64_t kMaxExtent = 1 << 16;
inline constexpr std::int64_t kMaxLayers = 1 << 10;
inline constexpr std::int64_t kMaxVocabulary = 1 << 22;
inline constexpr std::int64_t kMaxTokens = 1 << 12;

/// The integer `key` of `object`, which must lie within [low, high]. Throws UserError.
std::int64_t read_within(const JsonObject& object, std::string_view key, std::int64_t low,
                         std::int64_t high);

/// Within [1, kMaxExtent].
std::int64_t read_extent(const JsonObject& object, std::string_view key);

/// A finite number above zero. Throws UserError.
double read_positive(const JsonObject& object, std::string_view key);

/// Throws UserError that `first` is not a multiple of `second`, both keys of `object`.
void require_multiple(const JsonObject& object, std::string_view first, std::int64_t first_value,
                      std::string_view second, std::int64_t second_value);

/// transformers' name of an activation function. Throws UserError for an unknown one.
Function read_activation(const JsonObject& object, std::string_view key);

/// Throws UserError unless the string `key` is `expected`; `reason` ends "..., but ".
void require_string(const JsonObject& object, std::string_view key, std::string_view expected,
                    std::string_view reason);

/// Throws UserError if `key` is true: it asks for tensors or steps that are not supported.
void require_off(const JsonObject& object, std::string_view key);

}  // namespace heddle

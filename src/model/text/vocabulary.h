// The vocabulary: tokens as texts, and their ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"

namespace heddle {

/// Tokens numbered 0, 1, 2, ... without a hole.
class Vocabulary {
 public:
  /// From a JSON object {token: id}. UserError if an id is not an integer, is negative, stands for
  /// two tokens, or leaves a hole below it; `where` names the place.
  static Vocabulary from_json(const Json& value, const std::string& where);

  /// Gives `token` the next id. Its text must be new.
  std::int32_t append(std::string token);

  [[nodiscard]] std::size_t size() const { return tokens_.size(); }
  [[nodiscard]] std::optional<std::int32_t> id_of(std::string_view token) const;
  /// The token of an id in [0, size()).
  [[nodiscard]] const std::string& token_of(std::int32_t id) const;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  std::vector<std::string> tokens_;
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> ids_;
};

}  // namespace heddle

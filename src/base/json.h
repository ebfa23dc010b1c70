// JSON read from files users may have broken: every complaint names the file and the place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace heddle {

using Json = nlohmann::json;

/// Parses `text` strictly: UTF-8, no duplicate keys, nesting of at most 100. `where` names the
/// source in messages. Throws UserError.
Json parse_json(std::string_view text, std::string_view where);

/// Reads and parses a file of at most `limit` bytes. Throws UserError.
Json read_json(const std::filesystem::path& path, std::uint64_t limit = 256ULL << 20);

/// A JSON object seen together with the path that led to it, for typed reads with good messages.
/// Holds a reference: the Json must outlive it.
class JsonObject {
 public:
  /// Throws UserError if `value` is not an object.
  JsonObject(const Json& value, std::string where);

  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] const Json& raw() const { return *value_; }
  [[nodiscard]] const std::string& where() const { return where_; }

  // Typed reads. Without a fallback the key must be present; a JSON null counts as absent.
  // A present value of the wrong type is always a UserError.
  [[nodiscard]] std::int64_t integer(std::string_view key) const;
  [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t fallback) const;
  [[nodiscard]] double number(std::string_view key) const;
  [[nodiscard]] double number(std::string_view key, double fallback) const;
  [[nodiscard]] bool boolean(std::string_view key, bool fallback) const;
  [[nodiscard]] std::string string(std::string_view key) const;
  [[nodiscard]] std::string string(std::string_view key, std::string_view fallback) const;
  [[nodiscard]] std::vector<std::int64_t> integers(std::string_view key) const;
  [[nodiscard]] JsonObject object(std::string_view key) const;

 private:
  [[nodiscard]] const Json* find(std::string_view key) const;
  [[nodiscard]] const Json& require(std::string_view key) const;
  [[noreturn]] void wrong_type(std::string_view key, std::string_view expected) const;

  const Json* value_;
  std::string where_;
};

}  // namespace heddle

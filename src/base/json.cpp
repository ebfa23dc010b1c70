#include "base/json.h"

#include <limits>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace heddle {
namespace {

constexpr int kMaxDepth = 100;
constexpr std::string_view kInteger = "an integer (below 2^63)";
constexpr std::string_view kIntegers = "a list of integers (below 2^63)";

/// Whether a number can be read as std::int64_t: the library wraps larger ones silently.
bool is_int64(const Json& value) {
  if (!value.is_number_integer()) return false;
  return !value.is_number_unsigned() ||
         value.get<std::uint64_t>() <=
             static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where) {
  // The library keeps the last of two equal keys; a file that holds both is broken, so count keys.
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kMaxDepth) {
      throw UserError(fmt::format("{}: JSON nested deeper than {}", where, kMaxDepth),
                      "check that this is the file you meant");
    }
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys.back().insert(key).second) {
        throw UserError(fmt::format("{}: key {} appears twice", where, quote(key)),
                        "remove one of the two, or fetch the file again");
      }
    }
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::exception& error) {
    throw UserError(fmt::format("{}: not valid JSON: {}", where, shorten(error.what(), 400)),
                    "repair the file or fetch it again");
  }
}

Json read_json(const std::filesystem::path& path, std::uint64_t limit) {
  return parse_json(read_file(path, limit), path.string());
}

JsonObject::JsonObject(const Json& value, std::string where)
    : value_(&value), where_(std::move(where)) {
  if (!value.is_object()) {
    throw UserError(fmt::format("{}: expected an object, found {}", where_, value.type_name()),
                    "compare with a published file of this kind");
  }
}

bool JsonObject::has(std::string_view key) const {
  return find(key) != nullptr;
}

const Json* JsonObject::find(std::string_view key) const {
  const auto it = value_->find(key);
  return it == value_->end() || it->is_null() ? nullptr : &*it;
}

const Json& JsonObject::require(std::string_view key) const {
  const Json* found = find(key);
  if (found == nullptr) {
    throw UserError(fmt::format("{}: key \"{}\" is missing", where_, key),
                    fmt::format("add \"{}\", or fetch the file again", key));
  }
  return *found;
}

void JsonObject::wrong_type(std::string_view key, std::string_view expected) const {
  throw UserError(fmt::format("{}: \"{}\" should be {}, found {}", where_, key, expected,
                              shorten(require(key).dump())),
                  fmt::format("set \"{}\" to {}", key, expected));
}

std::int64_t JsonObject::integer(std::string_view key) const {
  const Json& value = require(key);
  if (!is_int64(value)) wrong_type(key, kInteger);
  return value.get<std::int64_t>();
}

std::int64_t JsonObject::integer(std::string_view key, std::int64_t fallback) const {
  return has(key) ? integer(key) : fallback;
}

double JsonObject::number(std::string_view key) const {
  const Json& value = require(key);
  if (!value.is_number()) wrong_type(key, "a number");
  return value.get<double>();
}

double JsonObject::number(std::string_view key, double fallback) const {
  return has(key) ? number(key) : fallback;
}

bool JsonObject::boolean(std::string_view key, bool fallback) const {
  if (!has(key)) return fallback;
  if (!require(key).is_boolean()) wrong_type(key, "true or false");
  return require(key).get<bool>();
}

std::string JsonObject::string(std::string_view key) const {
  const Json& value = require(key);
  if (!value.is_string()) wrong_type(key, "a string");
  return value.get<std::string>();
}

std::string JsonObject::string(std::string_view key, std::string_view fallback) const {
  return has(key) ? string(key) : std::string(fallback);
}

std::vector<std::int64_t> JsonObject::integers(std::string_view key) const {
  const Json& value = require(key);
  if (!value.is_array()) wrong_type(key, kIntegers);
  for (const Json& item : value) {
    if (!is_int64(item)) wrong_type(key, kIntegers);
  }
  return value.get<std::vector<std::int64_t>>();
}

JsonObject JsonObject::object(std::string_view key) const {
  return {require(key), fmt::format("{}: \"{}\"", where_, key)};
}

}  // namespace heddle

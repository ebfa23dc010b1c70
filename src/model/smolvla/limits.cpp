#include "model/smolvla/limits.h"

#include <cmath>

#include "base/error.h"

namespace heddle::smolvla {

std::int64_t read_within(const JsonObject& object, std::string_view key, std::int64_t low,
                         std::int64_t high) {
  const std::int64_t value = object.integer(key);
  if (value < low || value > high) {
    throw UserError(
        fmt::format("{}: \"{}\" is {}, outside {} to {}", object.where(), key, value, low, high),
        fmt::format("set \"{}\" to the value the checkpoint was trained with", key));
  }
  return value;
}

std::int64_t read_extent(const JsonObject& object, std::string_view key) {
  return read_within(object, key, 1, kMaxExtent);
}

double read_positive(const JsonObject& object, std::string_view key) {
  const double value = object.number(key);
  if (!std::isfinite(value) || value <= 0) {
    throw UserError(
        fmt::format("{}: \"{}\" is {}, but must be above zero", object.where(), key, value),
        fmt::format("set \"{}\" to the value the checkpoint was trained with", key));
  }
  return value;
}

void require_multiple(const JsonObject& object, std::string_view first, std::int64_t first_value,
                      std::string_view second, std::int64_t second_value) {
  if (first_value % second_value == 0) return;
  throw UserError(fmt::format("{}: \"{}\" is {}, not a multiple of \"{}\", which is {}",
                              object.where(), first, first_value, second, second_value),
                  fmt::format("set both to the values the checkpoint was trained with"));
}

}  // namespace heddle::smolvla

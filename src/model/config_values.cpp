#include "model/config_values.h"

#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace heddle {

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

Function read_activation(const JsonObject& object, std::string_view key) {
  const std::string name = object.string(key);
  if (name == "gelu_pytorch_tanh" || name == "gelu_new") return Function::kGeluTanh;
  if (name == "gelu") return Function::kGeluErf;
  if (name == "silu") return Function::kSilu;
  if (name == "relu") return Function::kRelu;
  throw UserError(fmt::format("{}: \"{}\" {} is not supported", object.where(), key, quote(name)),
                  "supported: gelu_pytorch_tanh, gelu_new, gelu, silu, relu");
}

void require_string(const JsonObject& object, std::string_view key, std::string_view expected,
                    std::string_view reason) {
  const std::string found = object.string(key);
  if (found == expected) return;
  throw UserError(fmt::format("{}: \"{}\" is {}, but {} {}", object.where(), key, quote(found),
                              reason, quote(expected)),
                  "use the config.json of the model that the checkpoint was trained as");
}

void require_off(const JsonObject& object, std::string_view key) {
  if (!object.boolean(key, false)) return;
  throw UserError(fmt::format("{}: \"{}\" is true, which is not supported", object.where(), key),
                  fmt::format("set \"{}\" to false if the checkpoint was trained without", key));
}

}  // namespace heddle

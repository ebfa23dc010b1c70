// What an FPGA has and a design takes: look-up tables, registers, multipliers, memories.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/json.h"

namespace heddle {

enum class Resource : std::uint8_t {
  kLut,          ///< all of them, those used as memory included
  kLutAsMemory,  ///< that can be (are) small RAMs and shift registers
  kFf,
  kCarry8,  ///< carry chains of 8 bits
  kDsp,
  kBram36,  ///< of 36 Kb; a RAM of 18 Kb is a half
  kUram,    ///< of 288 Kb
};

constexpr std::array kResources = {Resource::kLut,    Resource::kLutAsMemory, Resource::kFf,
                                   Resource::kCarry8, Resource::kDsp,         Resource::kBram36,
                                   Resource::kUram};

/// In JSON: "lut", "lut_as_memory", ...
const char* key_of(Resource resource);
/// In tables: "LUT", "as memory", ...
const char* title_of(Resource resource);

/// A count of each resource.
class Resources {
 public:
  double& operator[](Resource resource) { return counts_[static_cast<std::size_t>(resource)]; }
  double operator[](Resource resource) const { return counts_[static_cast<std::size_t>(resource)]; }
  Resources& operator+=(const Resources& other);
  friend Resources operator*(double times, Resources resources);
  bool operator==(const Resources&) const = default;

 private:
  std::array<double, kResources.size()> counts_{};
};

/// By key_of().
Json to_json(const Resources& resources);

}  // namespace heddle

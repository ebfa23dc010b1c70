#include "board/resources.h"

#include <cmath>

namespace heddle {
namespace {

struct Names {
  const char* key;
  const char* title;
};

constexpr std::array<Names, kResources.size()> kNames = {{
    {"lut", "LUT"},
    {"lut_as_memory", "as memory"},
    {"ff", "FF"},
    {"carry8", "CARRY8"},
    {"dsp", "DSP"},
    {"bram36", "BRAM36"},
    {"uram", "URAM"},
}};

}  // namespace

const char* key_of(Resource resource) {
  return kNames[static_cast<std::size_t>(resource)].key;
}

const char* title_of(Resource resource) {
  return kNames[static_cast<std::size_t>(resource)].title;
}

Resources& Resources::operator+=(const Resources& other) {
  for (const Resource resource : kResources) (*this)[resource] += other[resource];
  return *this;
}

Resources operator*(double times, Resources resources) {
  for (double& count : resources.counts_) count *= times;
  return resources;
}

Json to_json(const Resources& resources) {
  Json json = Json::object();
  for (const Resource resource : kResources) {
    const double count = resources[resource];
    // Only halves of RAMs have a fraction.
    json[key_of(resource)] = count == std::floor(count) ? Json(std::llround(count)) : Json(count);
  }
  return json;
}

}  // namespace heddle

#include "cost/cells.h"

#include <cmath>

#include "base/error.h"

namespace heddle::cost {
namespace {

struct Cost {
  Resource resource;
  double count;
};

/// LUTs as logic, LUTs as memory, registers, the rest; a count of 0 is part of a slice that LUTs
/// come with.
const std::map<std::string, Cost>& costs() {
  using enum Resource;
  static const std::map<std::string, Cost> table = {
      {"LUT1", {kLut, 1}},
      {"LUT2", {kLut, 1}},
      {"LUT3", {kLut, 1}},
      {"LUT4", {kLut, 1}},
      {"LUT5", {kLut, 1}},
      {"LUT6", {kLut, 1}},
      // Goes into the LUT or the register behind it.
      {"INV", {kLut, 0}},
      {"MUXF7", {kLut, 0}},
      {"MUXF8", {kLut, 0}},
      {"MUXF9", {kLut, 0}},
      {"SRL16E", {kLutAsMemory, 1}},
      {"SRLC32E", {kLutAsMemory, 1}},
      {"RAM32M", {kLutAsMemory, 4}},
      {"RAM64M", {kLutAsMemory, 4}},
      {"RAM32M16", {kLutAsMemory, 8}},
      {"RAM64M8", {kLutAsMemory, 8}},
      {"FDRE", {kFf, 1}},
      {"FDSE", {kFf, 1}},
      {"FDCE", {kFf, 1}},
      {"FDPE", {kFf, 1}},
      {"CARRY4", {kCarry8, 0.5}},
      {"DSP48E2", {kDsp, 1}},
      {"RAMB18E2", {kBram36, 0.5}},
      {"RAMB36E2", {kBram36, 1}},
      {"URAM288", {kUram, 1}},
  };
  return table;
}

}  // namespace

Resources resources_of(const Cells& cells) {
  Resources result;
  for (const auto& [type, count] : cells) {
    const auto found = costs().find(type);
    ensure(found != costs().end(), "synthesis gave {} cells of type {}, whose area is not known",
           count, type);
    const auto& [resource, each] = found->second;
    result[resource] += each * static_cast<double>(count);
  }
  result[Resource::kLut] += result[Resource::kLutAsMemory];
  result[Resource::kCarry8] = std::ceil(result[Resource::kCarry8]);
  return result;
}

}  // namespace heddle::cost

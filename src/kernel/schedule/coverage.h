// Whether a statement surely touches every element of a part of an array, and in what order.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/schedule/box.h"

namespace heddle::kernel {

/// Some elements of an array, at a place of the kernel: those of a box that lie in the array.
struct Region {
  Access around;  ///< surroundings of the place
  std::vector<Expr> bases;
  std::vector<Expr> extents;        ///< of the box
  std::vector<Expr> array_extents;  ///< of the array
};
Region region_of(const Box& box, const Array& array, Access around);
Region region_of_all(const Array& array, Access around);

/// The instance of an access that touches a given element: for each counter of its loops a value,
/// in terms of element_offset(d) and the counters around.
using Instance = std::map<std::string, Expr>;
/// Stands for: the element's index in dimension d, minus the region's base.
Expr element_offset(std::size_t d);

/// If for every element of the region an instance of the access touches it and is executed: that
/// instance. The access is one of accesses() of a statement at the region's place, and every
/// execution of its statement carries it out.
std::optional<Instance> covering_instance(const Region& region, const Access& access);

/// Whether `other` may touch an element of the region before `instance` of `access` does. Both are
/// of the same list of accesses.
bool may_come_before(const Region& region, const Access& other, const Access& access,
                     const Instance& instance);

/// Whether each execution of the access's statement carries it out: loads behind select, && and ||
/// may be left out, and a call promises to write only what its callee covers.
bool is_certain(const Access& access);

/// Whether each element of the array has a value wherever the place is reached.
bool surely_initialised(const Kernel& kernel, const Array& array, const Place& place);

}  // namespace heddle::kernel

// The box of an array's elements that one iteration of a loop touches.
#pragma once

#include <string>
#include <vector>

#include "kernel/schedule/accesses.h"
#include "kernel/schedule/affine.h"
#include "kernel/schedule/place.h"

namespace heddle::kernel {

/// The accesses of one array among accesses().
std::vector<Access> accesses_of(const Kernel& kernel, const std::string& array, const Stmt& root);
/// A remedy: which loops touch the array.
std::string loops_that_touch(const Kernel& kernel, const std::string& array);

/// The loops and conditions around a place, as an access of nothing.
Access surroundings(const Place& place);
/// The same for what stands in the loop at the place.
Access surroundings_inside(const Place& loop);
/// Adds that the place is reached; the counters of its loops keep their names.
void add_reached(Formula& formula, const Access& surroundings);

/// For each dimension of an array: extent elements from base on. The base is made of what has one
/// value throughout an iteration of the loop, and can be evaluated where the iteration starts. The
/// box may stick out of the array.
struct Box {
  struct Dimension {
    Expr base;
    std::int64_t extent = 0;
    bool whole = false;  ///< all elements of the array
  };
  std::vector<Dimension> dimensions;
};

/// The smallest box around what the `touches` (accesses of the array inside the loop's body) touch
/// in one iteration. A dimension whose subscripts are not affine in the counters of inner loops, or
/// whose inner loops have no literal trip counts, is taken whole. Refuses the step where the extent
/// of that is no literal, and where two accesses start at places that differ by no literal.
Box find_box(const Kernel& kernel, const std::string& step, const Array& array, const Place& loop,
             const std::vector<Access>& touches);

/// counter = lower + 0 ... trips-1, for some lower and trips that hold all iterations.
struct Steps {
  Expr lower;
  std::int64_t trips = 1;
};
/// None if no literal trip count is known to suffice.
std::optional<Steps> steps_of(const For& loop);

}  // namespace heddle::kernel

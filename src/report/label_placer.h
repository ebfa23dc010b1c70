// Finds places for labels, one after the other, so that none covers another or a mark.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "report/drawing.h"

namespace heddle::report {

bool overlap(const Box& a, const Box& b);

class LabelPlacer {
 public:
  /// Labels stay inside `area`.
  explicit LabelPlacer(const Box& area) : area_(area) {}

  /// No label may touch the box.
  void block(const Box& box) { blocked_.push_back(box); }
  /// Labels cross the line only where there is no place beside it.
  void avoid(Point from, Point to);

  /// Takes the candidate that crosses lines least, the first of equals, and blocks it; none if all
  /// are blocked.
  std::optional<Box> place(std::span<const Box> candidates);

 private:
  Box area_;
  std::vector<Box> blocked_;
  std::vector<Point> avoided_;  ///< points of lines, close together
};

/// Places for a label of this width beside a mark: close ones first, to the right, left, above and
/// below, then farther away.
std::vector<Box> places_beside(Point mark, double label_width);

/// The height of a label's box; its baseline stands kLabelBase below the upper edge.
constexpr double kLabelHeight = 13;
constexpr double kLabelBase = 10;

}  // namespace heddle::report

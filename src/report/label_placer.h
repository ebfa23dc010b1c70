// Finds places for labels, one after the other, so that none covers another, a mark, or the line
// that leads from a label to its mark.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "report/drawing.h"

namespace heddle::report {

bool overlap(const Box& a, const Box& b);

struct LabelPlace {
  Box box;
  std::optional<Point> lead;  ///< where a line from the mark ends, if the label is not right beside
};

class LabelPlacer {
 public:
  /// Labels stay inside `area`.
  explicit LabelPlacer(const Box& area) : area_(area) {}

  /// No label may touch the box.
  void block(const Box& box) { blocked_.push_back(box); }
  /// Labels cross the line only where there is no place beside it.
  void avoid(Point from, Point to);

  /// Takes a candidate that crosses lines little and comes early, and blocks it; none if all are
  /// blocked.
  std::optional<Box> place(std::span<const Box> candidates);
  /// The same for the label of a mark, with the line that leads to it where one is needed.
  std::optional<LabelPlace> place_beside(Point mark, double label_width);

 private:
  [[nodiscard]] bool is_free(const Box& box) const;
  [[nodiscard]] bool is_free(Point from, Point to) const;

  Box area_;
  std::vector<Box> blocked_;
  std::vector<Point> avoided_;  ///< points of lines, close together
};

/// The height of a label's box; its baseline stands kLabelBase below the upper edge.
constexpr double kLabelHeight = 13;
constexpr double kLabelBase = 10;

}  // namespace heddle::report

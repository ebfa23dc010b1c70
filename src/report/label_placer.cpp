#include "report/label_placer.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace heddle::report {
namespace {

bool contains(const Box& outer, const Box& inner) {
  return inner.x >= outer.x && inner.right() <= outer.right() && inner.y >= outer.y &&
         inner.bottom() <= outer.bottom();
}

bool contains(const Box& box, Point point) {
  return point.x > box.x && point.x < box.right() && point.y > box.y && point.y < box.bottom();
}

}  // namespace

bool overlap(const Box& a, const Box& b) {
  return a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom();
}

void LabelPlacer::avoid(Point from, Point to) {
  constexpr double kDistance = 3;
  const int count = 1 + static_cast<int>(std::hypot(to.x - from.x, to.y - from.y) / kDistance);
  for (int i = 0; i <= count; ++i) {
    const double share = static_cast<double>(i) / count;
    avoided_.push_back({from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)});
  }
}

std::optional<Box> LabelPlacer::place(std::span<const Box> candidates) {
  std::optional<Box> best;
  std::ptrdiff_t best_crossed = 0;
  for (const Box& box : candidates) {
    if (!contains(area_, box) ||
        std::ranges::any_of(blocked_, [&](const Box& other) { return overlap(box, other); })) {
      continue;
    }
    const std::ptrdiff_t crossed =
        std::ranges::count_if(avoided_, [&](Point point) { return contains(box, point); });
    if (!best || crossed < best_crossed) {
      best = box;
      best_crossed = crossed;
    }
  }
  if (best) block(*best);
  return best;
}

std::vector<Box> places_beside(Point mark, double label_width) {
  constexpr std::array<double, 4> kDistances = {7, 16, 27, 40};
  std::vector<Box> places;
  const double half = label_width / 2;
  for (const double d : kDistances) {
    const double slant = d * 0.7;
    // The middle of the label's near edge or corner.
    const std::array<Point, 8> corners = {
        Point{mark.x + d, mark.y - kLabelHeight / 2},
        {mark.x - d - label_width, mark.y - kLabelHeight / 2},
        {mark.x + slant, mark.y - slant - kLabelHeight},
        {mark.x + slant, mark.y + slant},
        {mark.x - half, mark.y - d - kLabelHeight},
        {mark.x - half, mark.y + d},
        {mark.x - slant - label_width, mark.y - slant - kLabelHeight},
        {mark.x - slant - label_width, mark.y + slant}};
    for (const Point corner : corners) {
      places.push_back({corner.x, corner.y, label_width, kLabelHeight});
    }
  }
  return places;
}

}  // namespace heddle::report

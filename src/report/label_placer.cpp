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

/// The point of a label that is nearest to its mark.
std::optional<Point> lead_to(const Box& box, Point mark) {
  constexpr double kBeside = 12;
  const Point near = {std::clamp(mark.x, box.x, box.right()),
                      std::clamp(mark.y, box.y, box.bottom())};
  if (std::hypot(near.x - mark.x, near.y - mark.y) <= kBeside) return std::nullopt;
  return near;
}

/// Points of a line, close together.
std::vector<Point> points_between(Point from, Point to) {
  constexpr double kDistance = 3;
  const int count = 1 + static_cast<int>(std::hypot(to.x - from.x, to.y - from.y) / kDistance);
  std::vector<Point> points;
  points.reserve(static_cast<std::size_t>(count) + 1);
  for (int i = 0; i <= count; ++i) {
    const double share = static_cast<double>(i) / count;
    points.push_back({from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)});
  }
  return points;
}

/// Close ones first, to the right, left, above and below, then farther away.
std::vector<Box> places_beside(Point mark, double label_width) {
  constexpr std::array<double, 6> kDistances = {7, 16, 27, 40, 55, 72};
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

}  // namespace

bool overlap(const Box& a, const Box& b) {
  return a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom();
}

void LabelPlacer::avoid(Point from, Point to) {
  const std::vector<Point> points = points_between(from, to);
  avoided_.insert(avoided_.end(), points.begin(), points.end());
}

bool LabelPlacer::is_free(const Box& box) const {
  return contains(area_, box) &&
         std::ranges::none_of(blocked_, [&](const Box& other) { return overlap(box, other); });
}

bool LabelPlacer::is_free(Point from, Point to) const {
  const std::vector<Point> points = points_between(from, to);
  // The mark from which the line starts, and others that cover it, are no hindrance.
  return std::ranges::none_of(blocked_, [&](const Box& box) {
    return !contains(box, from) &&
           std::ranges::any_of(points, [&](Point p) { return contains(box, p); });
  });
}

std::optional<Box> LabelPlacer::place(std::span<const Box> candidates) {
  // So many later candidates are as bad as three units of a crossed line.
  constexpr std::size_t kLater = 4;
  std::optional<Box> best;
  std::size_t best_cost = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Box& box = candidates[i];
    if (!is_free(box)) continue;
    const std::ptrdiff_t crossed =
        std::ranges::count_if(avoided_, [&](Point point) { return contains(box, point); });
    const std::size_t cost = static_cast<std::size_t>(crossed) + i / kLater;
    if (!best || cost < best_cost) {
      best = box;
      best_cost = cost;
    }
  }
  if (best) block(*best);
  return best;
}

std::optional<LabelPlace> LabelPlacer::place_beside(Point mark, double label_width) {
  std::vector<Box> places = places_beside(mark, label_width);
  std::erase_if(places, [&](const Box& box) {
    const std::optional<Point> lead = lead_to(box, mark);
    return lead && !is_free(mark, *lead);
  });
  const std::optional<Box> box = place(places);
  if (!box) return std::nullopt;
  const std::optional<Point> lead = lead_to(*box, mark);
  if (lead) {
    constexpr double kWidth = 3;
    for (const Point point : points_between(mark, *lead)) {
      block({point.x - kWidth / 2, point.y - kWidth / 2, kWidth, kWidth});
    }
  }
  return LabelPlace{*box, lead};
}

}  // namespace heddle::report

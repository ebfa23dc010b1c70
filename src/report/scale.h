// An axis: which values it spans, where they stand, and where its ticks are.
#pragma once

#include <string>
#include <vector>

#include "report/chart.h"

namespace heddle::report {

/// Of at most 1e100, and from 1e-100 on for a log axis.
bool can_show(Scale scale, double value);

enum class Direction { kAcross, kUp };

/// The span of an axis: a linear one contains zero, both end at round numbers (1, 2 or 5 times a
/// power of ten).
struct Span {
  Scale scale = Scale::kLinear;
  double low = 0;
  double high = 1;
};

/// Around values that can be shown; with none, some span.
Span span_around(Scale scale, const std::vector<double>& values);

struct Tick {
  double at = 0;  ///< in the drawing
  std::string label;
};

/// A span laid on a drawing, from `begin` to `end` (which is less for an axis that goes up).
class AxisMap {
 public:
  AxisMap(const Span& span, double begin, double end);

  /// Where a value of the span stands.
  [[nodiscard]] double at(double value) const;
  /// As many as have room for their labels, at 1-2-5 or powers of ten.
  [[nodiscard]] std::vector<Tick> ticks(Direction direction) const;
  [[nodiscard]] const Span& span() const { return span_; }
  [[nodiscard]] double begin() const { return begin_; }
  [[nodiscard]] double end() const { return end_; }

 private:
  Span span_;
  double begin_;
  double end_;
};

}  // namespace heddle::report

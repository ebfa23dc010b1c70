// SVG elements, one after the other. Positions count from the upper left corner.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace heddle::report {

struct Point {
  double x = 0;
  double y = 0;
};

struct Box {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;

  [[nodiscard]] double right() const { return x + width; }
  [[nodiscard]] double bottom() const { return y + height; }
};

enum class Anchor { kStart, kMiddle, kEnd };

/// Classes of fills and lines in the colour of number `series`.
std::string fill_class(std::size_t series);
std::string line_class(std::size_t series);

/// Light and dark rules for the classes of all charts, print being light. The same for each chart.
std::string_view chart_style();

/// `style` is always a list of classes. A tooltip, if there is one, appears over its shape.
class Drawing {
 public:
  void text(Point baseline, std::string_view text, std::string_view style = "",
            Anchor anchor = Anchor::kStart);
  void box(const Box& box, std::string_view style, std::string_view tooltip = "");
  void line(Point from, Point to, std::string_view style);
  void polyline(std::span<const Point> points, std::string_view style);
  /// One of some shapes, about 8 wide.
  void mark(Point center, std::size_t shape, std::string_view style, std::string_view tooltip = "");

  /// Opens <g ...> with these attributes, which must be escaped where they need it.
  void begin_group(std::string_view attributes);
  void end_group();

  [[nodiscard]] const std::string& elements() const { return elements_; }

 private:
  void close(std::string_view name, std::string_view tooltip);

  std::string elements_;
};

}  // namespace heddle::report

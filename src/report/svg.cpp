#include "report/svg.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "report/sheet.h"
#include "report/words.h"

namespace heddle::report {
namespace {

void add_left_out(Sheet& sheet) {
  constexpr std::size_t kNamed = 6;
  std::vector<std::string> names;
  for (const std::string& name : sheet.left_out) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  if (names.empty()) return;
  std::string more;
  if (names.size() > kNamed) {
    more = fmt::format(" and {} more", names.size() - kNamed);
    names.resize(kNamed);
  }
  add_text(sheet, fmt::format("No place on the axes: {}{}.", fmt::join(names, ", "), more),
           "quiet");
}

Sheet drawn(const Figure& figure, bool has_choice) {
  Sheet sheet;
  sheet.has_choice = has_choice;
  add_text(sheet, figure.title, "title");
  sheet.bottom += 3;
  std::visit([&](const auto& chart) { draw(sheet, chart); }, figure.chart);
  add_left_out(sheet);
  return sheet;
}

std::string element(const Figure& figure, const Sheet& sheet, const std::string& attributes,
                    const std::string& first) {
  ensure(!figure.name.empty() && std::ranges::all_of(figure.name,
                                                     [](char c) {
                                                       return (c >= 'a' && c <= 'z') ||
                                                              (c >= 'A' && c <= 'Z') ||
                                                              (c >= '0' && c <= '9') || c == '-';
                                                     }),
         "{} is no name for a figure", quote(figure.name));
  return fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {0:g} {1:.0f}\" role=\"img\" "
      "aria-labelledby=\"{2}-title {2}-desc\"{3}>\n"
      "<title id=\"{2}-title\">{4}</title>\n<desc id=\"{2}-desc\">{5}</desc>\n{6}{7}</svg>\n",
      kSheetWidth, sheet.bottom + 2, figure.name, attributes, escaped(figure.title),
      escaped(figure.caption), first, sheet.drawing.elements());
}

}  // namespace

std::string svg(const Figure& figure) {
  const Sheet sheet = drawn(figure, false);
  return element(
      figure, sheet,
      fmt::format(" xmlns=\"http://www.w3.org/2000/svg\" width=\"{:g}\" height=\"{:.0f}\"",
                  kSheetWidth, sheet.bottom + 2),
      fmt::format("<style>\n{}</style>\n<rect class=\"ground\" width=\"100%\" "
                  "height=\"100%\"/>\n",
                  chart_style()));
}

std::vector<std::string> chosen_series(const Figure& figure) {
  const auto* roofline = std::get_if<Roofline>(&figure.chart);
  return roofline && roofline->series.size() > 1 ? roofline->series : std::vector<std::string>();
}

std::string inline_svg(const Figure& figure) {
  return element(figure, drawn(figure, !chosen_series(figure).empty()), "", "");
}

}  // namespace heddle::report

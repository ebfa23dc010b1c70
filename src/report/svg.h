// A figure as SVG, 360 units wide: to be read on a phone as on paper.
#pragma once

#include <string>

#include "report/chart.h"

namespace heddle::report {

/// A file of its own: with its style, on a ground of its own, readable in light and dark. The same
/// figure always gives the same bytes. Throws InternalError for a series, group or capacity that is
/// not there, and for stacked bars on a log axis.
std::string svg(const Figure& figure);

/// An <svg> element for a page that has chart_style() (drawing.h). In a roofline of several series,
/// what belongs to one series has data-series="its number"; labels come in layers, one for all
/// series (data-labels="all") and one for each alone (data-labels="its number", class "off").
std::string inline_svg(const Figure& figure);

/// The series among which the reader of a page may choose; empty if there is no choice.
std::vector<std::string> chosen_series(const Figure& figure);

}  // namespace heddle::report

// Text of charts and pages: escaping, width, cutting and wrapping, short numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heddle::report {

/// As the text of an element or of an attribute in XML and HTML. What XML has no place for (control
/// characters, bytes that are not UTF-8) becomes U+FFFD.
std::string escaped(std::string_view text);

constexpr double kTextSize = 11;   ///< in the units of a chart
constexpr double kTitleSize = 12;  ///< bold

/// At least the width of a line of normal or bold text in the sans-serif faces in common use.
double text_width(std::string_view text, double size = kTextSize, bool is_bold = false);

/// The text, or as much of its beginning as fits with "…".
std::string fit(std::string_view text, double width);

/// Lines that fit, broken at spaces, and inside words that are too long for a line.
std::vector<std::string> wrap(std::string_view text, double width, double size = kTextSize,
                              bool is_bold = false);

/// Three digits, thousands as k, M, G, T, P from 10,000 on: "0.25", "17.8", "6527", "7.14M",
/// "1e+20".
std::string short_number(double value);

/// "3.50 KiB", "1.24 GiB".
std::string short_bytes(double bytes);

}  // namespace heddle::report

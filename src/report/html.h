// A report as one HTML page.
#pragma once

#include <string>

#include "report/report.h"

namespace heddle::report {

/// A page that needs nothing else, and by its content security policy asks for nothing: light or
/// dark as the reader's system is, for phones, screens and paper. Its only script lets the reader
/// see one series of a roofline alone. Throws InternalError for two figures or two tables of one
/// name, and as svg() does.
std::string html(const Report& report);

}  // namespace heddle::report

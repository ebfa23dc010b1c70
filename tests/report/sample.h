// A report with every kind of chart and with text that is hard to write down, for tests to look at.
#pragma once

#include "report/report.h"

namespace heddle::report {

/// Figures of a plausible size, of no model and no board.
Report sample_report();

}  // namespace heddle::report

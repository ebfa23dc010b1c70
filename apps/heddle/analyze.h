// What `heddle analyze` found, as a report and as JSON (docs/analysis.md).
#pragma once

#include <cstdint>
#include <optional>

#include "base/json.h"
#include "cost/analysis.h"
#include "report/report.h"

namespace heddle {

struct AnalysedModel {
  Workload workload;
  cost::ModelWork work;
  cost::Precision precision;
  std::int64_t batch = 1;
  std::optional<cost::BoardAnalysis> board;
};

enum class Detail {
  kShort,  ///< for a terminal: no charts, of operators only those that take longest
  kFull,
};
report::Report report_of(const AnalysedModel& model, Detail detail);

Json to_json(const AnalysedModel& model);

}  // namespace heddle

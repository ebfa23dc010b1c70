// Draws memories and what lies in them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "report/sheet.h"
#include "report/words.h"

namespace heddle::report {
namespace {

constexpr double kMemoryThickness = 18;

/// A segment that can be shown, at its address.
struct Placed {
  const MemorySegment* segment = nullptr;
  double begin = 0;
  [[nodiscard]] double end() const { return begin + segment->bytes; }
};

std::vector<Placed> placed(Sheet& sheet, const Memory& memory) {
  std::vector<Placed> result;
  double end = 0;
  for (const MemorySegment& segment : memory.segments) {
    const double begin = segment.begin.value_or(end);
    const auto is_size = [](double value) { return can_show(Scale::kLinear, value) && value >= 0; };
    if (!is_size(begin) || !is_size(segment.bytes)) {
      sheet.left_out.push_back(segment.label);
      continue;
    }
    result.push_back({&segment, begin});
    end = result.back().end();
  }
  return result;
}

/// Each label once, in the order in which they come.
std::vector<std::string> labels_of(const MemoryMap& map) {
  std::vector<std::string> labels;
  for (const Memory& memory : map.memories) {
    for (const MemorySegment& segment : memory.segments) {
      if (std::ranges::find(labels, segment.label) == labels.end()) labels.push_back(segment.label);
    }
  }
  return labels;
}

/// "weights: 426 MiB, 5.2 %", a line for each, beside its colour.
void list_segment(Sheet& sheet, const std::string& label, double bytes, double capacity,
                  std::optional<std::size_t> colour) {
  const std::string size = fmt::format("{}, {:.1f} %", short_bytes(bytes), 100 * bytes / capacity);
  const double right = kSheetWidth - kSheetMargin;
  sheet.drawing.box({kSheetMargin + 2, sheet.bottom + 2, 9, 9},
                    colour ? fill_class(*colour) : "free");
  sheet.drawing.text({kSheetMargin + 16, sheet.bottom + 11},
                     fit(label, right - text_width(size) - 8 - kSheetMargin - 16));
  sheet.drawing.text({right, sheet.bottom + 11}, size, "", Anchor::kEnd);
  sheet.bottom += kLineHeight;
}

void draw_memory(Sheet& sheet, const Memory& memory, const std::vector<std::string>& labels) {
  ensure(can_show(Scale::kLog, memory.capacity), "memory {} has no capacity", quote(memory.label));
  const std::vector<Placed> segments = placed(sheet, memory);
  double used = 0;
  double end = 0;
  for (const Placed& segment : segments) {
    used += segment.segment->bytes;
    end = std::max(end, segment.end());
  }
  const double length = std::max(end, memory.capacity);
  const AxisMap axis({Scale::kLinear, 0, length}, kSheetMargin, kSheetWidth - kSheetMargin);
  const auto colour_of = [&](const std::string& label) {
    return static_cast<std::size_t>(std::ranges::find(labels, label) - labels.begin());
  };

  add_text(
      sheet,
      fmt::format("{}: {} of {}", memory.label, short_bytes(used), short_bytes(memory.capacity)),
      "");
  const double top = sheet.bottom + 2;
  sheet.drawing.box({axis.at(0), top, axis.at(memory.capacity) - axis.at(0), kMemoryThickness},
                    "free");
  for (const Placed& placed : segments) {
    const double x = axis.at(placed.begin);
    add_segment(sheet, {x, top, axis.at(placed.end()) - x, kMemoryThickness},
                colour_of(placed.segment->label),
                fmt::format("{}: {}", placed.segment->label, short_bytes(placed.segment->bytes)));
  }
  if (end > memory.capacity) {
    const double x = axis.at(memory.capacity);
    sheet.drawing.line({x, top - 3}, {x, top + kMemoryThickness + 3}, "roof");
  }
  sheet.bottom = top + kMemoryThickness + 4;
  for (const Placed& segment : segments) {
    list_segment(sheet, segment.segment->label, segment.segment->bytes, memory.capacity,
                 colour_of(segment.segment->label));
  }
  if (used <= memory.capacity) {
    list_segment(sheet, "free", memory.capacity - used, memory.capacity, std::nullopt);
  } else {
    add_text(sheet, fmt::format("Does not fit: {} too much.", short_bytes(used - memory.capacity)),
             "");
  }
  sheet.bottom += 8;
}

}  // namespace

void draw(Sheet& sheet, const MemoryMap& chart) {
  if (chart.memories.empty()) add_text(sheet, "Nothing to show.", "quiet");
  const std::vector<std::string> labels = labels_of(chart);
  for (const Memory& memory : chart.memories) draw_memory(sheet, memory, labels);
}

}  // namespace heddle::report

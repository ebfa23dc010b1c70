// heddle kernel explain: a kernel's loops and arrays, and what a schedule may do with them.
#include <fmt/ranges.h>

#include "apps/heddle/kernel_source.h"
#include "apps/heddle/kernel_verbs.h"
#include "apps/heddle/output.h"
#include "base/error.h"
#include "base/json.h"
#include "base/table.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/dependence.h"
#include "kernel/schedule/place.h"
#include "kernel/text.h"

namespace heddle {
namespace {

using kernel::Array;
using kernel::For;
using kernel::Kernel;
using kernel::Reductions;
using kernel::Stmt;

struct ExplainOptions {
  KernelChoice choice;
  bool json = false;
};

struct LoopFacts {
  std::string name;
  int depth = 0;
  std::string trips;
  std::string marks;
  /// What keeps the loop from being parallel; empty if nothing does.
  std::string carried;
  /// Whether only the order of a reduction's updates does.
  bool only_reduction = false;
};

std::string marks_of(const For& loop) {
  std::vector<std::string> marks;
  if (loop.marks.parallel) marks.emplace_back("parallel");
  if (loop.marks.pipeline) marks.push_back(fmt::format("pipeline({})", *loop.marks.pipeline));
  if (loop.marks.unroll) marks.emplace_back("unroll");
  return fmt::format("{}", fmt::join(marks, " "));
}

LoopFacts facts_of(const Kernel& kernel, const Stmt& stmt, int depth) {
  const For& loop = *kernel::as<For>(stmt);
  LoopFacts facts;
  facts.name = loop.name;
  facts.depth = depth;
  const std::optional<std::int64_t> trips = kernel::trip_count(loop);
  facts.trips = trips ? std::to_string(*trips)
                      : fmt::format("{} .. {}", to_string(loop.lower), to_string(loop.upper));
  facts.marks = marks_of(loop);
  const auto kept = kernel::carried_dependence(kernel, stmt, Reductions::kKeepOrder);
  if (kept) {
    facts.carried = kernel::to_string(*kept);
    facts.only_reduction =
        !kernel::carried_dependence(kernel, stmt, Reductions::kMayReorder).has_value();
  }
  return facts;
}

void collect_loops(const Kernel& kernel, const Stmt& stmt, int depth,
                   std::vector<LoopFacts>& facts) {
  const auto* loop = kernel::as<For>(stmt);
  if (loop != nullptr) facts.push_back(facts_of(kernel, stmt, depth));
  for (const Stmt& child : kernel::children(stmt)) {
    collect_loops(kernel, child, depth + (loop != nullptr ? 1 : 0), facts);
  }
}

std::vector<const Array*> arrays_of(const Kernel& kernel) {
  std::vector<const Array*> arrays;
  for (const kernel::Parameter& parameter : kernel.parameters) {
    if (const auto* array = std::get_if<kernel::ArrayParameter>(&parameter)) {
      arrays.push_back(&array->array);
    }
  }
  kernel::for_each(kernel.body, [&](const Stmt& stmt) {
    if (const auto* local = kernel::as<kernel::DeclareArray>(stmt)) arrays.push_back(&local->array);
  });
  return arrays;
}

std::string shape_text(const Array& array) {
  std::string text;
  for (const kernel::Expr& extent : array.shape) {
    text += (text.empty() ? "" : " x ") + to_string(extent);
  }
  return text.empty() ? "scalar" : text;
}

/// The declaration behind the element type and shape: storage, bank, partition, lanes.
std::string layout_text(const Array& array) {
  const std::string text = kernel::to_text(kernel::make_stmt(kernel::DeclareArray{array}));
  const std::size_t at = text.find(" @");
  const std::size_t parts = text.find(" partition(");
  const std::size_t lanes = text.find(" lanes(");
  const std::size_t start = std::min({at, parts, lanes});
  return start == std::string::npos ? "" : text.substr(start + 1, text.find('\n') - start - 1);
}

std::string bits_text(const Array& array) {
  const std::optional<std::int64_t> count = kernel::element_count(array.shape);
  const int width = array.element.is_fixed() ? array.element.width : 8 * array.element.bytes();
  return count ? std::to_string(*count * (array.element.is_bool() ? 1 : width)) : "at launch";
}

std::string explanation(const Kernel& kernel) {
  std::vector<LoopFacts> loops;
  collect_loops(kernel, kernel.body, 0, loops);
  Table loop_table({{"loop", Align::kLeft},
                    {"iterations", Align::kRight},
                    {"marks", Align::kLeft},
                    {"iterations depend on one another", Align::kLeft}});
  for (const LoopFacts& loop : loops) {
    std::string carried = "no";
    if (!loop.carried.empty()) {
      carried = (loop.only_reduction ? "only through a reduction: " : "yes: ") + loop.carried;
    }
    loop_table.add_row({std::string(2 * static_cast<std::size_t>(loop.depth), ' ') + loop.name,
                        loop.trips, loop.marks, carried});
  }
  Table array_table({{"array", Align::kLeft},
                     {"element", Align::kLeft},
                     {"shape", Align::kLeft},
                     {"bits", Align::kRight},
                     {"layout", Align::kLeft}});
  for (const Array* array : arrays_of(kernel)) {
    array_table.add_row({array->name, to_string(array->element), shape_text(*array),
                         bits_text(*array), layout_text(*array)});
  }
  return fmt::format("kernel {}: {}\n\n{}\n{}", kernel.name, kernel.summary, loop_table.to_string(),
                     array_table.to_string());
}

Json explanation_json(const Kernel& kernel) {
  std::vector<LoopFacts> facts;
  collect_loops(kernel, kernel.body, 0, facts);
  Json loops = Json::array();
  for (const LoopFacts& loop : facts) {
    loops.push_back({{"name", loop.name},
                     {"depth", loop.depth},
                     {"iterations", loop.trips},
                     {"marks", loop.marks},
                     {"carried", loop.carried},
                     {"only_reduction", loop.only_reduction}});
  }
  Json arrays = Json::array();
  for (const Array* array : arrays_of(kernel)) {
    arrays.push_back({{"name", array->name},
                      {"element", to_string(array->element)},
                      {"shape", shape_text(*array)},
                      {"bits", bits_text(*array)},
                      {"layout", layout_text(*array)}});
  }
  return {{"kernel", kernel.name}, {"loops", loops}, {"arrays", arrays}};
}

Json primitives_json() {
  Json list = Json::array();
  for (const kernel::PrimitiveHelp& help : kernel::primitives()) {
    list.push_back({{"name", help.name}, {"form", help.form}, {"summary", help.summary}});
  }
  return {{"primitives", list}};
}

std::string primitives_text() {
  Table table({{"step", Align::kLeft}, {"meaning", Align::kLeft}});
  for (const kernel::PrimitiveHelp& help : kernel::primitives()) {
    table.add_row({help.form, help.summary});
  }
  return table.to_string();
}

void explain(const ExplainOptions& options) {
  if (options.choice.kernel.empty()) {
    return print_out(options.json ? primitives_json().dump(2) + '\n' : primitives_text());
  }
  const kernel::Schedule schedule = load(options.choice);
  print_out(options.json ? explanation_json(*schedule.kernel()).dump(2) + '\n'
                         : explanation(*schedule.kernel()));
}

}  // namespace

void add_kernel_explain(CLI::App& kernel) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* verb = kernel.add_subcommand(
      "explain", "A kernel's loops, dependences and arrays; without a kernel: the schedule steps");
  add_kernel_choice(*verb, options->choice);
  verb->get_option("kernel")->required(false);
  verb->add_flag("--json", options->json, "Print one JSON object instead of tables");
  verb->callback([options] { explain(*options); });
}

}  // namespace heddle

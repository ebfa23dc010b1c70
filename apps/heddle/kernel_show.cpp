// heddle kernel list, show, schedule: what there is, and what a schedule makes of it.
#include <fmt/ranges.h>

#include "apps/heddle/kernel_source.h"
#include "apps/heddle/kernel_verbs.h"
#include "apps/heddle/output.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/table.h"
#include "kernel/library/library.h"
#include "kernel/text.h"

namespace heddle {
namespace {

using kernel::LibraryKernel;
using kernel::LibraryParameter;
using kernel::LibrarySchedule;
using kernel::Schedule;

std::string default_of(const LibraryParameter& parameter) {
  return parameter.choices.empty() ? std::to_string(parameter.default_number)
                                   : fmt::format("{}", fmt::join(parameter.choices, "|"));
}

Json to_json(const LibraryParameter& parameter) {
  Json json = {{"name", parameter.name}, {"summary", parameter.summary}};
  if (parameter.choices.empty()) {
    json["default"] = parameter.default_number;
    json["minimum"] = parameter.minimum;
  } else {
    json["default"] = parameter.choices.front();
    json["choices"] = parameter.choices;
  }
  return json;
}

std::string list_json() {
  Json kernels = Json::array();
  for (const LibraryKernel& entry : kernel::library()) {
    Json parameters = Json::array();
    for (const LibraryParameter& parameter : entry.parameters)
      parameters.push_back(to_json(parameter));
    Json schedules = Json::array();
    for (const LibrarySchedule& schedule : entry.schedules) {
      schedules.push_back({{"name", schedule.name}, {"summary", schedule.summary}});
    }
    kernels.push_back({{"name", entry.name},
                       {"summary", entry.summary},
                       {"parameters", parameters},
                       {"schedules", schedules}});
  }
  return Json{{"kernels", kernels}}.dump(2) + '\n';
}

std::string list_text() {
  Table table({{"kernel", Align::kLeft},
               {"parameters (default)", Align::kLeft},
               {"schedules", Align::kLeft},
               {"summary", Align::kLeft}});
  for (const LibraryKernel& entry : kernel::library()) {
    std::string parameters;
    for (const LibraryParameter& parameter : entry.parameters) {
      parameters += fmt::format("{}{}={}", parameters.empty() ? "" : " ", parameter.name,
                                default_of(parameter));
    }
    std::string schedules;
    for (const LibrarySchedule& schedule : entry.schedules) {
      schedules += (schedules.empty() ? "" : " ") + schedule.name;
    }
    table.add_row({entry.name, parameters, schedules, entry.summary});
  }
  return table.to_string();
}

struct ShowOptions {
  KernelChoice choice;
  bool json = false;
};

void show(const ShowOptions& options) {
  const Schedule schedule = load(options.choice);
  const std::string text = kernel::to_text(*schedule.kernel());
  if (!options.json) return print_out(text);
  const Json json = {
      {"kernel", schedule.kernel()->name}, {"summary", schedule.kernel()->summary}, {"text", text}};
  print_out(json.dump(2) + '\n');
}

struct ScheduleOptions {
  KernelChoice choice;
  std::string as = "text";
  std::string output;
  bool json = false;
};

Json to_json(const std::vector<kernel::Step>& steps) {
  Json json = Json::array();
  for (const kernel::Step& step : steps) {
    Json one = {{"primitive", step.primitive}, {"arguments", step.arguments}};
    if (!step.inner.empty()) one["steps"] = to_json(step.inner);
    json.push_back(std::move(one));
  }
  return json;
}

void print_schedule(const ScheduleOptions& options) {
  const Schedule schedule = load(options.choice);
  std::string text;
  if (options.json) {
    text = Json{{"kernel", schedule.kernel()->name}, {"steps", to_json(schedule.steps())}}.dump(2) +
           '\n';
  } else {
    text =
        options.as == "cpp" ? kernel::to_cpp(schedule.steps()) : kernel::to_text(schedule.steps());
  }
  if (options.output.empty()) return print_out(text);
  write_file(options.output, text);
}

}  // namespace

void add_kernel_list(CLI::App& kernel) {
  CLI::App* verb = kernel.add_subcommand("list", "The library's kernels, parameters and schedules");
  auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "Print one JSON object instead of a table");
  verb->callback([json] { print_out(*json ? list_json() : list_text()); });
}

void add_kernel_show(CLI::App& kernel) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* verb = kernel.add_subcommand("show", "Print a kernel as text, scheduled or not");
  add_kernel_choice(*verb, options->choice);
  verb->add_flag("--json", options->json, "Print one JSON object");
  verb->callback([options] { show(*options); });
}

void add_kernel_schedule(CLI::App& kernel) {
  auto options = std::make_shared<ScheduleOptions>();
  CLI::App* verb = kernel.add_subcommand(
      "schedule", "Apply a schedule, step by step checked, and print what replays it");
  add_kernel_choice(*verb, options->choice);
  verb->add_option("--as", options->as, "As a schedule file (text) or as C++ (cpp)")
      ->check(CLI::IsMember({"text", "cpp"}))
      ->capture_default_str();
  verb->add_option("-o,--output", options->output, "File to write (default: standard output)");
  verb->add_flag("--json", options->json, "The steps as one JSON object");
  verb->callback([options] { print_schedule(*options); });
}

}  // namespace heddle

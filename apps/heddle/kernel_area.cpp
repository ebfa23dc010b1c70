// heddle kernel area: what a kernel takes of an FPGA.
#include <fmt/ranges.h>

#include <optional>

#include "apps/heddle/kernel_source.h"
#include "apps/heddle/kernel_verbs.h"
#include "apps/heddle/output.h"
#include "base/json.h"
#include "base/table.h"
#include "board/board.h"
#include "cost/synthesis.h"
#include "kernel/codegen/rtl/emit.h"
#include "kernel/codegen/rtl/module_text.h"

namespace heddle {
namespace {

struct AreaOptions {
  KernelChoice choice;
  std::string board;
  std::optional<double> clock_mhz;
  bool is_axi = false;
  bool json = false;
};

/// What a kernel takes, and what there is.
struct Area {
  std::string kernel;
  double clock_mhz = 0;
  std::vector<cost::ModuleArea> modules;
  const Board* board = nullptr;  ///< may be null

  [[nodiscard]] double share(const Resources& part, Resource resource) const {
    return part[resource] / board->resources[resource];
  }
};

/// The resources of which the kernel takes more than there are.
std::vector<Resource> over(const Area& area) {
  std::vector<Resource> result;
  if (area.board == nullptr) return result;
  const Resources total = cost::total_of(area.modules);
  for (const Resource resource : kResources) {
    if (total[resource] > area.board->resources[resource]) result.push_back(resource);
  }
  return result;
}

/// "3584", with a board "3584  0.3 %".
std::string cell(const Area& area, const Resources& part, Resource resource) {
  std::string text = fmt::format("{}", part[resource]);
  if (area.board == nullptr) return text;
  if (part[resource] == 0) return text + "        ";
  return fmt::format("{} {:5.1f} %", text, 100 * area.share(part, resource));
}

std::string text_of(const Area& area) {
  std::vector<Column> columns = {{"module", Align::kLeft}};
  for (const Resource resource : kResources) columns.push_back({title_of(resource), Align::kRight});
  Table table(columns);
  const auto add = [&](const std::string& title, const Resources& part) {
    std::vector<std::string> cells = {title};
    for (const Resource resource : kResources) cells.push_back(cell(area, part, resource));
    table.add_row(std::move(cells));
  };
  for (const cost::ModuleArea& module : area.modules) {
    const std::string times =
        module.instances == 1 ? "" : fmt::format(" ({} instances)", module.instances);
    add(module.module + times, static_cast<double>(module.instances) * module.each);
  }
  const Resources total = cost::total_of(area.modules);
  add("total", total);
  std::string text = fmt::format(
      "{}: synthesised by Yosys for {} MHz (assumed){}\n\n{}", area.kernel, area.clock_mhz,
      area.board ? fmt::format(", in % of {}", area.board->name) : "", table.to_string());
  if (area.board == nullptr) return text;
  text += '\n';
  for (const Resource resource : over(area)) {
    text += fmt::format("over: {} {} of {}\n", total[resource], title_of(resource),
                        area.board->resources[resource]);
  }
  if (over(area).empty()) text += fmt::format("fits {}, by these counts\n", area.board->name);
  return text;
}

Json json_of(const Area& area) {
  Json modules = Json::array();
  for (const cost::ModuleArea& module : area.modules) {
    modules.push_back({{"module", module.module},
                       {"instances", module.instances},
                       {"each", to_json(module.each)},
                       {"cached", module.cached}});
  }
  const Resources total = cost::total_of(area.modules);
  Json json = {{"kernel", area.kernel},
               {"got", "synthesised"},
               {"clock_mhz", area.clock_mhz},
               {"modules", modules},
               {"total", to_json(total)}};
  if (area.board == nullptr) return json;
  Json names = Json::array();
  for (const Resource resource : over(area)) names.push_back(key_of(resource));
  Json percent = Json::object();
  for (const Resource resource : kResources) {
    // Nothing of nothing is no share.
    if (area.board->resources[resource] == 0) continue;
    percent[key_of(resource)] = 100 * area.share(total, resource);
  }
  json["board"] = area.board->name;
  json["available"] = to_json(area.board->resources);
  json["percent"] = percent;
  json["over"] = names;
  return json;
}

void measure_area(const AreaOptions& options) {
  Area area;
  kernel::rtl::Target target;
  Board board;
  if (!options.board.empty()) {
    board = find_board(options.board);
    area.board = &board;
    target.clock_mhz = board.clock_mhz;
  }
  if (options.clock_mhz) target.clock_mhz = *options.clock_mhz;
  const kernel::KernelPtr kernel = load(options.choice).kernel();
  const kernel::rtl::Design design = kernel::rtl::make_design(kernel, target);
  kernel::require_intervals(design);
  area.kernel = kernel->name;
  area.clock_mhz = target.clock_mhz;
  area.modules = options.is_axi ? cost::synthesise(kernel::axi_sources(design), kernel->name)
                                : cost::synthesise(kernel::core_sources(design),
                                                   kernel::rtl::core_name(*kernel));
  print_out(options.json ? json_of(area).dump(2) + '\n' : text_of(area));
}

}  // namespace

void add_kernel_area(CLI::App& kernel) {
  auto options = std::make_shared<AreaOptions>();
  CLI::App* verb = kernel.add_subcommand(
      "area", "Synthesise a kernel's RTL with Yosys and count what it takes of a board");
  add_kernel_choice(*verb, options->choice);
  verb->add_option("--board", options->board,
                   "Set it against this board: a name from `heddle board list`, or a file");
  verb->add_option("--clock", options->clock_mhz,
                   "Target clock in MHz (default: the board's, else that of `kernel sim`)")
      ->check(CLI::Range(1.0, 2000.0));
  verb->add_flag("--axi", options->is_axi,
                 "With its AXI ports and control registers, as a device has it");
  verb->add_flag("--json", options->json, "Print one JSON object");
  verb->callback([options] { measure_area(*options); });
}

}  // namespace heddle

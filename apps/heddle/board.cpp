// heddle board: the boards that designs are measured against.
#include <fmt/ranges.h>

#include "apps/heddle/output.h"
#include "apps/heddle/verbs.h"
#include "base/error.h"
#include "base/table.h"
#include "board/board.h"

namespace heddle {
namespace {

/// "8 GiB HBM2, 460 GB/s"
std::string memory_text(const BoardMemory& memory) {
  constexpr double kGiB = 1U << 30U;
  const auto channels = static_cast<double>(memory.channels);
  return fmt::format("{:g} GiB {}, {:g} GB/s",
                     channels * static_cast<double>(memory.channel_bytes) / kGiB, memory.kind,
                     channels * memory.peak_gb_s);
}

std::string memories_of(const Board& board) {
  std::vector<std::string> texts;
  texts.reserve(board.memories.size());
  for (const BoardMemory& memory : board.memories) texts.push_back(memory_text(memory));
  return fmt::format("{}", fmt::join(texts, "; "));
}

void list_boards(bool json) {
  Json all = Json::array();
  Table table({{"board", Align::kLeft},
               {"LUT", Align::kRight},
               {"FF", Align::kRight},
               {"DSP", Align::kRight},
               {"BRAM36", Align::kRight},
               {"URAM", Align::kRight},
               {"SLRs", Align::kRight},
               {"MHz", Align::kRight},
               {"memory, at its peak", Align::kLeft}});
  for (const std::string& name : known_boards()) {
    const Board board = find_board(name);
    all.push_back({{"name", name},
                   {"title", board.title},
                   {"part", board.part},
                   {"resources", to_json(board.resources)},
                   {"slrs", board.slrs},
                   {"clock_mhz", board.clock_mhz}});
    const auto count = [&](Resource resource) {
      return fmt::format("{:.0f}", board.resources[resource]);
    };
    using enum Resource;
    table.add_row({name, count(kLut), count(kFf), count(kDsp), count(kBram36), count(kUram),
                   std::to_string(board.slrs), fmt::format("{:g}", board.clock_mhz),
                   memories_of(board)});
  }
  print_out(json ? all.dump(2) + '\n' : table.to_string());
}

void show_board(const std::string& name, bool json) {
  const Json text = board_json(name);
  const Board board = read_board(text, name);
  if (json) {
    print_out(text.dump(2) + '\n');
    return;
  }
  Table table({{"figure", Align::kLeft},
               {"value", Align::kRight},
               {"", Align::kLeft},
               {"source", Align::kLeft}});
  for (const Figure& figure : board.figures) {
    std::vector<std::string> words;
    if (!figure.source.empty()) words.push_back(figure.source);
    if (!figure.note.empty()) words.push_back(figure.note);
    table.add_row({figure.path, figure.value ? fmt::format("{}", *figure.value) : "unknown",
                   figure.unit, fmt::format("{}", fmt::join(words, ": "))});
  }
  print_out(
      fmt::format("{} ({}), {}\n\n{}", board.name, board.title, board.part, table.to_string()));
}

}  // namespace

void add_board(CLI::App& app) {
  struct Options {
    std::string name;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("board", "List and show the boards, as data with sources");
  // Not 1: a misspelt verb would then be reported as a missing one.
  verb->require_subcommand(0, 1);
  verb->callback([verb] {
    if (!verb->get_subcommands().empty()) return;
    throw UserError("heddle board: a verb is missing", "one of: list, show (heddle board --help)");
  });
  CLI::App* list = verb->add_subcommand("list", "The boards that the program knows");
  list->add_flag("--json", options->json, "Print one JSON array");
  list->callback([options] { list_boards(options->json); });
  CLI::App* show = verb->add_subcommand("show", "A board's figures, each with its source");
  show->add_option("BOARD", options->name, "A name from `heddle board list`, or a file")
      ->required();
  show->add_flag("--json", options->json, "Print the board's file");
  show->callback([options] { show_board(options->name, options->json); });
}

}  // namespace heddle

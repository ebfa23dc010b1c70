#include "board/board.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "support/scratch.h"

namespace heddle {
namespace {

const std::string kAny = known_boards().front();

TEST(Board, EveryKnownOneReads) {
  EXPECT_GE(known_boards().size(), 6U);
  for (const std::string& name : known_boards()) {
    const Board board = find_board(name);
    EXPECT_EQ(board.name, name);
    EXPECT_FALSE(board.title.empty());
    EXPECT_FALSE(board.part.empty());
    EXPECT_GE(board.slrs, 1);
    for (const Figure& figure : board.figures) {
      EXPECT_TRUE(figure.value ? !figure.source.empty() : !figure.note.empty())
          << name << " " << figure.path;
    }
    std::printf("  %s: %zu figures with sources\n", name.c_str(), board.figures.size());
  }
}

// A CLB of UltraScale+ has 8 LUTs, 16 flip-flops and one CARRY8; its DSPs can do int8.
TEST(Board, CountsGoTogether) {
  for (const std::string& name : known_boards()) {
    const Board board = find_board(name);
    using enum Resource;
    EXPECT_EQ(board.resources[kFf], 2 * board.resources[kLut]) << name;
    EXPECT_EQ(8 * board.resources[kCarry8], board.resources[kLut]) << name;
    EXPECT_LT(board.resources[kLutAsMemory], board.resources[kLut]) << name;
    const auto is_int8 = [](const DspRule& rule) {
      return rule.weights == "int8" && rule.activations == "int8" && rule.products == 2;
    };
    EXPECT_EQ(std::ranges::count_if(board.dsp_rules, is_int8), 1) << name;
  }
}

// Typed in a second time from data sheets.
TEST(Board, U280IsAsItsDataSheetSays) {
  const Board board = find_board("u280");
  using enum Resource;
  EXPECT_EQ(board.resources[kLut], 1'303'680);
  EXPECT_EQ(board.resources[kDsp], 9'024);
  EXPECT_EQ(board.resources[kBram36], 2'016);
  EXPECT_EQ(board.resources[kUram], 960);
  EXPECT_EQ(board.slrs, 3);
  ASSERT_EQ(board.memories.size(), 2U);
  const BoardMemory& hbm = board.memories.front();
  EXPECT_EQ(hbm.channels * hbm.channel_bytes, std::int64_t{8} << 30);
  EXPECT_EQ(static_cast<double>(hbm.channels) * hbm.peak_gb_s, 460);
  ASSERT_TRUE(board.pcie.has_value());
  EXPECT_EQ(board.pcie->lanes, 16);
}

TEST(Board, ABoardWithoutPcieOrMeasurementsReads) {
  const Board board = find_board("kv260");
  EXPECT_FALSE(board.pcie.has_value());
  EXPECT_FALSE(board.memories.front().sustained_gb_s.has_value());
}

TEST(Board, AFileOfTheUsersOwnReads) {
  const Scratch scratch;
  Json json = board_json(kAny);
  json["name"] = "mine";
  json["resources"]["dsp"]["value"] = 7;
  const Board board = find_board(scratch.put("mine.json", json.dump()).string());
  EXPECT_EQ(board.name, "mine");
  EXPECT_EQ(board.resources[Resource::kDsp], 7);
}

TEST(Resources, AddAndMultiply) {
  Resources one;
  one[Resource::kBram36] = 0.5;
  one[Resource::kFf] = 3;
  Resources sum = 3.0 * one;
  sum += one;
  EXPECT_EQ(sum[Resource::kBram36], 2);
  EXPECT_EQ(to_json(sum)["ff"], 12);
  EXPECT_EQ(to_json(sum)["uram"].dump(), "0");
  EXPECT_EQ(to_json(one)["bram36"].dump(), "0.5");
}

struct Mistake {
  std::string name;
  std::function<void(Json&)> make;
  std::vector<std::string> words;  ///< that the message must contain
};

/// What GoogleTest shows of a mistake.
void PrintTo(const Mistake& mistake, std::ostream* out) {
  *out << mistake.name;
}

class BoardMistakeTest : public testing::TestWithParam<Mistake> {};

TEST_P(BoardMistakeTest, IsExplained) {
  Json json = board_json(kAny);
  GetParam().make(json);
  try {
    read_board(json, "mine.json");
    FAIL() << "the board was taken";
  } catch (const UserError& error) {
    const std::string message = fmt::format("{} / {}", error.what(), error.remedy());
    EXPECT_TRUE(message.starts_with("mine.json")) << message;
    for (const std::string& word : GetParam().words) {
      EXPECT_NE(message.find(word), std::string::npos)
          << "the message does not name " << word << ":\n"
          << message;
    }
    std::printf("  %s\n", message.c_str());
  }
}

Json& memory(Json& board) {
  return board["memories"][0];
}

std::vector<Mistake> mistakes() {
  return {
      {"not_an_object", [](Json& b) { b = Json::array(); }, {"object"}},
      {"no_name", [](Json& b) { b.erase("name"); }, {"\"name\"", "missing"}},
      {"name_is_a_number", [](Json& b) { b["name"] = 280; }, {"\"name\"", "string"}},
      {"unknown_key", [](Json& b) { b["luts"] = 1; }, {"\"luts\"", "resources", "docs/boards.md"}},
      {"no_resources", [](Json& b) { b.erase("resources"); }, {"\"resources\"", "missing"}},
      {"unknown_resource",
       [](Json& b) { b["resources"]["bram"] = Json::object(); },
       {"\"bram\"", "bram36"}},
      {"no_dsps", [](Json& b) { b["resources"].erase("dsp"); }, {"\"dsp\"", "missing"}},
      {"bare_number",
       [](Json& b) { b["resources"]["dsp"] = 9024; },
       {"\"dsp\"", "9024", "\"source\""}},
      {"figure_without_value",
       [](Json& b) { b["resources"]["dsp"].erase("value"); },
       {"\"dsp\"", "\"value\"", "whole number"}},
      {"figure_without_source",
       [](Json& b) { b["resources"]["dsp"].erase("source"); },
       {"\"dsp\"", "\"source\"", "missing"}},
      {"source_that_is_not_listed",
       [](Json& b) { b["resources"]["dsp"]["source"] = "hearsay"; },
       {"\"dsp\"", "\"hearsay\"", "derived"}},
      {"source_that_nothing_names",
       [](Json& b) { b["sources"]["book"] = "A book"; },
       {"\"sources\"", "\"book\""}},
      {"source_called_derived",
       [](Json& b) { b["sources"]["derived"] = "A book"; },
       {"\"derived\"", "another name"}},
      {"derived_without_a_note",
       [](Json& b) { b["resources"]["dsp"] = {{"value", 1}, {"source", "derived"}}; },
       {"\"dsp\"", "\"note\"", "derived"}},
      {"unknown_without_a_note",
       [](Json& b) { memory(b)["sustained_gb_s"] = {{"value", nullptr}}; },
       {"\"sustained_gb_s\"", "\"note\"", "not known"}},
      {"unknown_where_it_is_needed",
       [](Json& b) { b["resources"]["dsp"] = {{"value", nullptr}, {"note", "who knows"}}; },
       {"\"dsp\"", "null"}},
      {"value_is_text",
       [](Json& b) { b["resources"]["lut"]["value"] = "many"; },
       {"\"lut\"", "\"value\"", "many", "number"}},
      {"value_is_negative",
       [](Json& b) { b["resources"]["lut"]["value"] = -5; },
       {"\"lut\"", "-5", "from 0"}},
      {"value_is_broken",
       [](Json& b) { b["resources"]["dsp"]["value"] = 2.5; },
       {"\"dsp\"", "2.5", "whole number"}},
      {"value_is_huge",
       [](Json& b) { b["resources"]["dsp"]["value"] = 1e300; },
       {"\"dsp\"", "1e+300"}},
      {"unknown_key_of_a_figure",
       [](Json& b) { b["resources"]["dsp"]["unit"] = "pieces"; },
       {"\"dsp\"", "\"unit\"", "value, source, note"}},
      {"no_luts", [](Json& b) { b["resources"]["lut"]["value"] = 0; }, {"\"lut\"", "0"}},
      {"more_memory_than_luts",
       [](Json& b) { b["resources"]["lut_as_memory"]["value"] = 1e7; },
       {"\"lut_as_memory\"", "\"lut\""}},
      {"no_memories", [](Json& b) { b["memories"] = Json::array(); }, {"\"memories\"", "empty"}},
      {"memories_is_an_object",
       [](Json& b) { b["memories"] = Json::object(); },
       {"\"memories\"", "list"}},
      {"memory_twice",
       [](Json& b) { b["memories"].push_back(Json(memory(b))); },
       {"\"memories\"[1]", "\"name\""}},
      {"no_channels",
       [](Json& b) { memory(b)["channels"]["value"] = 0; },
       {"\"memories\"[0]", "\"channels\"", "from 1"}},
      {"zero_bandwidth",
       [](Json& b) { memory(b)["peak_gb_s"]["value"] = 0; },
       {"\"peak_gb_s\"", "GB/s"}},
      {"sustained_above_peak",
       [](Json& b) {
         memory(b)["sustained_gb_s"] = {{"value", 999}, {"source", "assumed"}, {"note", "x"}};
       },
       {"\"sustained_gb_s\"", "999", "peak"}},
      {"no_pcie_at_all", [](Json& b) { b.erase("pcie"); }, {"\"pcie\"", "null"}},
      {"pcie_is_text", [](Json& b) { b["pcie"] = "none"; }, {"\"pcie\"", "object"}},
      {"no_dsp_rules", [](Json& b) { b["dsp"]["products"] = Json::array(); }, {"\"products\""}},
      {"unknown_type",
       [](Json& b) { b["dsp"]["products"][0]["weights"] = "int7"; },
       {"\"weights\"", "\"int7\"", "int8"}},
      {"rule_twice",
       [](Json& b) { b["dsp"]["products"].push_back(Json(b["dsp"]["products"][0])); },
       {"\"weights\"", "second time"}},
      {"clock_is_negative",
       [](Json& b) { b["clock_mhz"]["value"] = -300; },
       {"\"clock_mhz\"", "-300", "MHz"}},
      {"clock_too_fast_for_its_dsps",
       [](Json& b) { b["clock_mhz"]["value"] = 500; },
       {"\"clock_mhz\"", "500", "pumping"}},
  };
}

INSTANTIATE_TEST_SUITE_P(File, BoardMistakeTest, testing::ValuesIn(mistakes()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace heddle

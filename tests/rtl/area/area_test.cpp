// The area of every primitive of rtl/, as a Markdown table; DSPs and memories are those expected.
#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "cost/synthesis.h"
#include "kernel/codegen/rtl/primitives.h"

namespace heddle::cost {
namespace {

struct Case {
  std::string primitive;
  std::map<std::string, std::string> parameters;
  double dsp;
  double bram36;
  double uram;
};

/// 1,024 words of 16 bits, all different.
std::string rom_contents() {
  std::string text = "16384'h";
  for (unsigned i = 0; i < 1024; ++i) text += fmt::format("{:04x}", i * 40503U & 65535U);
  return text;
}

std::vector<Case> cases() {
  return {
      {"packed_cascade", {}, 8, 0, 0},
      {"packed_dot", {}, 8, 0, 0},
      {"packed_dot", {{"A_SKEWED", "1"}, {"W_SKEWED", "1"}}, 8, 0, 0},
      {"packed_dot_tree", {{"DEPTH", "64"}}, 64, 0, 0},
      {"packed_mac", {}, 8, 0, 0},
      {"packed_mac", {{"A_SKEWED", "1"}, {"W_SKEWED", "1"}}, 8, 0, 0},
      {"mul_add", {{"LATENCY", "2"}}, 1, 0, 0},
      {"mul_add", {{"LATENCY", "4"}}, 1, 0, 0},
      {"multiply", {}, 1, 0, 0},
      {"multiply",
       {{"A_WIDTH", "32"}, {"B_WIDTH", "32"}, {"P_WIDTH", "64"}, {"LATENCY", "4"}},
       4,
       0,
       0},
      {"divide", {}, 0, 0, 0},
      {"skew", {}, 0, 0, 0},
      {"delay_line", {{"WIDTH", "8"}, {"LATENCY", "16"}}, 0, 0, 0},
      {"ram_sdp", {{"WIDTH", "72"}, {"DEPTH", "512"}}, 0, 1, 0},
      {"ram_sdp", {{"WIDTH", "64"}, {"DEPTH", "4096"}, {"WE_WIDTH", "8"}}, 0, 8, 0},
      {"ram_sdp", {{"WIDTH", "72"}, {"DEPTH", "4096"}, {"STYLE", "\"ultra\""}}, 0, 0, 1},
      {"ram_sdp", {{"WIDTH", "32"}, {"DEPTH", "64"}, {"STYLE", "\"distributed\""}}, 0, 0, 0},
      {"ram_sdp", {{"WIDTH", "32"}, {"DEPTH", "16"}, {"STYLE", "\"registers\""}}, 0, 0, 0},
      {"ram_tdp", {{"WIDTH", "36"}, {"DEPTH", "1024"}}, 0, 1, 0},
      {"rom", {{"WIDTH", "16"}, {"DEPTH", "1024"}, {"INIT", rom_contents()}}, 0, 0.5, 0},
      {"fifo", {{"WIDTH", "32"}, {"DEPTH", "16"}}, 0, 0, 0},
      {"fifo", {{"WIDTH", "32"}, {"DEPTH", "1024"}, {"STYLE", "\"block\""}}, 0, 1, 0},
      {"skid_buffer", {}, 0, 0, 0},
      {"axi_read", {{"WORD_WIDTH", "32"}, {"DATA_WIDTH", "512"}}, 0, 0, 0},
      {"axi_read", {{"WORD_WIDTH", "512"}, {"DATA_WIDTH", "512"}}, 0, 0, 0},
      {"axi_write", {{"WORD_WIDTH", "32"}, {"DATA_WIDTH", "512"}}, 0, 0, 0},
      {"axi_write", {{"WORD_WIDTH", "512"}, {"DATA_WIDTH", "512"}}, 0, 0, 0},
      {"axi_read_words", {}, 0, 0, 0},
      {"axi_read_words", {{"WORD_WIDTH", "512"}, {"DATA_WIDTH", "512"}}, 0, 0, 0},
      {"axi_write_words", {}, 0, 0, 0},
      {"axi_write_words", {{"WORD_WIDTH", "512"}, {"LANES", "64"}, {"DATA_WIDTH", "512"}}, 0, 0, 0},
      {"axi_lite_control", {}, 0, 0, 0},
      {"fp32_add", {}, 0, 0, 0},
      {"fp32_mul", {}, 2, 0, 0},
      {"fp32_div", {}, 0, 0, 0},
      {"fp32_sqrt", {}, 0, 0, 0},
      {"fp32_integral", {}, 0, 0, 0},
      {"fp32_to_bf16", {}, 0, 0, 0},
      {"fp32_to_fixed", {}, 0, 0, 0},
      {"fixed_to_fp32", {}, 0, 0, 0},
  };
}

/// Parts of others, with no area of their own.
const std::set<std::string> kInner = {"dsp48e2_model", "axi_bursts",  "axi_merge",
                                      "normalise",     "fp32_unpack", "fp32_round"};

TEST(PrimitiveArea, IsAsExpected) {
  std::map<std::string, std::string> files;
  std::set<std::string> missing;
  for (const auto& [name, text] : kernel::rtl::primitives()) {
    if (!kInner.contains(name)) missing.insert(name);
    files[name + ".sv"] = text;
  }
  std::printf(
      "| primitive | parameters | LUT | as memory | FF | CARRY8 | DSP | BRAM36 | URAM |\n"
      "|---|---|---|---|---|---|---|---|---|\n");
  for (const Case& expected : cases()) {
    missing.erase(expected.primitive);
    const Resources area = total_of(
        synthesise(files, expected.primitive, {.parameters = expected.parameters, .cache = {}}));
    std::string parameters;
    for (const auto& [name, value] : expected.parameters) {
      if (value.size() > 20) continue;
      parameters += fmt::format("{}{}={}", parameters.empty() ? "" : ", ", name, value);
    }
    std::string line = fmt::format("| `{}` | {} |", expected.primitive, parameters);
    for (const Resource resource : kResources) line += fmt::format(" {} |", area[resource]);
    std::printf("%s\n", line.c_str());
    EXPECT_EQ(area[Resource::kDsp], expected.dsp) << line;
    EXPECT_EQ(area[Resource::kBram36], expected.bram36) << line;
    EXPECT_EQ(area[Resource::kUram], expected.uram) << line;
  }
  for (const std::string& name : missing) ADD_FAILURE() << name << " is not synthesised here";
}

}  // namespace
}  // namespace heddle::cost

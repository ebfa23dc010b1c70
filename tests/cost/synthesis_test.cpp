#include "cost/synthesis.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "kernel/codegen/rtl/emit.h"
#include "kernel/codegen/rtl/module_text.h"
#include "kernel/library/library.h"
#include "kernel/schedule/schedule.h"
#include "kernel/text.h"
#include "support/scratch.h"

namespace heddle::cost {
namespace {

/// A register of W bits, behind an inverter or not.
const std::string kStage =
    "module stage #(parameter int W = 8) (\n"
    "  input logic clk,\n  input logic [W-1:0] a,\n  output logic [W-1:0] q\n);\n"
    "  always_ff @(posedge clk) q <= a;\nendmodule\n";
/// Two stages, and an adder of its own.
const std::string kPair =
    "module pair (\n"
    "  input logic clk,\n  input logic [7:0] a,\n  input logic [7:0] b,\n"
    "  output logic [7:0] q\n);\n"
    "  logic [7:0] x;\n  logic [7:0] y;\n"
    "  stage first (.clk, .a, .q(x));\n"
    "  stage second (.clk, .a(b), .q(y));  // not a pair\n"
    "  always_ff @(posedge clk) q <= x + y;\nendmodule\n";

Resources counts(double lut, double memory, double ff, double carry, double dsp) {
  using enum Resource;
  Resources result;
  result[kLut] = lut;
  result[kLutAsMemory] = memory;
  result[kFf] = ff;
  result[kCarry8] = carry;
  result[kDsp] = dsp;
  return result;
}

TEST(Synthesis, CountsEachModuleAndItsInstances) {
  const Scratch scratch;
  const std::vector<ModuleArea> modules =
      synthesise({{"pair.sv", kPair}, {"stage.sv", kStage}, {"note.txt", "no module"}}, "pair",
                 {.parameters = {}, .cache = scratch.path()});
  ASSERT_EQ(modules.size(), 2U);
  EXPECT_EQ(modules[0].module, "pair");
  EXPECT_EQ(modules[0].instances, 1);
  EXPECT_EQ(modules[0].each, counts(8, 0, 8, 1, 0));
  EXPECT_EQ(modules[1].module, "stage");
  EXPECT_EQ(modules[1].instances, 2);
  EXPECT_EQ(modules[1].each, counts(0, 0, 8, 0, 0));
  EXPECT_EQ(total_of(modules), counts(8, 0, 24, 1, 0));
}

TEST(Synthesis, OnlyWhatChangedIsDoneAgain) {
  const Scratch scratch;
  const SynthesisOptions options{.parameters = {}, .cache = scratch.path()};
  const auto run = [&](const std::string& pair) {
    return synthesise({{"pair.sv", pair}, {"stage.sv", kStage}}, "pair", options);
  };
  for (const ModuleArea& module : run(kPair)) EXPECT_FALSE(module.cached);
  const std::vector<ModuleArea> again = run(kPair);
  for (const ModuleArea& module : again) EXPECT_TRUE(module.cached) << module.module;
  std::string subtracts = kPair;
  subtracts.replace(subtracts.find("x + y"), 5, "x - y");
  const std::vector<ModuleArea> changed = run(subtracts);
  EXPECT_FALSE(changed[0].cached);
  EXPECT_TRUE(changed[1].cached);
  EXPECT_EQ(changed[1].each, again[1].each);
}

TEST(Synthesis, ADamagedResultIsMadeAgain) {
  const Scratch scratch;
  const SynthesisOptions options{.parameters = {}, .cache = scratch.path()};
  const std::vector<ModuleArea> first = synthesise({{"stage.sv", kStage}}, "stage", options);
  ASSERT_EQ(scratch.list().size(), 1U) << "a result, and nothing temporary";
  scratch.put(scratch.list().front(), "{\"FDRE\": ");
  const std::vector<ModuleArea> second = synthesise({{"stage.sv", kStage}}, "stage", options);
  EXPECT_FALSE(second[0].cached);
  EXPECT_EQ(second[0].each, first[0].each);
}

TEST(Synthesis, TakesParametersAndFoldersOfAnyName) {
  const Scratch scratch;
  const std::vector<ModuleArea> modules =
      synthesise({{"stage.sv", kStage}}, "stage",
                 {.parameters = {{"W", "21"}}, .cache = scratch / "it's a \"folder\""});
  EXPECT_EQ(modules[0].each, counts(0, 0, 21, 0, 0));
}

TEST(Synthesis, SaysWhatYosysDoesNotTake) {
  const Scratch scratch;
  try {
    synthesise({{"stage.sv", "module stage (input logic a)\nendmodule\n"}}, "stage",
               {.parameters = {}, .cache = scratch.path()});
    FAIL();
  } catch (const InternalError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("module stage"), std::string::npos) << message;
    EXPECT_NE(message.find("stage.sv:2"), std::string::npos) << message;
  }
  EXPECT_TRUE(scratch.list().empty());
}

std::vector<ModuleArea> core_area(const kernel::KernelPtr& kernel) {
  std::vector<ModuleArea> modules = synthesise(
      kernel::core_sources(kernel::rtl::make_design(kernel, {})), kernel::rtl::core_name(*kernel));
  for (const ModuleArea& module : modules) {
    std::printf("  %s %s\n", module.module.c_str(), to_json(module.each).dump().c_str());
  }
  return modules;
}

// A kernel may be called what some signal of a primitive is.
TEST(Synthesis, TellsModulesFromSignals) {
  const kernel::KernelPtr kernel = kernel::parse_kernel(
      "kernel data(ce: in int<8>[4], y: out int<8>[4]) {\n"
      "  for i in 0..4 {\n    y[i] = ce[i]\n  }\n}\n",
      "test");
  const std::vector<ModuleArea> modules =
      synthesise(kernel::axi_sources(kernel::rtl::make_design(kernel, {})), "data");
  ASSERT_EQ(modules.size(), 2U);
  EXPECT_EQ(modules[0].module, "data");
  EXPECT_EQ(modules[1].module, "data_core");
  EXPECT_GT(modules[0].each[Resource::kFf], 0);
}

// Yosys' own counts for the text that is emitted today; a change of either is to be looked at, and
// then written here.
TEST(Synthesis, ASmallKernelTakesWhatItTook) {
  const std::vector<ModuleArea> modules = core_area(
      kernel::parse_kernel("kernel scaled(s: int<8>, a: in int<8>[64], c: out int<16>[64]) {\n"
                           "  for i in 0..64 {\n    c[i] = a[i] * s\n  }\n}\n",
                           "test"));
  ASSERT_EQ(modules.size(), 1U);
  EXPECT_EQ(modules[0].each, counts(337, 18, 287, 5, 1));
}

TEST(Synthesis, AnArraysProcessesAreCountedOneByOne) {
  const std::filesystem::path arrays = "examples/arrays";
  const kernel::Schedule linear = kernel::replay(
      kernel::parse_kernel(read_file(arrays / "linear_32.kernel"), "linear_32.kernel"),
      read_file(arrays / "linear_32.schedule"), "linear_32.schedule", kernel::instructions());
  const std::vector<ModuleArea> modules = core_area(linear.kernel());
  std::vector<std::string> names;
  for (const ModuleArea& module : modules) {
    names.push_back(module.module);
    EXPECT_EQ(module.instances, 1);
    // 16 multiply-adds a cycle, two to a DSP, all of them in one process.
    const bool multiplies = module.module == "linear_32_core_multiply";
    EXPECT_EQ(module.each[Resource::kDsp], multiplies ? 8 : 0) << module.module;
    EXPECT_EQ(module.each[Resource::kBram36], 0) << module.module;
    EXPECT_EQ(module.each[Resource::kUram], 0) << module.module;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"linear_32_core", "linear_32_core_multiply",
                                             "linear_32_core_read_weight", "linear_32_core_read_x",
                                             "linear_32_core_write_y"}));
  EXPECT_EQ(total_of(modules), counts(852, 274, 1482, 33, 8));
}

}  // namespace
}  // namespace heddle::cost

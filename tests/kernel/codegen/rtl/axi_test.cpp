// Kernels with their AXI ports and control registers: simulated as a device has them, and packaged.
#include <gtest/gtest.h>

#include <memory>
#include <regex>
#include <sstream>

#include "base/file.h"
#include "kernel/codegen/rtl/axi_text.h"
#include "kernel/codegen/rtl/emit.h"
#include "kernel/codegen/tool.h"
#include "kernel/interpret.h"
#include "kernel/library/library.h"
#include "kernel/schedule/schedule.h"
#include "kernel/sim/axi_simulation.h"
#include "kernel/text.h"
#include "support/scratch.h"
#include "support/user_error.h"

namespace heddle::kernel {
namespace {

// Scalars of several widths between the arrays; words of which only some elements are written.
const char* const kWide =
    R"(kernel wide(n: index, a: in int<8>[n, 64], shift: uint<4>, b: out int<32>[n, 64],
    offset: int<24>, c: inout int<16,wrap>[n, 64], flag: bool, d: inout int<8,wrap>[n]) {
  for i in 0..n {
    for j in 0..64 {
      b[i, j] = a[i, j] * 3 + offset
    }
  }
  for x in 0..n {
    for y in 0..64 {
      if a[x, y] > 0 {
        c[x, y] += int<16,wrap>(a[x, y]) + int<16,wrap>(shift)
      }
    }
  }
  if flag {
    for z in 1..n { d[z] += d[z - 1] }
  }
})";

const char* const kWords = "pack a 16\npack b 16\npack c 16\nunroll j 16\nunroll y 16\n";

/// The arguments of kWide, with inputs that count.
class WideArguments {
 public:
  explicit WideArguments(std::int64_t rows) {
    add(index_type(), rows);
    array(int_type(8), {rows, 64}, 37);
    add(uint_type(4), 11);
    array(int_type(32), {rows, 64}, 0);
    add(int_type(24), -1'234'567);
    array(int_type(16, Overflow::kWrap), {rows, 64}, 1009);
    add(bool_type(), 1);
    array(int_type(8, Overflow::kWrap), {rows}, 5);
  }
  [[nodiscard]] const std::vector<Argument>& get() const { return arguments_; }
  [[nodiscard]] bool operator==(const WideArguments& other) const {
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      if (!(*buffers_[i] == *other.buffers_[i])) return false;
    }
    return true;
  }

 private:
  void add(const Type& type, std::int64_t value) {
    arguments_.emplace_back(Scalar{type, value, 0});
  }
  void array(const Type& type, std::vector<std::int64_t> shape, std::int64_t step) {
    buffers_.push_back(std::make_unique<Buffer>(type, std::move(shape)));
    const std::int64_t most = std::int64_t{1} << (type.bits() - 1);
    for (std::int64_t i = 0; i < buffers_.back()->size(); ++i) {
      buffers_.back()->set(i, Scalar{type, i * step % (2 * most) - (step == 0 ? 0 : most), 0});
    }
    arguments_.emplace_back(buffers_.back().get());
  }

  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::vector<Argument> arguments_;
};

std::uint64_t stalled(const AxiReport& report, const std::string& cause) {
  for (const StallReport& stall : report.stalls) {
    if (stall.cause == cause) return stall.cycles;
  }
  ADD_FAILURE() << "nothing is known of " << cause;
  return 0;
}

const AxiPortReport& port_of(const AxiReport& report, const std::string& array) {
  for (const AxiPortReport& port : report.ports) {
    if (port.array == array) return port;
  }
  throw std::logic_error("no port " + array);
}

KernelPtr wide_kernel() {
  return parse_kernel(kWide, "test");
}
KernelPtr wide_words() {
  return replay(wide_kernel(), kWords, "test").kernel();
}

/// Results are the interpreter's, and every cycle beyond the formula is one in which the core
/// stood still.
TEST(RtlAxi, GivesTheInterpretersBits) {
  constexpr std::int64_t kRows = 7;
  WideArguments expected(kRows);
  interpret(*wide_kernel(), expected.get());
  for (const KernelPtr& kernel : {wide_kernel(), wide_words()}) {
    const AxiSimulation simulation(kernel, {});
    for (const double stall : {0.0, 0.4}) {
      for (const int latency : {1, 30, 200}) {
        const WideArguments found(kRows);
        const AxiReport report = simulation.run(
            found.get(), {.read_latency = latency, .write_latency = latency, .stall = stall},
            1'000'000);
        const std::int64_t formula = report.formula.value_or(-1);
        EXPECT_TRUE(found == expected) << "latency " << latency << ", stall " << stall;
        EXPECT_EQ(report.cycles, static_cast<std::uint64_t>(formula) + stalled(report, "all"));
        fmt::print("latency {:>3}, stall {}: {} cycles, formula {}\n", latency, stall,
                   report.cycles, formula);
      }
    }
  }
}

/// Words are as wide as the bus, so their bytes cross it once.
TEST(RtlAxi, MovesWordsInBursts) {
  constexpr std::int64_t kRows = 40;
  const AxiSimulation simulation(wide_words(), {});
  const WideArguments arguments(kRows);
  const AxiReport report =
      simulation.run(arguments.get(), {.read_latency = 30, .write_latency = 30}, 1'000'000);
  const auto bytes = [&](const char* array, bool written) {
    const AxiPortReport& port = port_of(report, array);
    return port.bus_bytes * (written ? port.counts.write_beats : port.counts.read_beats);
  };
  EXPECT_EQ(port_of(report, "a").bus_bytes, 16);
  EXPECT_EQ(port_of(report, "b").bus_bytes, 64);
  EXPECT_EQ(port_of(report, "d").bus_bytes, 4);
  // For b, for the condition, and for where it holds: somewhere in every word.
  EXPECT_EQ(bytes("a", false), 3 * kRows * 64);
  EXPECT_EQ(bytes("a", true), 0);
  EXPECT_EQ(bytes("b", false), 0);
  EXPECT_EQ(bytes("b", true), 4 * kRows * 64);
  EXPECT_LE(port_of(report, "b").counts.write_bursts, 4 * kRows / 10);
  EXPECT_EQ(stalled(report, "a: no data"), 0U);
  // A slow memory shows where it is waited for.
  const WideArguments again(kRows);
  const AxiReport slow = simulation.run(
      again.get(), {.read_latency = 30, .write_latency = 30, .bytes_per_cycle = 8}, 1'000'000);
  EXPECT_GE(slow.cycles, static_cast<std::uint64_t>(4 * kRows * 64 / 8));
  EXPECT_GT(stalled(slow, "b: no room for a write"), 0U);
}

/// Whoever reads and writes in bursts waits for memory once, not in every cycle.
TEST(RtlAxi, TakesTheFormulasCyclesAtFullBandwidth) {
  const std::filesystem::path arrays = "examples/arrays";
  std::string text = read_file(arrays / "linear_32.kernel");
  const auto replace = [&](const char* what, const char* by) {
    text = std::regex_replace(text, std::regex(what), by);
  };
  replace(R"(x: in int<8>\[8,)", "x: in int<8>[512,");
  replace(R"(y: out int<32>\[8,)", "y: out int<32>[512,");
  replace(R"(for (t\d) in 0\.\.2)", "for $1 in 0..128");
  const KernelPtr kernel =
      replay(parse_kernel(text, "linear_32.kernel"), read_file(arrays / "linear_32.schedule"),
             "linear_32.schedule", instructions())
          .kernel();
  Buffer x(int_type(8), {512, 16});
  Buffer weight(int_type(8), {8, 16});
  for (std::int64_t i = 0; i < x.size(); ++i) x.set(i, Scalar{int_type(8), i * 37 % 255 - 127, 0});
  for (std::int64_t i = 0; i < weight.size(); ++i) {
    weight.set(i, Scalar{int_type(8), i * 101 % 255 - 127, 0});
  }
  Buffer expected(int_type(32), {512, 8});
  interpret(*kernel, std::vector<Argument>{&x, &weight, &expected});
  const AxiSimulation simulation(kernel, {});
  // 64 cycles are 213 ns at 300 MHz: more than HBM takes (boards/u280.json).
  for (const int latency : {1, 64}) {
    Buffer found(int_type(32), {512, 8});
    const AxiReport report =
        simulation.run(std::vector<Argument>{&x, &weight, &found},
                       {.read_latency = latency, .write_latency = latency}, 1'000'000);
    EXPECT_TRUE(found == expected) << "latency " << latency;
    const auto formula = static_cast<double>(report.formula.value());
    EXPECT_LE(static_cast<double>(report.cycles), 1.03 * formula) << "latency " << latency;
    fmt::print("latency {:>3}: {} cycles, formula {}\n", latency, report.cycles, formula);
  }
}

TEST(RtlAxi, AGemmOf4096MultipliersIsReadable) {
  const std::filesystem::path arrays = "examples/arrays";
  const KernelPtr kernel =
      replay(parse_kernel(read_file(arrays / "linear_4096.kernel"), "linear_4096.kernel"),
             read_file(arrays / "linear_4096.schedule"), "linear_4096.schedule", instructions())
          .kernel();
  std::size_t lines = 0;
  for (const auto& [name, text] : axi_sources(rtl::make_design(kernel, {}))) {
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line); ++lines) {
      EXPECT_LE(line.size(), 120U) << name << ": " << line;
    }
  }
  EXPECT_LE(lines, 1500U);
}

TEST(RtlAxi, ModulesHaveNoLint) {
  const Scratch scratch;
  std::vector<std::string> command = {find_program("verilator"), "--lint-only", "-Wall",
                                      "--top-module", "wide"};
  for (const auto& [name, text] : axi_sources(rtl::make_design(wide_words(), {}))) {
    write_file(scratch.path() / name, text);
    command.push_back((scratch.path() / name).string());
  }
  const ProgramEnd end = run_program(command, scratch.path());
  EXPECT_EQ(end.status, 0) << end.said;
}

struct Described {
  std::string name, port;
  int offset = 0, bytes = 0;
};

/// The arguments that kernel.xml names, with its attributes in any order.
std::vector<Described> described(const std::string& xml) {
  std::vector<Described> list;
  const std::regex element(R"(<arg\s([^>]*)/>)");
  for (std::sregex_iterator arg(xml.begin(), xml.end(), element), end; arg != end; ++arg) {
    const std::string attributes = (*arg)[1];
    const auto value = [&](const std::string& name) {
      std::smatch match;
      const bool found =
          std::regex_search(attributes, match, std::regex("\\b" + name + "=\"([^\"]*)\""));
      EXPECT_TRUE(found) << name << " of " << attributes;
      return found ? match[1].str() : "0";
    };
    list.push_back({value("name"), value("port"), std::stoi(value("offset"), nullptr, 0),
                    std::stoi(value("size"), nullptr, 0)});
    EXPECT_EQ(value("id"), std::to_string(list.size() - 1));
    EXPECT_EQ(value("addressQualifier"), list.back().port == "s_axi_control" ? "0" : "1");
  }
  return list;
}

/// What is described is what the simulation above writes its arguments to.
TEST(RtlAxi, DescribesTheRegisters) {
  const rtl::Design design = rtl::make_design(wide_words(), {});
  const std::vector<Described> arguments = described(rtl_files(design).at("kernel.xml"));
  const std::vector<rtl::ControlArgument> registers = rtl::control_arguments(design);
  ASSERT_EQ(arguments.size(), registers.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    EXPECT_EQ(arguments[i].name, name_of(design.kernel->parameters[i]));
    EXPECT_EQ(arguments[i].offset, registers[i].offset);
    EXPECT_EQ(8 * arguments[i].bytes, registers[i].bits);
    EXPECT_EQ(arguments[i].port,
              registers[i].memory == nullptr ? "s_axi_control" : "m_axi_" + registers[i].name);
  }
}

/// The script runs from its first command to its last, with every command of Vivado written down.
TEST(RtlAxi, PackagesTheRegisters) {
  const std::string tcl = find_program("tclsh");
  if (tcl.empty()) GTEST_SKIP() << "there is no tclsh";
  const Scratch scratch;
  const rtl::Design design = rtl::make_design(wide_words(), {});
  const auto files = rtl_files(design);
  for (const auto& [name, text] : files) write_file(scratch.path() / name, text);
  write_file(scratch.path() / "run.tcl",
             "proc unknown args { puts $args; return [join $args _] }\n"
             "source [file join [file dirname [info script]] package.tcl]\n");
  const ProgramEnd end = run_program({tcl, (scratch.path() / "run.tcl").string()}, scratch.path());
  EXPECT_EQ(end.status, 0) << end.said;
  for (const Described& argument : described(files.at("kernel.xml"))) {
    const std::string record = fmt::format("ipx::add_register_{}_", argument.name);
    EXPECT_TRUE(std::regex_search(
        end.said, std::regex(fmt::format("set_property address_offset 0x0*{:x} {}", argument.offset,
                                         record))))
        << argument.name;
    const bool is_array = argument.port != "s_axi_control";
    const std::string associated =
        fmt::format("set_property value {} ipx::add_register_parameter_ASSOCIATED_BUSIF_{}",
                    argument.port, record);
    EXPECT_EQ(end.said.find(associated) != std::string::npos, is_array);
  }
  EXPECT_NE(end.said.find("wide_core.sv"), std::string::npos);
  EXPECT_NE(end.said.find("package_xo"), std::string::npos);
}

TEST(RtlAxi, RefusesWhatHasNoModule) {
  const auto refuse = [](const std::string& text) {
    const rtl::Design design = rtl::make_design(parse_kernel(text, "test"), {});
    return user_error([&] { rtl_files(design); });
  };
  expect_parts(refuse("kernel fifo(a: out int<8>[4]) {\n  a[0] = 1\n}"),
               {"fifo is the name of a hardware module", "another name"});
  expect_parts(refuse("kernel nothing() {\n  var a: int<8>\n  a = 1\n}"),
               {"nothing has no arguments"});
}

}  // namespace
}  // namespace heddle::kernel

// Kernels as RTL, simulated: the interpreter's bits, the formula's cycles, with memory that keeps
// its time and with memory that does not.
#include <gtest/gtest.h>

#include <memory>

#include "base/file.h"
#include "base/random.h"
#include "kernel/codegen/rtl/cycles.h"
#include "kernel/codegen/rtl/emit.h"
#include "kernel/codegen/tool.h"
#include "kernel/interpret.h"
#include "kernel/library/library.h"
#include "kernel/library/tiles.h"
#include "kernel/schedule/schedule.h"
#include "kernel/sim/simulation.h"
#include "kernel/text.h"
#include "support/scratch.h"
#include "support/user_error.h"

namespace heddle::kernel {
namespace {

rtl::Target quick_target() {
  rtl::Target target;
  target.memory_read = 6;
  target.memory_write = 5;
  return target;
}

/// A kernel and the scalars it is launched with; 5 for those that are not named.
struct Launch {
  KernelPtr kernel;
  std::map<std::string, std::int64_t> scalars;
};

class Arrays {
 public:
  Arrays(const Launch& launch, std::uint64_t seed) {
    const Kernel& kernel = *launch.kernel;
    for (const Parameter& parameter : kernel.parameters) {
      const auto* scalar = std::get_if<ScalarParameter>(&parameter);
      if (scalar == nullptr) {
        arguments_.emplace_back(static_cast<Buffer*>(nullptr));
      } else {
        const auto given = launch.scalars.find(scalar->name);
        const std::int64_t value = given == launch.scalars.end() ? 5 : given->second;
        arguments_.emplace_back(Scalar{scalar->type, value, 0.125F * static_cast<float>(value)});
      }
    }
    const auto shapes = argument_shapes(kernel, arguments_);
    std::size_t next = 0;
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      const auto* array = std::get_if<ArrayParameter>(&kernel.parameters[i]);
      if (array == nullptr) continue;
      const Type& element = array->array.element;
      auto buffer = std::make_unique<Buffer>(element, shapes[next++]);
      const RandomStream random(seed, array->array.name);
      const auto [low, high] = input_range(element);
      const Int128 least = std::max<Int128>(low, -1000);
      const Int128 most = std::min<Int128>(high, 1000);
      for (std::int64_t e = 0; e < buffer->size() && array->direction != Direction::kOut; ++e) {
        if (element.is_float()) {
          buffer->set(e, random.uniform(static_cast<std::uint64_t>(e)) * 8 - 4);
          continue;
        }
        const Int128 raw =
            least + static_cast<Int128>(random.word(static_cast<std::uint64_t>(e)) %
                                        static_cast<std::uint64_t>(most - least + 1));
        buffer->set(e, Scalar{element, raw, 0});
      }
      arguments_[i] = buffer.get();
      buffers_.push_back(std::move(buffer));
    }
  }

  [[nodiscard]] const std::vector<Argument>& arguments() const { return arguments_; }
  [[nodiscard]] bool operator==(const Arrays& other) const {
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      if (!(*buffers_[i] == *other.buffers_[i])) return false;
    }
    return true;
  }

 private:
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::vector<Argument> arguments_;
};

KernelPtr text_kernel(const std::string& text) {
  return parse_kernel(text, "test");
}

KernelPtr library_kernel(const std::string& name, const std::map<std::string, std::string>& given) {
  const LibraryKernel& entry = find_library_kernel(name);
  return entry.make(LibraryArguments(name, entry.parameters, given));
}

/// All in one model: building it is what takes time. `optimise` as in SimulationOptions.
void simulate(const std::vector<Launch>& launches, bool optimise = false) {
  std::vector<KernelPtr> kernels;
  kernels.reserve(launches.size());
  for (const Launch& launch : launches) kernels.push_back(launch.kernel);
  SimulationOptions options;
  options.target = quick_target();
  options.optimise = optimise;
  const Simulation simulation(kernels, options);
  for (std::size_t n = 0; n < launches.size(); ++n) {
    SCOPED_TRACE(to_text(*kernels[n]));
    const Arrays expected(launches[n], 7);
    interpret(*kernels[n], expected.arguments());
    for (const int stalls : {0, 40, 150}) {
      const Arrays found(launches[n], 7);
      MemoryModel memory;
      memory.stalls = stalls;
      memory.cycle_limit = 20'000'000;
      const SimulationReport report = simulation.run(found.arguments(), n, memory);
      EXPECT_TRUE(found == expected) << "stalls " << stalls;
      EXPECT_EQ(report.expected.value_or(report.cycles), report.cycles);
      fmt::print("{:<16} stalls {:>3}: {:>7} cycles, formula {}\n", kernels[n]->name, stalls,
                 report.cycles, report.formula ? std::to_string(*report.formula) : "-");
    }
  }
}

const char* const kTriangle = R"(kernel triangle(n: index, a: inout int<32,wrap>[n, n]) {
  for i in 1..n {
    for j in 0..i {
      a[i, j] += a[i - 1, j] * a[j, i]
    }
  }
})";

const char* const kChoices =
    R"(kernel choices(n: index, s: in uint<3>[8], a: inout int<16,wrap>[8]) {
  for i in 0..n {
    if s[i] > 3 {
      for j in 0..index(s[i]) { a[j] += 1 }
    } else {
      a[i] = a[7 - i] / (int<16>(s[i]) + 1) - a[i] % 5
    }
  }
})";

const char* const kTiles = R"(kernel tiles(a: in int<8>[6, 7], b: out int<32>[6, 7]) {
  table weights: int<8>[7] = {1, -2, 3, -4, 5, -6, 127}
  var tile: int<8>[6, 7] @bram
  var total: int<32,wrap>[7] @register
  for i in 0..6 { for j in 0..7 { tile[i, j] = a[i, j] } }
  for z in 0..7 { total[z] = 0 }
  for r in 0..6 {
    for c in 0..7 pipeline(1) {
      total[c] += tile[5 - r, c] * weights[c]
      b[r, c] = total[c]
    }
  }
})";

const char* const kEmpty = R"(kernel empty(n: index, a: inout int<8,wrap>[4]) {
  for i in 0..n { for j in 2..2 { a[i] += 1 } }
  for k in 0..n { a[k] = a[k] + 1 }
})";

/// Dividends and divisors of either sign, in registers and as literals; a scalar that an iteration
/// writes under a condition, and only reads under it.
const char* const kDivisions =
    R"(kernel divisions(x: in int<12>[40], y: out int<16>[7, 40], z: inout int<16>[40]) {
  for i in 0..40 {
    var d: int<12>
    d = x[i] | 1
    y[0, i] = int<12>(1000) / d
    y[1, i] = int<12>(-1000) / d
    y[2, i] = int<12>(-1000) % d
    y[3, i] = x[i] / int<8>(-7)
    y[4, i] = x[i] % uint<8>(7)
    y[5, i] = uint<11>(2000) / (uint<8>(d & 127) + 1)
    y[6, i] = d / (d + 2000)
    if i % 3 > 0 {
      var q: int<16>
      q = d * 3
      z[i] = q + 1
    }
  }
})";

/// Registers chosen by a number that has a sign; lanes that step over the banks, two at a time;
/// bits of a lane's value.
const char* const kChosen =
    R"(kernel chosen(c: in uint<2>[21], x: in int<12>[6, 8] lanes(8), counts: out int<32>[5], y: out int<12>[6, 8]) {
  var number: int<32>[21] @bram
  var count: int<32>[5] @register
  var kept: int<12>[8, 6] @bram partition(complete, none)
  for z in 0..5 { count[z] = 0 }
  for q in 0..21 { number[q] = int<32>(c[q]) }
  for t in 0..21 { count[index(number[t]) + 1] += 1 }
  for o in 0..5 { counts[o] = count[o] }
  for n in 0..6 {
    var row: int<12>[8] @register
    for g in 0..4 pipeline(1) {
      if g == 0 {
        for d in 0..8 unroll { row[d] = x[n, d] }
      }
      for l in 0..2 unroll { kept[g * 2 + l, n] = int<12>((row[g * 2 + l] * 5 + 3) >> 3) }
    }
  }
  for i in 0..6 { for j in 0..8 { y[i, j] = kept[j, i] } }
})";

TEST(Rtl, GivesTheInterpretersBitsInTheFormulasCycles) {
  simulate({{text_kernel(kTriangle), {{"n", 6}}},
            {text_kernel(kChoices), {{"n", 8}}},
            {text_kernel(kTiles), {}},
            {text_kernel(kChosen), {}},
            {text_kernel(kDivisions), {}},
            {text_kernel(kEmpty), {{"n", 0}}},
            {text_kernel(kEmpty), {{"n", 4}}}});
}

TEST(Rtl, RunsTheLibrarysIntegerKernels) {
  const std::map<std::string, std::string> matrix = {
      {"rows", "3"}, {"columns", "5"}, {"inner", "7"}, {"type", "int8"}};
  const std::map<std::string, std::string> flat = {
      {"rows", "3"}, {"columns", "5"}, {"type", "int8"}};
  simulate({{library_kernel("gemm", matrix), {}},
            {library_kernel("linear", matrix), {}},
            {library_kernel("gemv", {{"rows", "5"}, {"inner", "9"}, {"type", "int8"}}), {}},
            {library_kernel("relu", flat), {}},
            {library_kernel("residual", flat), {}},
            {library_kernel("requantise", {{"rows", "3"}, {"columns", "5"}}), {}}});
}

/// A split with a tail: lanes that choose among the same registers, some of them beyond the array.
const char* const kTail = R"(kernel tail(x: in int<8>[8], y: out int<16>[8]) {
  var between: int<16>[8]
  for i in 0..8 { between[i] = int<16>(x[i]) * int<16>(3) }
  var doubled: int<16>[8]
  for o in 0..2 {
    for k in 0..5 unroll {
      if o * 5 + k < 8 { doubled[o * 5 + k] = between[o * 5 + k] }
    }
  }
  for j in 0..8 { y[(j * 3) % 8] = doubled[j] }
})";

/// Operators that the library's kernels do not use, and conversions.
const char* const kFloats = R"(kernel floats(n: index, s: float32, x: in float32[16],
    f: in fixed<12,5>[16], y: out float32[16], z: out bfloat16[16], w: out int<9,saturate>[16],
    v: out fixed<20,11,nearest_even,wrap>[16], least: inout float32[1]) {
  for i in 0..n {
    y[i] = floor(x[i]) - round(x[i] * s) + abs(-x[i])
    z[i] = bfloat16(x[i] / (float32(f[i]) + 9.0))
    w[i] = int<9,saturate>(x[i] * 100.0)
    v[i] = fixed<20,11,nearest_even,wrap>(max(min(x[i], s), -s) + float32(i))
    if x[i] <= s && x[i] != 0.0 { least[0] = min(least[0], x[i]) }
  }
})";

TEST(Rtl, RunsFloats) {
  const std::map<std::string, std::string> flat = {{"rows", "2"}, {"columns", "3"}};
  const std::map<std::string, std::string> matrix = {
      {"rows", "3"}, {"columns", "5"}, {"inner", "4"}, {"type", "bfloat16"}};
  simulate({{text_kernel(kTail), {}},
            {text_kernel(kFloats), {{"n", 16}}},
            {library_kernel("gemm", matrix), {}},
            {library_kernel("softmax", flat), {}},
            {library_kernel("layer_norm", flat), {}},
            {library_kernel("gelu", flat), {}}});
}

/// Runs through the schedule's marks: unrolled and pipelined loops, staged tiles.
TEST(Rtl, RunsScheduledKernels) {
  Schedule unrolled(
      library_kernel("gemm", {{"rows", "4"}, {"columns", "6"}, {"inner", "8"}, {"type", "int8"}}));
  unrolled.stage("a", "i", Storage::kBram);
  unrolled.unroll("k", 4);
  Schedule pipelined(text_kernel(kTiles));
  pipelined.fuse("i", "j");
  simulate({{unrolled.kernel(), {}}, {pipelined.kernel(), {}}});
}

/// Lanes with values of their own, under conditions, in reductions of every kind; lanes that choose
/// their bank; words of several elements.
const char* const kLanes =
    R"(kernel lanes(a: in int<8>[4, 8] lanes(8), b: inout int<16,wrap>[4, 8] lanes(4), c: out int<8>[4, 3]) {
  var kept: int<8>[4, 8] @bram partition(none, complete)
  var total: int<20,wrap>[8] @register
  for z in 0..8 unroll { total[z] = z * 3 }
  for i in 0..4 {
    var least: int<8>
    var most: int<8>
    var count: int<8,wrap>
    least = 127
    most = -128
    count = 0
    for l in 0..8 unroll {
      var twice: int<9>
      twice = a[i, l] * 2
      kept[i, l] = a[3 - i, 7 - l]
      total[l] += twice * l
      least min= a[i, l]
      if a[i, l] > 3 {
        most max= a[i, l]
        count += 1
      }
    }
    c[i, 0] = least
    c[i, 1] = most
    c[i, 2] = count
  }
  for r in 0..4 {
    for m in 0..8 unroll {
      if (m + r) % 3 != 0 { b[r, m] += kept[3 - r, (m * 3 + 1) % 8] + total[m] }
    }
  }
})";

/// A tile of sums in registers, tiles of the operands in banks, products in trees or in DSPs.
Schedule tiled_product(bool is_packed) {
  Schedule s(
      library_kernel("gemm", {{"rows", "8"}, {"columns", "8"}, {"inner", "16"}, {"type", "int8"}}));
  s.tile("i", "j", 4, 4);
  s.stage("c", "j_o", Storage::kRegister);
  s.fission("j_i", "k");
  s.fission("i_i", "j_i_1");
  s.split("k", 8);
  if (is_packed) {
    s.split("j_i_1", 2);
    s.reorder({"k_o", "i_i_1", "j_i_1_o", "j_i_1_i", "k_i"});
  } else {
    s.reorder({"k_o", "i_i_1", "j_i_1", "k_i"});
  }
  s.stage("a", "i_o", Storage::kBram);
  s.stage("b", "i_o", Storage::kLutram);
  if (is_packed) s.replace("j_i_1_i", packed_dot(8, true));
  for (const char* loop : {"i_i", "j_i", "i_i_1"}) s.unroll(loop);
  s.unroll(is_packed ? "j_i_1_o" : "j_i_1");
  if (!is_packed) s.unroll("k_i");
  s.pipeline("k_o", 1);
  s.partition("a_tile", 0, {Partition::Kind::kComplete, 1});
  s.partition("a_tile", 1, {Partition::Kind::kCyclic, 8});
  s.partition("b_tile", 0, {Partition::Kind::kBlock, 2});
  s.partition("b_tile", 1, {Partition::Kind::kCyclic, 4});
  return s;
}

TEST(Rtl, RunsLanesAndBanks) {
  simulate({{text_kernel(kLanes), {}},
            {tiled_product(false).kernel(), {}},
            {tiled_product(true).kernel(), {}}});
}

/// Queues of several channels, puts under conditions, processes that wait for each other.
const char* const kProcesses =
    R"(kernel processes(x: in int<8>[64], y: out int<32>[64], z: out int<32>[22]) {
  stream s: int<9>[4] depth(2)
  stream t: int<9> depth(3)
  dataflow {
    process first {
      for i in 0..64 {
        put s[i % 4], x[i] + 1
        if i % 3 == 0 { put t, x[i] }
      }
    }
    process second {
      for j in 0..16 {
        for l in 0..4 unroll {
          var v: int<9>
          get s[l], v
          y[j * 4 + l] = v * 3
        }
      }
    }
    process third {
      for k in 0..22 {
        var u: int<9>
        get t, u
        z[k] = u * u
      }
    }
  }
})";

TEST(Rtl, RunsProcesses) {
  const std::filesystem::path arrays = "examples/arrays";
  const Schedule linear =
      replay(text_kernel(read_file(arrays / "linear_32.kernel")),
             read_file(arrays / "linear_32.schedule"), "linear_32.schedule", instructions());
  simulate({{text_kernel(kProcesses), {}}, {linear.kernel(), {}}});
  // Sums of products without a model of each DSP.
  simulate({{linear.kernel(), {}}, {tiled_product(true).kernel(), {}}}, true);
}

TEST(Rtl, SaysWhatItHasNoHardwareFor) {
  const auto message = [](const std::string& text) {
    return user_error([&] { (void)rtl::make_design(text_kernel(text), quick_target()); });
  };
  expect_parts(message("kernel shared(x: in int<8>[4], y: out int<8>[4]) {\n"
                       "  var between: int<8>[4]\n  dataflow {\n"
                       "    process one { for i in 0..4 { between[i] = x[i] } }\n"
                       "    process two { for j in 0..4 { y[j] = between[j] } }\n  }\n}"),
               {"array between is used by more than one process: one and two"});
  expect_parts(message("kernel wide(y: out int<32>[4, 64] lanes(64)) {\n"
                       "  for i in 0..4 { for j in 0..64 unroll { y[i, j] = 1 } }\n}"),
               {"y is packed in words of 64 elements of 32 bits", "32 of them"});
  expect_parts(message("kernel odd(y: out int<8>[4, 12] lanes(12)) {\n"
                       "  for i in 0..4 { for j in 0..12 unroll { y[i, j] = 1 } }\n}"),
               {"y is packed in words of 12 elements of 8 bits", "pack 1, 2, 4"});
}

TEST(Rtl, TracesEverySignal) {
  const Scratch scratch;
  const Launch launch{text_kernel(kTiles), {}};
  SimulationOptions options;
  options.target = quick_target();
  options.trace = scratch.path() / "signals.fst";
  const Arrays arrays(launch, 7);
  Simulation({launch.kernel}, options).run(arrays.arguments());
  EXPECT_GT(std::filesystem::file_size(options.trace), 1000U);
}

TEST(Rtl, EmitsTextWithoutLint) {
  const Scratch scratch;
  for (const char* text : {kTriangle, kChoices, kTiles, kChosen, kLanes, kProcesses}) {
    std::vector<std::string> command = {find_program("verilator"), "--lint-only", "-Wall",
                                        "--top-module"};
    const rtl::Design design = rtl::make_design(text_kernel(text), quick_target());
    command.push_back(design.kernel->name);
    for (const auto& [name, content] : rtl_files(design)) {
      if (!name.ends_with(".sv")) continue;
      write_file(scratch.path() / name, content);
      command.push_back((scratch.path() / name).string());
    }
    const ProgramEnd end = run_program(command, scratch.path());
    EXPECT_EQ(end.status, 0) << end.said;
  }
}

TEST(Rtl, NamesWhatForbidsAnInterval) {
  const auto require = [](const std::string& text) {
    require_intervals(rtl::make_design(text_kernel(text), quick_target()));
  };
  const auto message = [&](const std::string& text) { return user_error([&] { require(text); }); };
  expect_parts(message("kernel sum(a: in int<8>[16], s: inout int<32,wrap>[1]) {\n"
                       "  for i in 0..16 pipeline(1) { s[0] += a[i] }\n}"),
               {"loop i is asked to start an iteration every 1 cycle", "s[0] += a[i]"});
  expect_parts(message("kernel three(a: in int<8>[18], b: out int<8,wrap>[16]) {\n"
                       "  for i in 0..16 pipeline(2) { b[i] = a[i] + a[i + 1] + a[i + 2] }\n}"),
               {"reads a 3 times"});
  EXPECT_NO_THROW(
      require("kernel three(a: in int<8>[18], b: out int<8,wrap>[16]) {\n"
              "  for i in 0..16 pipeline(3) { b[i] = a[i] + a[i + 1] + a[i + 2] }\n}"));
}

TEST(Rtl, WritesTheFormulaOfTheArguments) {
  const rtl::Design design =
      rtl::make_design(text_kernel("kernel twice(n: index, a: in int<8>[n], b: out int<16>[n]) {\n"
                                   "  for i in 0..n { b[i] = a[i] << 1 }\n}"),
                       quick_target());
  EXPECT_EQ(rtl::cycle_formula(design), "pipeline(n, 1, 7) + 6");
  const auto at = [&](std::int64_t n) {
    return rtl::count_cycles(design, {{"n", Scalar{index_type(), n, 0}}});
  };
  EXPECT_EQ(at(0), 7);
  EXPECT_EQ(at(100), 99 + 7 + 1 + 6);
}

}  // namespace
}  // namespace heddle::kernel

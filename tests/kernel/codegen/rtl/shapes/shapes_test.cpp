// Every library kernel as RTL at 20 shapes: the interpreter's bits, with a memory that keeps its
// time, where cycles are the formula's, and with one that does not.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/error.h"
#include "kernel/library/launches.h"
#include "kernel/sim/simulation.h"
#include "support/scratch.h"

namespace heddle::kernel {
namespace {

constexpr std::size_t kShapes = 20;

struct Launch {
  std::string shape;
  KernelPtr kernel;
  Operands inputs;
  Operands expected;
};

/// Small sizes, odd ones more often than even ones, and words; what numbers stand for that are no
/// sizes stays as it is.
std::map<std::string, std::string> draw(const LibraryKernel& entry, std::mt19937_64& random) {
  static constexpr std::array kSizes = {1, 2, 3, 3, 4, 5, 5, 6, 7, 8, 9, 11};
  std::map<std::string, std::string> given;
  for (const LibraryParameter& parameter : entry.parameters) {
    if (!parameter.choices.empty()) {
      given[parameter.name] = parameter.choices.at(random() % parameter.choices.size());
    } else if (!parameter.name.ends_with("fraction")) {
      given[parameter.name] = std::to_string(kSizes.at(random() % kSizes.size()));
    }
  }
  return given;
}

/// Nothing if the parameters do not go together, or the inputs make a fault.
std::optional<Launch> make(const LibraryKernel& entry,
                           const std::map<std::string, std::string>& given) {
  std::string shape;
  for (const auto& [name, value] : given) shape += fmt::format("{}={} ", name, value);
  try {
    const KernelPtr kernel = made(entry.name, given);
    const Operands inputs = library_inputs(kernel);
    Operands expected = inputs;
    interpret(*kernel, expected.arguments());
    return Launch{shape, kernel, inputs, expected};
  } catch (const UserError&) {
    return std::nullopt;
  }
}

class RtlShapes : public testing::TestWithParam<std::string> {};

TEST_P(RtlShapes, GiveTheInterpretersBits) {
  const LibraryKernel& entry = find_library_kernel(GetParam());
  std::mt19937_64 random(17);
  std::set<std::string> shapes;
  std::vector<Launch> launches;
  for (int i = 0; i < 20'000 && launches.size() < kShapes; ++i) {
    std::optional<Launch> one = make(entry, draw(entry, random));
    if (one && shapes.insert(one->shape).second) launches.push_back(std::move(*one));
  }
  ASSERT_EQ(launches.size(), kShapes);
  std::vector<KernelPtr> kernels;
  for (const Launch& launch : launches) kernels.push_back(launch.kernel);
  const Scratch scratch;
  SimulationOptions options;
  options.target.memory_read = 5;
  options.target.memory_write = 4;
  options.cache = scratch.path();
  const Simulation simulation(kernels, options);
  for (std::size_t n = 0; n < launches.size(); ++n) {
    SCOPED_TRACE(launches[n].shape);
    for (const int stalls : {0, 60}) {
      Operands found = launches[n].inputs;
      MemoryModel memory;
      memory.stalls = stalls;
      memory.cycle_limit = 50'000'000;
      const SimulationReport report = simulation.run(found.arguments(), n, memory);
      EXPECT_EQ(found.difference(launches[n].expected), "");
      EXPECT_EQ(report.expected.value_or(report.cycles), report.cycles);
      if (stalls > 0) continue;
      fmt::print("{} {}{} cycles, formula {}\n", entry.name, launches[n].shape, report.cycles,
                 report.formula ? std::to_string(*report.formula) : "-");
    }
  }
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const LibraryKernel& entry : library()) all.push_back(entry.name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Library, RtlShapes, testing::ValuesIn(names()),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace heddle::kernel

// heddle_shapes: every library kernel as hardware, at random shapes, among them ones and odd tails,
// under its own schedules: the interpreter's bits, and the formula's cycles, with memory that keeps
// its time and with memory that does not. Prints a table, and each case that failed as the command
// that runs it alone.
//   heddle_shapes [--shapes N] [--seed S] [--kernel NAME...] [--show]
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "base/table.h"
#include "kernel/interpret.h"
#include "kernel/library/inputs.h"
#include "kernel/scalar.h"
#include "kernel/sim/simulation.h"

namespace {

using namespace heddle;
using namespace heddle::kernel;

/// Sizes are drawn from these. Large ones go together as far as kStatements allow.
constexpr std::array kSizes = {1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 7, 8, 9, 13, 16, 17, 33};
constexpr std::uint64_t kStatements = 5'000;
/// Fractions of Fixed numbers: a range of so many from here on.
constexpr int kLeastFraction = 15;
constexpr int kFractions = 7;
/// Of a kernel of few parameters there may be no more shapes.
constexpr int kMostDraws = 1'000'000;
/// What is built into one model: building one takes seconds, however small it is, but while one of
/// its kernels runs the others take time, too.
constexpr std::size_t kBatch = 12;
/// So few results may all be 0 by chance.
constexpr std::int64_t kFew = 200;

struct Case {
  std::string kernel;
  std::string command;  ///< what runs it alone
  KernelPtr hardware;   ///< scheduled
  Operands inputs;
  Operands expected;
};

/// Draws cases of one library kernel.
class Shapes {
 public:
  Shapes(const LibraryKernel& entry, std::uint64_t seed)
      : entry_(&entry), random_(seed, entry.name) {}

  std::vector<Case> draw(std::size_t count) {
    std::vector<Case> cases;
    for (int draw = 0; cases.size() < count; ++draw) {
      ensure(draw < kMostDraws, "{} has no {} shapes", entry_->name, count);
      const std::map<std::string, std::string> given = parameters(draw == 0);
      const LibrarySchedule& schedule = entry_->schedules[roll(entry_->schedules.size())];
      const auto offset = static_cast<std::int64_t>(roll(6)) - 2;
      if (!seen_.insert(given).second) continue;
      if (std::optional<Case> one = make(given, schedule, offset)) cases.push_back(std::move(*one));
    }
    return cases;
  }

 private:
  std::uint64_t roll(std::uint64_t count) { return random_.word(next_++) % count; }

  std::map<std::string, std::string> parameters(bool all_ones) {
    std::map<std::string, std::string> given;
    for (const LibraryParameter& parameter : entry_->parameters) {
      std::string& value = given[parameter.name];
      if (!parameter.choices.empty()) {
        value = parameter.choices[roll(parameter.choices.size())];
      } else if (parameter.name.ends_with("fraction")) {
        value = std::to_string(kLeastFraction + static_cast<int>(roll(kFractions)));
      } else {
        value = std::to_string(all_ones ? 1 : kSizes.at(roll(kSizes.size())));
      }
    }
    return given;
  }

  /// None for values that do not go together, and where there is too much to interpret.
  [[nodiscard]] std::optional<Case> make(const std::map<std::string, std::string>& given,
                                         const LibrarySchedule& schedule,
                                         std::int64_t offset) const {
    const LibraryArguments arguments(entry_->name, entry_->parameters, given);
    KernelPtr kernel;
    try {
      kernel = entry_->make(arguments);
    } catch (const UserError&) {
      return std::nullopt;
    }
    Operands inputs = library_inputs(kernel, offset);
    Operands expected = inputs;
    try {
      interpret(*kernel, expected.arguments(), {kStatements, false});
    } catch (const UserError& error) {
      if (std::string(error.what()).find("statements were executed") == std::string::npos) throw;
      return std::nullopt;
    }
    std::string command =
        fmt::format("heddle kernel sim {} --schedule {} -p", entry_->name, schedule.name);
    for (const auto& [name, value] : given) command += fmt::format(" {}={}", name, value);
    return Case{entry_->name, std::move(command), schedule.apply(kernel, arguments).kernel(),
                std::move(inputs), std::move(expected)};
  }

  const LibraryKernel* entry_;
  RandomStream random_;
  std::uint64_t next_ = 0;
  std::set<std::map<std::string, std::string>> seen_;
};

/// What is said of a kernel.
struct Row {
  int shapes = 0;
  int failed = 0;
  int counted = 0;  ///< shapes whose formula has a number
  std::uint64_t cycles = 0;
  std::int64_t results = 0;
  std::int64_t inside = 0;  ///< results that are neither 0 nor the least or greatest number
};

/// Why a run is wrong; empty: it is not. `rest`: the cycles of the run without stalls, 0 for that.
std::string fault(const SimulationReport& report, const Operands& found, const Operands& expected,
                  std::uint64_t rest) {
  const std::string difference = found.difference(expected);
  if (!difference.empty()) return difference;
  std::optional<std::uint64_t> cycles = report.expected;
  // Data decide: there is no number, but nothing except stalls may lengthen it.
  if (!report.formula && rest > 0) cycles = rest + report.stalled;
  if (cycles.value_or(report.cycles) == report.cycles) return "";
  return fmt::format("{} cycles rather than {}", report.cycles, *cycles);
}

class Session {
 public:
  /// `is_shown`: print each case.
  explicit Session(bool is_shown) : is_shown_(is_shown) {}

  void run(const std::vector<Case>& cases) {
    std::vector<KernelPtr> kernels;
    kernels.reserve(cases.size());
    for (const Case& one : cases) kernels.push_back(one.hardware);
    SimulationOptions options;
    options.target.memory_read = 6;
    options.target.memory_write = 5;
    const Simulation simulation(kernels, options);
    for (std::size_t n = 0; n < cases.size(); ++n) run(simulation, n, cases[n]);
  }

  /// Whether all was well.
  [[nodiscard]] bool report() const {
    Table table({{"kernel", Align::kLeft},
                 {"shapes", Align::kRight},
                 {"failed", Align::kRight},
                 {"counted", Align::kRight},
                 {"cycles", Align::kRight},
                 {"results", Align::kRight},
                 {"inside", Align::kRight}});
    Row all;
    bool is_telling = true;
    for (const auto& [kernel, row] : rows_) {
      const auto inside = 100 * row.inside / std::max<std::int64_t>(1, row.results);
      table.add_row({kernel, std::to_string(row.shapes), std::to_string(row.failed),
                     std::to_string(row.counted), std::to_string(row.cycles),
                     std::to_string(row.results), fmt::format("{} %", inside)});
      is_telling = is_telling && (row.results < kFew || inside >= 20);
      all.shapes += row.shapes;
      all.failed += row.failed;
    }
    fmt::print("{}{} shapes of {} kernels, {} failed\n", table.to_string(), all.shapes,
               rows_.size(), all.failed);
    if (!is_telling) fmt::print("the results of some kernel are mostly 0 or saturated\n");
    return all.failed == 0 && is_telling;
  }

 private:
  void run(const Simulation& simulation, std::size_t number, const Case& one) {
    if (is_shown_) {
      fmt::print("{}\n", one.command);
      std::fflush(stdout);
    }
    Row& row = rows_[one.kernel];
    ++row.shapes;
    std::uint64_t rest = 0;
    std::string wrong;
    for (const int stalls : {0, 90}) {
      Operands found = one.inputs;
      MemoryModel memory;
      memory.stalls = stalls;
      memory.cycle_limit = 20'000'000;
      try {
        const SimulationReport report = simulation.run(found.arguments(), number, memory);
        wrong = fault(report, found, one.expected, rest);
        if (stalls == 0) {
          rest = report.cycles;
          row.cycles += report.cycles;
          row.counted += report.formula ? 1 : 0;
        }
      } catch (const InternalError& error) {
        wrong = error.what();
      }
      if (!wrong.empty()) {
        fmt::print("FAILED {}\n  stalls {}: {}\n", one.command, stalls, wrong);
        ++row.failed;
        break;
      }
    }
    count_results(one, row);
  }

  static void count_results(const Case& one, Row& row) {
    for (const Parameter& parameter : one.hardware->parameters) {
      const auto* array = std::get_if<ArrayParameter>(&parameter);
      if (array == nullptr || array->direction == Direction::kIn) continue;
      Operands expected = one.expected;
      const Buffer& buffer = expected.buffer(array->array.name);
      const Type& type = buffer.element();
      row.results += buffer.size();
      for (std::int64_t e = 0; e < buffer.size(); ++e) {
        const Scalar value = buffer.get(e);
        const bool is_end = value.raw <= lowest(type) + 1 || value.raw >= highest(type);
        row.inside += type.is_float() ? value.real != 0 : value.raw != 0 && !is_end;
      }
    }
  }

  bool is_shown_;
  std::map<std::string, Row> rows_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs every library kernel as hardware, at random shapes.");
  std::size_t shapes = 2;
  std::uint64_t seed = 1;
  std::vector<std::string> kernels;
  bool show = false;
  app.add_option("--shapes", shapes, "Of each kernel")->capture_default_str();
  app.add_option("--seed", seed, "Of the shapes")->capture_default_str();
  app.add_option("--kernel", kernels, "Only these");
  app.add_flag("--show", show, "Print each case");
  CLI11_PARSE(app, argc, argv);
  try {
    Session session(show);
    std::vector<Case> batch;
    for (const LibraryKernel& entry : library()) {
      // What its scalars say follows from its shape and its step: the tests of layers launch it.
      if (entry.name == "attention_array") continue;
      if (!kernels.empty() && std::ranges::find(kernels, entry.name) == kernels.end()) continue;
      for (Case& one : Shapes(entry, seed).draw(shapes)) {
        batch.push_back(std::move(one));
        if (batch.size() < kBatch) continue;
        session.run(batch);
        batch.clear();
      }
    }
    if (!batch.empty()) session.run(batch);
    return session.report() ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "heddle_shapes: {}\n", error.what());
    return 1;
  }
}

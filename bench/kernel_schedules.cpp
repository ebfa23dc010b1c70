// heddle_bench_kernels: what schedules are worth on the CPU. Native time of base, library and
// optimised schedules of the library's large kernels, checked against one another; the int8 GEMM
// also beside oneDNN's in the same run. Times are medians of interleaved runs (measured, wall
// clock).
//   heddle_bench_kernels [--threads N] [--repeat N] [--json] [NAME...]
#include <fmt/ranges.h>
#include <dnnl.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "base/table.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/library/library.h"

namespace {

using namespace heddle;
using namespace heddle::kernel;
using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

/// Buffers for a kernel's parameters: random inputs, int8 over their range, floats small enough
/// that nothing overflows.
class Operands {
 public:
  Operands(const Kernel& kernel, const std::map<std::string, double>& scalars) {
    for (const Parameter& parameter : kernel.parameters) {
      if (const auto* scalar = std::get_if<ScalarParameter>(&parameter)) {
        Buffer one(scalar->type, {1});
        one.set(0, scalars.at(scalar->name));
        arguments_.emplace_back(one.get(0));
      } else {
        arguments_.emplace_back(static_cast<Buffer*>(nullptr));
      }
    }
    const std::vector<std::vector<std::int64_t>> shapes = argument_shapes(kernel, arguments_);
    std::size_t next = 0;
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      const auto* array = std::get_if<ArrayParameter>(&kernel.parameters[i]);
      if (array == nullptr) continue;
      buffers_.push_back(std::make_unique<Buffer>(array->array.element, shapes[next++]));
      Buffer& buffer = *buffers_.back();
      arguments_[i] = &buffer;
      if (array->direction == Direction::kOut) {
        outputs_.push_back(&buffer);
        continue;
      }
      const RandomStream random(1, array->array.name);
      const double scale = buffer.element().is_float() ? 0.1 : 100.0;
      for (std::int64_t e = 0; e < buffer.size(); ++e) {
        buffer.set(e, scale * (2 * random.uniform(static_cast<std::uint64_t>(e)) - 1));
      }
    }
  }

  [[nodiscard]] const std::vector<Argument>& arguments() const { return arguments_; }
  [[nodiscard]] const std::vector<const Buffer*>& outputs() const { return outputs_; }

 private:
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::vector<Argument> arguments_;
  std::vector<const Buffer*> outputs_;
};

struct Case {
  std::string title;
  std::string kernel;
  std::map<std::string, std::string> parameters;
  double multiply_adds = 0;  ///< counted, of the sparse computation for a mixture of experts
  std::map<std::string, double> scalars = {};
  /// A kernel that computes the same with more work, to measure beside it unscheduled.
  std::string plainer = {};
};

std::vector<Case> cases() {
  const double attention = 4.0 * 1024 * 768 * 768 + 2.0 * 1024 * 1024 * 768;
  const std::map<std::string, std::string> moe = {{"tokens", "128"}, {"hidden", "768"},
                                                  {"inner", "3072"}, {"experts", "8"},
                                                  {"top_k", "1"},    {"type", "float32"}};
  const double experts = 128.0 * (2 * 768 * 3072 + 8 * 768);
  return {{"gemm int8 1024x768x3072",
           "linear",
           {{"rows", "1024"}, {"columns", "3072"}, {"inner", "768"}, {"type", "int8"}},
           1024.0 * 768 * 3072},
          {"attention float32 1024 tokens, 12 heads, 768",
           "attention_layer",
           {{"tokens", "1024"},
            {"heads", "12"},
            {"kv_heads", "12"},
            {"head_dim", "64"},
            {"hidden", "768"},
            {"type", "float32"}},
           attention,
           {{"scale", 0.125}}},
          {"mlp float32 1024, 768, 3072",
           "mlp",
           {{"rows", "1024"}, {"hidden", "768"}, {"inner", "3072"}, {"type", "float32"}},
           2.0 * 1024 * 768 * 3072},
          {"moe float32, 8 experts, 128 tokens", "moe", moe, experts, {}, "moe_dense"}};
}

/// oneDNN's int8 product of the same matrices, weights packed beforehand.
class OneDnnProduct {
 public:
  OneDnnProduct(std::int64_t rows, std::int64_t columns, std::int64_t inner,
                const Operands& operands)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    using Memory = dnnl::memory;
    using Tag = Memory::format_tag;
    auto& x = *std::get<Buffer*>(operands.arguments()[0]);
    auto& weight = *std::get<Buffer*>(operands.arguments()[1]);
    const Memory::desc x_desc({rows, inner}, Memory::data_type::s8, Tag::ab);
    const Memory::desc plain_desc({inner, columns}, Memory::data_type::s8, Tag::ba);
    const Memory::desc any_desc({inner, columns}, Memory::data_type::s8, Tag::any);
    const Memory::desc y_desc({rows, columns}, Memory::data_type::s32, Tag::ab);
    const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(x_desc, any_desc, y_desc),
                                                   engine_);
    y_.resize(static_cast<std::size_t>(rows * columns));
    Memory plain(plain_desc, engine_, weight.data());
    Memory packed(description.weights_desc(), engine_);
    dnnl::reorder(plain, packed).execute(stream_, plain, packed);
    stream_.wait();
    matmul_ = dnnl::matmul(description);
    arguments_ = {{DNNL_ARG_SRC, Memory(x_desc, engine_, x.data())},
                  {DNNL_ARG_WEIGHTS, packed},
                  {DNNL_ARG_DST, Memory(y_desc, engine_, y_.data())}};
  }

  double run() {
    const Clock::time_point start = Clock::now();
    matmul_.execute(stream_, arguments_);
    stream_.wait();
    return milliseconds_since(start);
  }
  [[nodiscard]] const std::vector<std::int32_t>& result() const { return y_; }

 private:
  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::matmul matmul_;
  std::unordered_map<int, dnnl::memory> arguments_;
  std::vector<std::int32_t> y_;
};

struct Level {
  std::string schedule;
  std::vector<double> times;
  double schedule_ms = 0;
  double compile_ms = 0;
};

struct Options {
  int threads = 1;
  int repeat = 7;
  bool json = false;
  std::vector<std::string> names;
};

Json measure(const Case& work, const Options& options) {
  const LibraryKernel& entry = find_library_kernel(work.kernel);
  const LibraryArguments arguments(entry.name, entry.parameters, work.parameters);
  const KernelPtr algorithm = entry.make(arguments);
  NativeOptions native;
  native.threads = options.threads;
  std::vector<Level> levels;
  std::vector<NativeLibrary> libraries;
  std::vector<Operands> operands;
  const auto add_level = [&](const std::string& name, const LibrarySchedule& schedule,
                             const KernelPtr& from) {
    Level& level = levels.emplace_back();
    level.schedule = name;
    Clock::time_point start = Clock::now();
    const Schedule applied = schedule.apply(from, arguments);
    level.schedule_ms = milliseconds_since(start);
    start = Clock::now();
    libraries.emplace_back(std::vector<KernelPtr>{applied.kernel()}, native);
    level.compile_ms = milliseconds_since(start);
    operands.emplace_back(*applied.kernel(), work.scalars);
  };
  if (!work.plainer.empty()) {
    const LibraryKernel& plainer = find_library_kernel(work.plainer);
    add_level(work.plainer + " base", plainer.schedules.front(), plainer.make(arguments));
  }
  for (const LibrarySchedule& schedule : entry.schedules) {
    add_level(schedule.name, schedule, algorithm);
  }
  std::optional<OneDnnProduct> peer;
  std::vector<double> peer_times;
  if (work.kernel == "linear") {
    peer.emplace(arguments.number("rows"), arguments.number("columns"), arguments.number("inner"),
                 operands.front());
  }
  // The plain nests take seconds: they are run less often.
  for (int i = 0; i < options.repeat; ++i) {
    for (std::size_t l = 0; l < levels.size(); ++l) {
      const bool is_slow = !levels[l].times.empty() && levels[l].times.back() > 1000;
      if (is_slow && i >= 3) continue;
      const Clock::time_point start = Clock::now();
      libraries[l].run(operands[l].arguments());
      levels[l].times.push_back(milliseconds_since(start));
    }
    if (peer) peer_times.push_back(peer->run());
  }
  for (std::size_t l = 1; l < levels.size(); ++l) {
    for (std::size_t o = 0; o < operands[0].outputs().size(); ++o) {
      ensure(*operands[0].outputs()[o] == *operands[l].outputs()[o],
             "{}: {} computes something else", work.title, levels[l].schedule);
    }
  }
  Json rows = Json::array();
  const double base = median(levels.front().times);
  for (const Level& level : levels) {
    const double time = median(level.times);
    rows.push_back({{"schedule", level.schedule},
                    {"milliseconds", time},
                    {"runs", level.times.size()},
                    {"gmac_per_s", work.multiply_adds / time / 1e6},
                    {"speedup", base / time},
                    {"schedule_ms", level.schedule_ms},
                    {"compile_ms", level.compile_ms}});
  }
  Json result = {{"case", work.title}, {"threads", options.threads}, {"levels", rows}};
  if (peer) {
    const auto found = operands[0].outputs()[0]->as<std::int32_t>();
    ensure(std::equal(found.begin(), found.end(), peer->result().begin()),
           "{}: oneDNN computes something else", work.title);
    const double time = median(peer_times);
    result["onednn_ms"] = time;
    result["of_onednn"] = time / median(levels.back().times);
  }
  return result;
}

void print(const Json& result) {
  Table table({{"schedule", Align::kLeft},
               {"ms", Align::kRight},
               {"GMAC/s", Align::kRight},
               {"x first", Align::kRight},
               {"schedule ms", Align::kRight},
               {"compile or load ms", Align::kRight}});
  for (const Json& row : result["levels"]) {
    const auto number = [&](const char* key) { return row[key].get<double>(); };
    table.add_row(
        {row["schedule"].get<std::string>(), fmt::format("{:.2f}", number("milliseconds")),
         fmt::format("{:.1f}", number("gmac_per_s")), fmt::format("{:.1f}", number("speedup")),
         fmt::format("{:.1f}", number("schedule_ms")),
         fmt::format("{:.1f}", number("compile_ms"))});
  }
  fmt::print("{}, {} thread(s)\n{}", result["case"].get<std::string>(),
             result["threads"].get<int>(), table.to_string());
  if (result.contains("onednn_ms")) {
    fmt::print("oneDNN: {:.2f} ms; optimised reaches {:.0f} % of its speed\n",
               result["onednn_ms"].get<double>(), 100 * result["of_onednn"].get<double>());
  }
  fmt::print("\n");
}

}  // namespace

extern "C" void omp_set_num_threads(int);

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Native time of the library's schedules, beside one another and oneDNN.");
  app.add_option("names", options.names, "Kernels to measure (default: all)");
  app.add_option("--threads", options.threads, "Threads for parallel loops")
      ->check(CLI::Range(1, 256));
  app.add_option("--repeat", options.repeat, "Interleaved runs of each")
      ->check(CLI::Range(1, 1000));
  app.add_flag("--json", options.json, "Print one JSON object");
  CLI11_PARSE(app, argc, argv);
  omp_set_num_threads(options.threads);  // oneDNN's threads
  try {
    Json all = Json::array();
    for (const Case& work : cases()) {
      const bool wanted =
          options.names.empty() ||
          std::find(options.names.begin(), options.names.end(), work.kernel) != options.names.end();
      if (!wanted) continue;
      all.push_back(measure(work, options));
      if (!options.json) print(all.back());
    }
    if (options.json) fmt::print("{}\n", Json{{"cases", all}}.dump(2));
  } catch (const UserError& error) {
    fmt::print(stderr, "{}\n  {}\n", error.what(), error.remedy());
    return 2;
  }
  return 0;
}

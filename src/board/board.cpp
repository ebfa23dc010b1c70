#include "board/board.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "board/embedded.h"

namespace heddle {
namespace {

/// What a figure may be.
struct Rule {
  const char* unit;
  double lowest;
  double highest;
  bool is_whole;
};

constexpr Rule kCount = {"", 0, 1e8, true};
constexpr Rule kSome = {"", 1, 1e8, true};
constexpr Rule kBytes = {"bytes", 1, 1e15, true};
constexpr Rule kBits = {"bits", 8, 4096, true};
constexpr Rule kRate = {"GB/s", 1e-3, 1e5, false};
constexpr Rule kLatency = {"ns", 0.1, 1e6, false};
constexpr Rule kClock = {"MHz", 1, 5000, false};
constexpr Rule kProducts = {"", 0.001, 64, false};
constexpr Rule kPumping = {"", 1, 8, true};
constexpr Rule kGeneration = {"", 1, 8, true};
constexpr Rule kLanes = {"", 1, 32, true};

/// Sources that are a way of knowing rather than a document; a note says how.
constexpr std::array<std::string_view, 3> kWays = {"derived", "assumed", "recalled"};
constexpr std::array<std::string_view, 5> kTypes = {"float32", "bfloat16", "int16", "int8", "int4"};

std::string describe(const Rule& rule) {
  return fmt::format("a {} from {} to {}{}{}", rule.is_whole ? "whole number" : "number",
                     rule.lowest, rule.highest, *rule.unit == 0 ? "" : " ", rule.unit);
}

/// Reads one description; keeps every figure with its path and source.
class Reader {
 public:
  Reader(const Json& json, const std::string& where) : top_(json, where) {}

  Board read() {
    only(top_, {"name", "title", "part", "sources", "resources", "slrs", "memories", "pcie", "dsp",
                "clock_mhz"});
    board_.name = top_.string("name");
    board_.title = top_.string("title");
    board_.part = top_.string("part");
    read_sources();
    read_resources();
    board_.slrs = whole(top_, "", "slrs", kSome);
    read_memories();
    read_pcie();
    read_dsp();
    board_.clock_mhz = number(top_, "", "clock_mhz", kClock);
    check_pumping();
    check_sources();
    return std::move(board_);
  }

 private:
  [[noreturn]] static void fail(const JsonObject& object, std::string_view key,
                                const std::string& problem, const std::string& remedy) {
    throw UserError(fmt::format("{}: \"{}\" {}", object.where(), key, problem), remedy);
  }

  /// Throws UserError for a key that means nothing here.
  static void only(const JsonObject& object, const std::vector<std::string>& keys) {
    for (const auto& [key, value] : object.raw().items()) {
      if (std::ranges::find(keys, key) != keys.end()) continue;
      throw UserError(
          fmt::format("{}: there is no key {} here", object.where(), quote(key)),
          fmt::format("remove it, or name one of: {} (docs/boards.md)", fmt::join(keys, ", ")));
    }
  }

  void read_sources() {
    const JsonObject sources = top_.object("sources");
    for (const auto& [key, value] : sources.raw().items()) {
      if (std::ranges::find(kWays, key) != kWays.end()) {
        fail(sources, key, "is no document", "give the source another name");
      }
      sources_[key] = sources.string(key);
    }
  }

  /// `figure` is an object with "value", "source" and perhaps "note". A value that is not known is
  /// null, and has a note instead of a source.
  std::optional<double> figure(const JsonObject& parent, const std::string& path,
                               const std::string& key, const Rule& rule) {
    if (parent.has(key) && !parent.raw().at(key).is_object()) {
      fail(parent, key, fmt::format("is {}", shorten(parent.raw().at(key).dump())),
           "write {\"value\": ..., \"source\": ...}: every figure has a source");
    }
    const JsonObject object = parent.object(key);
    only(object, {"value", "source", "note"});
    if (!object.raw().contains("value")) {
      fail(object, "value", "is missing", fmt::format("add \"value\": {}", describe(rule)));
    }
    Figure figure;
    figure.path = path.empty() ? key : path + "." + key;
    figure.unit = rule.unit;
    figure.note = object.string("note", "");
    if (object.has("value")) {
      figure.value = object.number("value");
      check(object, *figure.value, rule);
      figure.source = source_of(object, figure.note);
    } else if (figure.note.empty()) {
      fail(object, "note", "is missing beside a value of null",
           "say in \"note\" why the value is not known");
    }
    board_.figures.push_back(figure);
    return figure.value;
  }

  static void check(const JsonObject& object, double value, const Rule& rule) {
    const bool is_wrong = value < rule.lowest || value > rule.highest ||
                          (rule.is_whole && value != std::floor(value));
    if (!is_wrong) return;
    fail(object, "value", fmt::format("is {}", object.raw().at("value").dump()),
         fmt::format("give {}", describe(rule)));
  }

  std::string source_of(const JsonObject& object, const std::string& note) {
    std::string key = object.string("source");
    if (std::ranges::find(kWays, key) != kWays.end()) {
      if (note.empty()) {
        fail(object, "note", fmt::format("is missing for a figure that is {}", key),
             "say in \"note\" from what");
      }
      return key;
    }
    const auto found = sources_.find(key);
    if (found == sources_.end()) {
      std::vector<std::string> known(kWays.begin(), kWays.end());
      for (const auto& [name, text] : sources_) known.push_back(name);
      fail(object, "source", fmt::format("is {}, which \"sources\" does not list", quote(key)),
           fmt::format("add it to \"sources\", or name one of: {}", fmt::join(known, ", ")));
    }
    used_.insert(key);
    return found->second;
  }

  double number(const JsonObject& parent, const std::string& path, const std::string& key,
                const Rule& rule) {
    const std::optional<double> value = figure(parent, path, key, rule);
    if (!value) {
      fail(parent, key, "is null", fmt::format("give {}: Heddle reckons with it", describe(rule)));
    }
    return *value;
  }
  std::int64_t whole(const JsonObject& parent, const std::string& path, const std::string& key,
                     const Rule& rule) {
    return std::llround(number(parent, path, key, rule));
  }

  void read_resources() {
    const JsonObject object = top_.object("resources");
    std::vector<std::string> keys;
    keys.reserve(kResources.size());
    for (const Resource resource : kResources) keys.emplace_back(key_of(resource));
    only(object, keys);
    for (const Resource resource : kResources) {
      board_.resources[resource] = number(object, "resources", key_of(resource), kCount);
    }
    for (const Resource needed : {Resource::kLut, Resource::kFf}) {
      if (board_.resources[needed] == 0) {
        fail(object, key_of(needed), "is 0", "no FPGA is without; give the data sheet's count");
      }
    }
    if (board_.resources[Resource::kLutAsMemory] > board_.resources[Resource::kLut]) {
      fail(object, key_of(Resource::kLutAsMemory), "is more than \"lut\", of which it is a part",
           "give the LUTs of SLICEMs alone");
    }
  }

  /// Objects of a list, which may not be empty.
  static std::vector<JsonObject> list(const JsonObject& parent, const std::string& key) {
    if (!parent.has(key)) fail(parent, key, "is missing", "add a list (docs/boards.md)");
    const Json& items = parent.raw().at(key);
    if (!items.is_array() || items.empty()) {
      fail(parent, key, "should be a list of objects, and not empty", "compare docs/boards.md");
    }
    std::vector<JsonObject> result;
    for (const Json& item : items) {
      result.emplace_back(item, fmt::format("{}: \"{}\"[{}]", parent.where(), key, result.size()));
    }
    return result;
  }

  void read_memories() {
    std::set<std::string> names;
    for (const JsonObject& object : list(top_, "memories")) {
      only(object, {"name", "kind", "channels", "channel_bytes", "port_bits", "peak_gb_s",
                    "sustained_gb_s", "read_latency_ns"});
      BoardMemory memory;
      memory.name = object.string("name");
      if (!names.insert(memory.name).second) {
        fail(object, "name", fmt::format("is {}, as another memory's", quote(memory.name)),
             "give each memory a name of its own");
      }
      memory.kind = object.string("kind");
      memory.channels = whole(object, memory.name, "channels", kSome);
      memory.channel_bytes = whole(object, memory.name, "channel_bytes", kBytes);
      memory.port_bits = whole(object, memory.name, "port_bits", kBits);
      memory.peak_gb_s = number(object, memory.name, "peak_gb_s", kRate);
      memory.sustained_gb_s = figure(object, memory.name, "sustained_gb_s", kRate);
      memory.read_latency_ns = figure(object, memory.name, "read_latency_ns", kLatency);
      check_sustained(object, memory.peak_gb_s, memory.sustained_gb_s);
      board_.memories.push_back(memory);
    }
  }

  static void check_sustained(const JsonObject& object, double peak,
                              std::optional<double> sustained) {
    if (!sustained || *sustained <= peak) return;
    fail(object, "sustained_gb_s", fmt::format("is {}, more than the peak of {}", *sustained, peak),
         "give both for one channel and one direction");
  }

  void read_pcie() {
    if (!top_.raw().contains("pcie")) {
      fail(top_, "pcie", "is missing", "add it, or null for a board that no host reaches by PCIe");
    }
    if (!top_.has("pcie")) return;
    const JsonObject object = top_.object("pcie");
    only(object, {"generation", "lanes", "peak_gb_s", "sustained_gb_s"});
    Pcie pcie;
    pcie.generation = whole(object, "pcie", "generation", kGeneration);
    pcie.lanes = whole(object, "pcie", "lanes", kLanes);
    pcie.peak_gb_s = number(object, "pcie", "peak_gb_s", kRate);
    pcie.sustained_gb_s = figure(object, "pcie", "sustained_gb_s", kRate);
    check_sustained(object, pcie.peak_gb_s, pcie.sustained_gb_s);
    board_.pcie = pcie;
  }

  static std::string type_of(const JsonObject& object, std::string_view key) {
    std::string type = object.string(key);
    if (std::ranges::find(kTypes, type) == kTypes.end()) {
      fail(object, key, fmt::format("is {}", quote(type)),
           fmt::format("one of: {}", fmt::join(kTypes, ", ")));
    }
    return type;
  }

  void read_dsp() {
    const JsonObject object = top_.object("dsp");
    only(object, {"primitive", "max_clock_mhz", "pumping", "products"});
    board_.dsp_primitive = object.string("primitive");
    board_.dsp_clock_mhz = number(object, "dsp", "max_clock_mhz", kClock);
    board_.dsp_pumping = whole(object, "dsp", "pumping", kPumping);
    for (const JsonObject& rule : list(object, "products")) {
      only(rule, {"weights", "activations", "per_dsp"});
      DspRule read{type_of(rule, "weights"), type_of(rule, "activations"), 0};
      const std::string path = fmt::format("dsp.{}x{}", read.weights, read.activations);
      const auto is_same = [&](const DspRule& other) {
        return other.weights == read.weights && other.activations == read.activations;
      };
      if (std::ranges::any_of(board_.dsp_rules, is_same)) {
        fail(rule, "weights",
             fmt::format("and \"activations\" are {} and {} a second time", read.weights,
                         read.activations),
             "keep one rule for a pair of types");
      }
      read.products = number(rule, path, "per_dsp", kProducts);
      board_.dsp_rules.push_back(read);
    }
  }

  void check_pumping() const {
    const double clock = board_.clock_mhz * static_cast<double>(board_.dsp_pumping);
    if (clock <= board_.dsp_clock_mhz) return;
    fail(top_, "clock_mhz",
         fmt::format("is {}, times a pumping of {}: {} MHz, more than the DSP's {}",
                     board_.clock_mhz, board_.dsp_pumping, clock, board_.dsp_clock_mhz),
         "lower the clock or the pumping");
  }

  void check_sources() const {
    for (const auto& [key, text] : sources_) {
      if (used_.contains(key)) continue;
      throw UserError(fmt::format("{}: \"sources\": nothing names {}", top_.where(), quote(key)),
                      "remove it, or name it as the \"source\" of a figure");
    }
  }

  JsonObject top_;
  std::map<std::string, std::string> sources_;
  std::set<std::string> used_;
  Board board_;
};

bool is_file(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".json");
}

}  // namespace

Board read_board(const Json& json, const std::string& where) {
  return Reader(json, where).read();
}

std::vector<std::string> known_boards() {
  std::vector<std::string> names;
  names.reserve(embedded_boards().size());
  for (const auto& [name, text] : embedded_boards()) names.push_back(name);
  return names;
}

Json board_json(const std::string& name_or_file) {
  constexpr std::uint64_t kMostBytes = 1U << 20U;
  if (is_file(name_or_file)) return read_json(name_or_file, kMostBytes);
  const auto found = embedded_boards().find(name_or_file);
  if (found == embedded_boards().end()) {
    const std::vector<std::string> names = known_boards();
    const std::vector<std::string> meant = nearest(name_or_file, names, 1);
    throw UserError(
        fmt::format("there is no board {}", quote(name_or_file)),
        fmt::format("{}one of: {}; or the path of a file of your own, with a / or ending in .json",
                    meant.empty() ? "" : fmt::format("did you mean {}? ", meant.front()),
                    fmt::join(names, ", ")));
  }
  return parse_json(found->second, name_or_file);
}

Board find_board(const std::string& name_or_file) {
  return read_board(board_json(name_or_file), name_or_file);
}

}  // namespace heddle

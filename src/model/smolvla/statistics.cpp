#include "model/smolvla/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "model/policy.h"
#include "model/smolvla/checkpoint.h"

namespace heddle::smolvla {
namespace {

constexpr std::string_view kBuffer = "buffer";

/// Which statistic of which set a tensor holds.
struct Place {
  std::string key;
  std::string statistic;
};

/// `prefix` without `ending`, and without the dot that joins them.
std::string without_ending(std::string_view prefix, std::string_view ending) {
  if (prefix == ending) return {};
  if (prefix.size() > ending.size() && prefix.ends_with(ending) &&
      prefix[prefix.size() - ending.size() - 1] == '.') {
    prefix.remove_suffix(ending.size() + 1);
  }
  return std::string(prefix);
}

/// Reads "[KEY.][buffer.]FEATURE.STATISTIC"; nothing for the tensors of other features.
std::optional<Place> place_of(std::string_view name, std::string_view feature) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view path = name.substr(0, dot);
  if (!path.ends_with(feature)) return std::nullopt;
  std::string_view prefix = path.substr(0, path.size() - feature.size());
  if (!prefix.empty()) {
    if (prefix.back() != '.') return std::nullopt;
    prefix.remove_suffix(1);
  }
  return Place{without_ending(prefix, kBuffer), std::string(name.substr(dot + 1))};
}

/// The name that a buffer among the weights would have in a state file: "unnormalize_outputs.
/// so100.buffer_observation_state.mean" is "so100.buffer.observation.state.mean".
std::string modern_name(std::string_view name, std::string_view feature) {
  std::string old(feature);
  std::replace(old.begin(), old.end(), '.', '_');
  std::string modern(name.substr(name.find('.') + 1));
  const std::string wanted = fmt::format("{}_{}.", kBuffer, old);
  if (const std::size_t at = modern.find(wanted); at != std::string::npos) {
    modern.replace(at, wanted.size(), fmt::format("{}.{}.", kBuffer, feature));
  }
  return modern;
}

/// The names of the two statistics that a normalisation needs.
std::array<std::string, 2> needed(Normalisation mode) {
  switch (mode) {
    case Normalisation::kIdentity:
      return {};
    case Normalisation::kMeanStd:
      return {"mean", "std"};
    case Normalisation::kMinMax:
      return {"min", "max"};
    case Normalisation::kQuantiles:
      return {"q01", "q99"};
    case Normalisation::kQuantile10:
      return {"q10", "q90"};
  }
  throw InternalError("normalisation without statistics");
}

/// Adds the tensors of one feature to `sets`.
template <typename Sets>
void collect(const SafeTensors& tensors, const std::string& feature, bool buffers, Sets& sets) {
  for (const std::string& name : tensors.names()) {
    if (buffers && !is_statistics_buffer(name)) continue;
    // The targets of training are the outputs: the same numbers twice.
    const std::string modern = buffers ? modern_name(name, feature) : name;
    const std::optional<Place> place = place_of(modern, feature);
    if (!place) continue;
    sets[place->key][place->statistic] = to_floats(tensors.get(name));
  }
}

}  // namespace

Statistics::Side Statistics::make_side(const std::string& feature, Normalisation mode,
                                       std::int64_t size, const NormaliserStep& step,
                                       const SafeTensors& weights) {
  Side side{weights.path().string(), feature, mode, static_cast<float>(step.epsilon), size, {}};
  if (step.state_file) {
    const SafeTensors file(*step.state_file);
    side.where = step.state_file->string();
    collect(file, feature, /*buffers=*/false, side.sets);
  } else {
    collect(weights, feature, /*buffers=*/true, side.sets);
  }
  return side;
}

Statistics::Statistics(const Config& config, const Pipelines& pipelines, const SafeTensors& weights)
    : state_(make_side("observation.state", pipelines.input.state, config.state_size,
                       pipelines.input, weights)),
      action_(make_side("action", pipelines.output.action, config.action_size, pipelines.output,
                        weights)) {}

std::vector<std::string> Statistics::keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, set] : action_.sets) keys.push_back(key);
  return keys;
}

bool Statistics::lacks_state(const std::string& key) const {
  return state_.mode != Normalisation::kIdentity && key != kNoStatistics && !key.empty() &&
         state_.sets.empty() && action_.sets.contains(key);
}

Scaler Statistics::state(const std::string& key) const {
  return lacks_state(key) ? Scaler{} : scaler(state_, key);
}

Scaler Statistics::action(const std::string& key) const {
  return scaler(action_, key);
}

void Statistics::no_statistics(const Side& side, const std::string& key) const {
  std::vector<std::string> choices;
  for (const auto& [other, set] : action_.sets) {
    if (other != key) choices.push_back(other.empty() ? "\"\"" : shorten(other));
  }
  const std::string others =
      choices.empty() ? "the checkpoint has no other statistics"
                      : fmt::format("choose one of {} with --stats-key", fmt::join(choices, ", "));
  throw UserError(
      fmt::format("{} holds no statistics {} under {}", side.where,
                  fmt::join(needed(side.mode), " and "),
                  quote(key.empty() ? side.feature + ".*" : key + "." + side.feature + ".*")),
      fmt::format("{}; --stats-key {} hands state and actions through unchanged, as LeRobot does "
                  "silently",
                  others, kNoStatistics));
}

Scaler Statistics::scaler(const Side& side, const std::string& key) const {
  if (side.mode == Normalisation::kIdentity || key == kNoStatistics) return {};
  const auto set = side.sets.find(key);
  if (set == side.sets.end()) no_statistics(side, key);
  Scaler scaler{side.mode, {}, {}, side.epsilon};
  std::vector<float>* target = &scaler.first;
  for (const std::string& name : needed(side.mode)) {
    const auto found = set->second.find(name);
    if (found == set->second.end()) no_statistics(side, key);
    if (std::ssize(found->second) != side.size) {
      throw UserError(fmt::format("{}: {} {} has {} numbers, but config.json says {}", side.where,
                                  side.feature, name, found->second.size(), side.size),
                      "check that the statistics belong to this policy");
    }
    for (const float value : found->second) {
      if (std::isfinite(value) && (name != "std" || value >= 0)) continue;
      throw UserError(fmt::format("{}: {} {} holds {}", side.where, side.feature, name, value),
                      "mend the statistics, or choose other ones with --stats-key");
    }
    *target = found->second;
    target = &scaler.second;
  }
  return scaler;
}

}  // namespace heddle::smolvla

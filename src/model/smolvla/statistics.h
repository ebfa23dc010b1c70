// The normalisation statistics of a checkpoint, in each of the layouts that LeRobot has written.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/smolvla/pipeline.h"
#include "model/smolvla/scaler.h"
#include "tensor/safetensors.h"

namespace heddle::smolvla {

/// Statistics by key: a checkpoint may hold several sets, such as one per robot. The set without a
/// prefix has the key "". Layouts: the state files of the two pipelines with names
/// "action.mean", "KEY.action.mean" or "KEY.buffer.action.mean"; or buffers among the weights with
/// names "unnormalize_outputs.buffer_action.mean" or "unnormalize_outputs.KEY.buffer_action.mean".
class Statistics {
 public:
  /// Throws UserError for a state file that is missing or broken. Values are checked when used.
  Statistics(const Config& config, const Pipelines& pipelines, const SafeTensors& weights);

  /// The keys of PolicyRequest::statistics_key for which there are action statistics, sorted.
  [[nodiscard]] std::vector<std::string> keys() const;

  /// Of the state. The identity for kNoStatistics, and where the checkpoint has statistics of
  /// actions under `key` but of no state at all, as smolvla_base: LeRobot hands the state on too.
  /// Throws UserError if there is nothing under `key`, listing what there is, and for statistics of
  /// the wrong length, that are not finite, or negative deviations.
  [[nodiscard]] Scaler state(const std::string& key) const;
  /// Of the actions; otherwise the same.
  [[nodiscard]] Scaler action(const std::string& key) const;

  /// Whether state(key) would be the identity for want of statistics.
  [[nodiscard]] bool lacks_state(const std::string& key) const;

 private:
  /// By key, then by name such as "mean".
  using Sets = std::map<std::string, std::map<std::string, std::vector<float>>>;
  struct Side {
    std::string where;    ///< the file
    std::string feature;  ///< "observation.state" or "action"
    Normalisation mode{};
    float epsilon = 0;
    std::int64_t size = 0;
    Sets sets;
  };

  static Side make_side(const std::string& feature, Normalisation mode, std::int64_t size,
                        const NormaliserStep& step, const SafeTensors& weights);
  [[nodiscard]] Scaler scaler(const Side& side, const std::string& key) const;
  [[noreturn]] void no_statistics(const Side& side, const std::string& key) const;

  Side state_;
  Side action_;
};

}  // namespace heddle::smolvla

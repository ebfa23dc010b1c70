// A SmolVLA policy's config.json, checked, together with its backbone's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/policy.h"
#include "model/smolvla/backbone.h"

namespace heddle::smolvla {

/// Denoising steps that may be asked for.
constexpr std::int64_t kMaxSteps = 1000;

/// The action expert: a narrower Llama whose layers look at the keys and values of the text
/// model's. Number and size of heads are those of the text model.
struct ExpertConfig {
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t layers = 0;
};

/// How LeRobot scales a vector's numbers before and after the model.
enum class Normalisation { kIdentity, kMeanStd, kMinMax, kQuantiles, kQuantile10 };

/// What the field names mean is said in LeRobot's configuration_smolvla.py, whose defaults hold for
/// keys that the file leaves out.
struct Config {
  std::string where;  ///< the file, for messages
  Backbone backbone;
  std::string backbone_name;  ///< "vlm_model_name"
  ExpertConfig expert;
  std::int64_t vlm_layers = 0;            ///< text layers in use, the first of the backbone's
  std::int64_t self_attention_every = 0;  ///< 0: never
  std::vector<PolicyCamera> cameras;      ///< in the order of the file
  std::int64_t empty_cameras = 0;         ///< most stand-ins that LeRobot makes for absent ones
  std::int64_t declared_cameras = 0;      ///< cameras and stand-ins
  std::int64_t state_size = 0;
  std::int64_t max_state_size = 0;
  std::int64_t action_size = 0;
  std::int64_t max_action_size = 0;
  std::vector<std::string> action_names;
  std::int64_t chunk = 0;
  std::int64_t steps = 0;
  std::int64_t max_tokens = 0;  ///< language tokens; longer tasks are cut
  bool image_special_tokens = false;
  double min_period = 0;  ///< of the time embedding's sinusoids, with time in [0, 1]
  double max_period = 0;
  Normalisation state_normalisation{};
  Normalisation action_normalisation{};

  /// How many black images LeRobot adds when `present` cameras are.
  [[nodiscard]] std::int64_t stand_ins(std::int64_t present) const;
  /// The expert layer that runs beside text layer `layer`, if any.
  [[nodiscard]] std::optional<std::int64_t> expert_layer(std::int64_t layer) const;
  /// Whether the actions also attend to each other in text layer `layer`; else to its keys alone.
  [[nodiscard]] bool self_attention(std::int64_t layer) const;
  /// The last text layer whose keys and values anything reads.
  [[nodiscard]] std::int64_t last_read_layer() const;
};

/// Reads and checks folder/config.json and the backbone's. Throws UserError for values that are
/// broken, contradict each other, or ask for what is not supported.
Config read_config(const std::filesystem::path& folder);

/// The intermediate width of the expert's gated linear units: 4 * (2/3) * hidden, each product
/// truncated, rounded up to a multiple of 256 (get_intermediate_size in LeRobot).
std::int64_t expert_intermediate(std::int64_t hidden);

/// LeRobot's name of a normalisation, such as "MEAN_STD". Throws UserError, naming `where`, for an
/// unknown one.
Normalisation normalisation_from_name(const std::string& name, const std::string& where);

}  // namespace heddle::smolvla

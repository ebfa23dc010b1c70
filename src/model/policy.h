// Robot policies: what turns cameras, an instruction and the robot's state into a chunk of actions.
// The interface that the command line, servers and benches use; none of them knows a model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/graph.h"
#include "model/image/image.h"
#include "tensor/safetensors.h"
#include "tensor/tensor.h"

namespace heddle {

/// How a camera frame reaches the policy in LeRobot: two call paths, two results.
enum class ImageRoute {
  kPolicy,  ///< as it is: the policy resizes it, keeping its aspect ratio, and pads
  kServer,  ///< the async server first squashes it to the shape that config.json gives the camera
};

/// The value of PolicyRequest::statistics_key that asks for no statistics at all.
inline constexpr std::string_view kNoStatistics = "none";

/// One observation, and how to answer it.
struct PolicyRequest {
  /// By the camera names of PolicyInfo; any of them may be absent, not all.
  std::map<std::string, Image> images;
  /// In the robot's units; PolicyInfo::state_size numbers.
  std::vector<float> state;
  /// What the robot is told to do; not empty.
  std::string task;
  /// F32 [chunk,padded_action_size]: where the flow starts. Drawn from `seed` if absent.
  std::optional<Tensor> noise;
  std::uint64_t seed = 0;
  /// Denoising steps; the model's own number if absent.
  std::optional<std::int64_t> steps;
  ImageRoute route = ImageRoute::kPolicy;
  /// Which of several sets of statistics to normalise with: "" for the one without a prefix,
  /// kNoStatistics to hand state and actions through unchanged.
  std::string statistics_key;
};

/// What a Graph depends on. Requests of equal shape can share a Graph and an engine.
struct PolicyShape {
  std::vector<std::string> cameras;  ///< the present ones, in the order of PolicyInfo::cameras
  std::int64_t language_tokens = 0;
  std::int64_t steps = 0;

  friend bool operator==(const PolicyShape&, const PolicyShape&) = default;
};

/// A camera that a policy was trained with.
struct PolicyCamera {
  std::string name;  ///< "camera1"
  std::string key;   ///< "observation.images.camera1", as config.json writes it
  int height = 0;    ///< of the training data's frames
  int width = 0;

  friend bool operator==(const PolicyCamera&, const PolicyCamera&) = default;
};

/// What can be known of a policy without running it.
struct PolicyInfo {
  std::string model;                      ///< "smolvla"
  std::vector<PolicyCamera> cameras;      ///< in the model's order
  std::int64_t state_size = 0;            ///< numbers in a state
  std::int64_t action_size = 0;           ///< numbers in an action
  std::int64_t padded_action_size = 0;    ///< width of noise and raw actions
  std::int64_t chunk = 0;                 ///< actions per answer
  std::int64_t steps = 0;                 ///< denoising steps unless a request says otherwise
  std::vector<std::string> action_names;  ///< one per number of an action, or none at all
  /// The choices of PolicyRequest::statistics_key besides kNoStatistics, sorted.
  std::vector<std::string> statistics_keys;
};

/// A policy opened on a checkpoint folder.
///
/// The way of a request: shape() and inputs() of it, graph() of the shape, a run of that Graph by
/// an engine with weights(), and actions() of the Graph's only output. All functions may be called
/// from several threads at once.
class Policy {
 public:
  virtual ~Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  [[nodiscard]] virtual const PolicyInfo& info() const = 0;
  /// Holds every weight that graph() names, in the Graph's shape: checked when it was opened,
  /// unless PolicyOptions said not to.
  [[nodiscard]] virtual const SafeTensors& weights() const = 0;

  /// Throws UserError for cameras that the model does not have, no camera, an empty task, or a
  /// number of steps that is not positive; needs the tokenizer.
  [[nodiscard]] virtual PolicyShape shape(const PolicyRequest& request) const = 0;
  /// The Graph of all requests of this shape. Throws UserError for a shape that no request has.
  [[nodiscard]] virtual Graph graph(const PolicyShape& shape) const = 0;
  /// The Graph's inputs by name. Throws UserError for whatever is wrong with the request.
  [[nodiscard]] virtual std::map<std::string, Tensor> inputs(
      const PolicyRequest& request) const = 0;
  /// F32 [chunk,action_size] in the robot's units, from the Graph's output for the same request.
  [[nodiscard]] virtual Tensor actions(const Tensor& raw, const PolicyRequest& request) const = 0;

 protected:
  Policy() = default;
};

/// What a policy may need besides its folder.
struct PolicyOptions {
  /// A tokenizer.json to use instead of looking for one in the folder.
  std::optional<std::filesystem::path> tokenizer;
  /// False for weights in another form than the model's own (a quantised checkpoint): whoever reads
  /// them checks them.
  bool check_weights = true;
};

}  // namespace heddle

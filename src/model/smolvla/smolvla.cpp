#include "model/smolvla/smolvla.h"

#include <cstring>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "model/smolvla/checkpoint.h"
#include "model/smolvla/graph.h"
#include "model/smolvla/observation.h"
#include "model/smolvla/statistics.h"
#include "model/smolvla/task.h"

namespace heddle::smolvla {
namespace {

class SmolVla final : public Policy {
 public:
  SmolVla(const std::filesystem::path& folder, PolicyOptions options)
      : folder_(folder),
        options_(std::move(options)),
        config_(read_config(folder)),
        table_(config_),
        weights_(folder),
        pipelines_(read_pipelines(folder, config_)),
        statistics_(config_, pipelines_, weights_) {
    if (options_.check_weights) check_weights(table_, weights_, config_);
    info_ = {"smolvla",           config_.cameras,         config_.state_size,
             config_.action_size, config_.max_action_size, config_.chunk,
             config_.steps,       config_.action_names,    statistics_.keys()};
  }

  [[nodiscard]] const PolicyInfo& info() const override { return info_; }
  [[nodiscard]] const SafeTensors& weights() const override { return weights_; }

  [[nodiscard]] PolicyShape shape(const PolicyRequest& request) const override {
    const std::int64_t steps = request.steps.value_or(config_.steps);
    if (steps < 1 || steps > kMaxSteps) {
      throw UserError(fmt::format("{} denoising steps", steps),
                      fmt::format("choose a number from 1 to {}", kMaxSteps));
    }
    PolicyShape shape;
    for (const CameraImage& image : match_cameras(config_, pipelines_.renamed, request)) {
      shape.cameras.push_back(image.camera->name);
    }
    shape.language_tokens = std::ssize(reader().ids(request.task));
    shape.steps = steps;
    return shape;
  }

  [[nodiscard]] Graph graph(const PolicyShape& shape) const override {
    check(shape);
    std::optional<ImageTokens> tokens;
    if (config_.image_special_tokens) tokens = reader().image_tokens();
    return make_graph(config_, table_, shape, tokens);
  }

  [[nodiscard]] std::map<std::string, Tensor> inputs(const PolicyRequest& request) const override {
    std::map<std::string, Tensor> inputs;
    const std::vector<std::int32_t> ids = reader().ids(request.task);
    Tensor tokens(DType::kI32, {std::ssize(ids)});
    std::memcpy(tokens.bytes.data(), ids.data(), tokens.bytes.size());
    inputs.emplace("token_ids", std::move(tokens));
    inputs.emplace("state",
                   state_tensor(config_, request.state, statistics_.state(request.statistics_key)));
    inputs.emplace("noise", noise_tensor(config_, request));
    const auto images = match_cameras(config_, pipelines_.renamed, request);
    inputs.emplace("images", image_tensor(config_, images, request.route));
    return inputs;
  }

  [[nodiscard]] Tensor actions(const Tensor& raw, const PolicyRequest& request) const override {
    return action_tensor(config_, raw, statistics_.action(request.statistics_key));
  }

 private:
  /// The tokenizer is the one part that a checkpoint may lack and much be done without.
  const TaskReader& reader() const {
    const std::lock_guard lock(reader_mutex_);
    if (!reader_) {
      reader_.emplace(find_tokenizer(folder_, pipelines_, options_.tokenizer), pipelines_,
                      config_.backbone.text.vocabulary);
    }
    return *reader_;
  }

  /// Shapes that people make up, to ask what a Graph would cost.
  void check(const PolicyShape& shape) const {
    const auto known = [&](const std::string& name) {
      return std::any_of(config_.cameras.begin(), config_.cameras.end(),
                         [&](const PolicyCamera& camera) { return camera.name == name; });
    };
    const bool cameras = !shape.cameras.empty() && shape.cameras.size() <= config_.cameras.size() &&
                         std::all_of(shape.cameras.begin(), shape.cameras.end(), known);
    if (cameras && shape.language_tokens >= 1 && shape.language_tokens <= pipelines_.max_tokens &&
        shape.steps >= 1 && shape.steps <= kMaxSteps) {
      return;
    }
    std::vector<std::string> names;
    names.reserve(config_.cameras.size());
    for (const PolicyCamera& camera : config_.cameras) names.push_back(shorten(camera.name));
    throw UserError(fmt::format("no request has cameras ({}), {} language tokens and {} steps",
                                fmt::join(shape.cameras, ", "), shape.language_tokens, shape.steps),
                    fmt::format("choose cameras from {}, 1 to {} tokens and 1 to {} steps",
                                fmt::join(names, ", "), pipelines_.max_tokens, kMaxSteps));
  }

  std::filesystem::path folder_;
  PolicyOptions options_;
  Config config_;
  WeightTable table_;
  SafeTensors weights_;
  Pipelines pipelines_;
  Statistics statistics_;
  PolicyInfo info_;
  mutable std::mutex reader_mutex_;
  mutable std::optional<TaskReader> reader_;
};

}  // namespace

std::unique_ptr<Policy> open_smolvla(const std::filesystem::path& folder,
                                     const PolicyOptions& options) {
  return std::make_unique<SmolVla>(folder, options);
}

}  // namespace heddle::smolvla

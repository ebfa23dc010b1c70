#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "model/smolvla/checkpoint.h"
#include "model/smolvla/smolvla.h"
#include "model/smolvla/statistics.h"
#include "model/smolvla/task.h"

namespace heddle::smolvla {
namespace {

namespace fs = std::filesystem;

/// Fills a ModelDescription part by part.
class Describer {
 public:
  Describer(const fs::path& folder, bool check_weights)
      : folder_(folder),
        check_weights_(check_weights),
        config_(read_config(folder)),
        table_(config_),
        weights_(folder) {}

  ModelDescription run() {
    description_.model = "smolvla";
    add_facts();
    add_components();
    compare();
    add_pipelines();
    add_tokenizer();
    return std::move(description_);
  }

 private:
  template <typename Value>
  void fact(std::string name, const Value& value) {
    description_.facts.emplace_back(std::move(name), fmt::format("{}", value));
  }

  void add_facts() {
    const Backbone& backbone = config_.backbone;
    std::vector<std::string> cameras;
    cameras.reserve(config_.cameras.size());
    for (const PolicyCamera& camera : config_.cameras) {
      cameras.push_back(fmt::format("{} {}x{}", camera.name, camera.width, camera.height));
    }
    fact("backbone", config_.backbone_name);
    fact("cameras", fmt::format("{}", fmt::join(cameras, ", ")));
    fact("image", fmt::format("{0}x{0}, {1} patches, {2} tokens", backbone.vision.image,
                              backbone.vision.patches(), backbone.image_tokens()));
    fact("vision tower", fmt::format("{} layers of {}, {} heads", backbone.vision.layers,
                                     backbone.vision.hidden, backbone.vision.heads));
    fact("text model",
         fmt::format("{} layers of {}, {} heads, {} key heads", config_.vlm_layers,
                     backbone.text.hidden, backbone.text.heads, backbone.text.kv_heads));
    fact("expert", fmt::format("{} layers of {}, intermediate {}", config_.expert.layers,
                               config_.expert.hidden, config_.expert.intermediate));
    fact("state", fmt::format("{} of {}", config_.state_size, config_.max_state_size));
    fact("action", fmt::format("{} of {}", config_.action_size, config_.max_action_size));
    fact("chunk", config_.chunk);
    fact("steps", config_.steps);
  }

  ComponentDescription& component(const std::string& name) {
    auto& all = description_.components;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& part) { return part.name == name; });
    if (found != all.end()) return *found;
    all.push_back({name, 0, 0, 0, {}, 0});
    return all.back();
  }

  void count(const std::string& part, const TensorView& view, std::int64_t parameters, bool read) {
    ComponentDescription& total = component(part);
    ++total.tensors;
    total.bytes += std::ssize(view.bytes);
    if (parameters == 0) return;
    total.parameters += parameters;
    total.parameters_by_dtype[std::string(name_of(view.dtype))] += parameters;
    if (!read) total.unread_parameters += parameters;
  }

  /// The weight that a tensor is a part of; nullptr if it is a part of none.
  [[nodiscard]] const WeightSpec* whole(const std::string& name) const {
    return check_weights_ ? nullptr : table_.find(name.substr(0, name.rfind('.')));
  }

  void add_components() {
    for (const WeightSpec& spec : table_.all()) {
      const TensorView* view = weights_.find(spec.name);
      if (view == nullptr) continue;
      const Shape& shape = check_weights_ ? view->shape : spec.shape;
      count(spec.component, *view, element_count(shape), spec.read);
      if (!spec.read) description_.unread.push_back(spec.name);
    }
    for (const std::string& name : weights_.names()) {
      if (table_.find(name) != nullptr) continue;
      const TensorView& view = weights_.get(name);
      if (const WeightSpec* spec = whole(name)) {
        count(spec->component, view, 0, spec->read);
      } else {
        count(is_statistics_buffer(name) ? "statistics" : "unknown", view,
              element_count(view.shape), false);
      }
    }
  }

  void compare() {
    WeightComparison comparison = compare_weights(table_, weights_);
    description_.missing = std::move(comparison.missing);
    if (check_weights_) description_.wrong = std::move(comparison.wrong);
    description_.unknown = std::move(comparison.unknown);
    std::erase_if(description_.unknown,
                  [&](const std::string& name) { return whole(name) != nullptr; });
  }

  void file(const fs::path& path, std::string purpose) {
    FileDescription entry;
    entry.name = path.lexically_relative(folder_).generic_string();
    entry.purpose = std::move(purpose);
    std::error_code error;
    const auto bytes = fs::file_size(path, error);
    entry.present = !error;
    entry.bytes = error ? 0 : bytes;
    description_.files.push_back(std::move(entry));
  }

  void note(const UserError& error) {
    description_.notes.push_back(fmt::format("{}; {}", error.what(), error.remedy()));
  }

  /// Files around the weights may be broken and the weights worth describing all the same.
  void add_pipelines() {
    file(folder_ / "config.json", "configuration");
    file(weights_.path(), "weights");
    file(folder_ / "policy_preprocessor.json", "what is done to observations");
    file(folder_ / "policy_postprocessor.json", "what is done to actions");
    try {
      pipelines_ = read_pipelines(folder_, config_);
      const auto& [input, output] = std::pair(pipelines_->input, pipelines_->output);
      if (input.state_file) file(*input.state_file, "statistics of observations");
      if (output.state_file) file(*output.state_file, "statistics of actions");
      add_statistics(Statistics(config_, *pipelines_, weights_));
    } catch (const UserError& error) {
      note(error);
    }
  }

  void add_statistics(const Statistics& statistics) {
    std::vector<std::string> named;
    for (const std::string& key : statistics.keys()) {
      if (!key.empty()) named.push_back(key);
    }
    if (!named.empty()) fact("statistics keys", fmt::format("{}", fmt::join(named, ", ")));
    try {
      static_cast<void>(statistics.action(""));
      static_cast<void>(statistics.state(""));
    } catch (const UserError& error) {
      note(error);
    }
    for (const std::string& key : named) {
      if (!statistics.lacks_state(key)) continue;
      description_.notes.push_back(fmt::format(
          "there are statistics of actions under {} but none of the state, which is then handed "
          "on unchanged",
          shorten(key)));
    }
  }

  void add_tokenizer() {
    if (!pipelines_) return;
    try {
      const fs::path tokenizer = find_tokenizer(folder_, *pipelines_, {});
      file(tokenizer, "tokenizer of the task");
      static_cast<void>(TaskReader(tokenizer, *pipelines_, config_.backbone.text.vocabulary));
    } catch (const UserError& error) {
      note(error);
    }
  }

  fs::path folder_;
  bool check_weights_;
  Config config_;
  WeightTable table_;
  SafeTensors weights_;
  std::optional<Pipelines> pipelines_;
  ModelDescription description_;
};

}  // namespace

ModelDescription describe_smolvla(const fs::path& folder, bool check_weights) {
  return Describer(folder, check_weights).run();
}

}  // namespace heddle::smolvla

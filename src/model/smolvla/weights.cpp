#include "model/smolvla/weights.h"

#include "base/error.h"

namespace heddle::smolvla {
namespace {

constexpr std::string_view kVisionKeys = R"("vision_config" of the backbone)";
constexpr std::string_view kTextKeys = R"("text_config" of the backbone)";
constexpr std::string_view kExpertKeys =
    R"("expert_width_multiplier" and "text_config" of the backbone)";

/// Collects the table part by part. The current component, keys, dtype and read mark go into every
/// tensor that is added.
class TableWriter {
 public:
  explicit TableWriter(const Config& config) : config_(config) {}

  std::vector<WeightSpec> run() {
    add_vision();
    add_connector();
    add_text();
    add_expert();
    add_heads();
    return std::move(specs_);
  }

 private:
  void part(std::string component, std::string_view keys, DType dtype = DType::kBF16) {
    component_ = std::move(component);
    keys_ = keys;
    dtype_ = dtype;
    read_ = true;
  }

  void add(const std::string& name, Shape shape, WeightRole role, const std::string& stream = "") {
    specs_.push_back({name, std::move(shape), dtype_, role, component_, read_, keys_, stream});
  }

  void linear(const std::string& prefix, std::int64_t out, std::int64_t in, bool bias,
              WeightRole role = WeightRole::kProjection, const std::string& stream = "") {
    add(prefix + ".weight", {out, in}, role, stream);
    if (bias) add(prefix + ".bias", {out}, WeightRole::kBias, stream);
  }

  void layer_norm(const std::string& prefix, std::int64_t size) {
    add(prefix + ".weight", {size}, WeightRole::kGain);
    add(prefix + ".bias", {size}, WeightRole::kBias);
  }

  void rms_norm(const std::string& prefix, std::int64_t size) {
    add(prefix + ".weight", {size}, WeightRole::kGain);
  }

  void gated_mlp(const std::string& layer, std::int64_t hidden, std::int64_t intermediate,
                 const std::string& stream) {
    linear(layer + "mlp.gate_proj", intermediate, hidden, false);
    linear(layer + "mlp.up_proj", intermediate, hidden, false);
    linear(layer + "mlp.down_proj", hidden, intermediate, false, WeightRole::kResidual, stream);
  }

  void add_vision() {
    const VisionConfig& vision = config_.backbone.vision;
    part("vision tower", kVisionKeys);
    const std::string embeddings = in_vision("embeddings.");
    add(embeddings + "patch_embedding.weight",
        {vision.hidden, vision.channels, vision.patch, vision.patch}, WeightRole::kProjection,
        "vision");
    add(embeddings + "patch_embedding.bias", {vision.hidden}, WeightRole::kBias, "vision");
    add(embeddings + "position_embedding.weight", {vision.patches(), vision.hidden},
        WeightRole::kPosition, "vision");
    for (std::int64_t i = 0; i < vision.layers; ++i) add_vision_layer(vision_layer(i));
    layer_norm(in_vision("post_layernorm"), vision.hidden);
  }

  void add_vision_layer(const std::string& layer) {
    const VisionConfig& vision = config_.backbone.vision;
    layer_norm(layer + "layer_norm1", vision.hidden);
    for (const char* name : {"q_proj", "k_proj", "v_proj"}) {
      linear(layer + "self_attn." + name, vision.hidden, vision.hidden, true);
    }
    linear(layer + "self_attn.out_proj", vision.hidden, vision.hidden, true, WeightRole::kResidual,
           "vision");
    layer_norm(layer + "layer_norm2", vision.hidden);
    linear(layer + "mlp.fc1", vision.intermediate, vision.hidden, true);
    linear(layer + "mlp.fc2", vision.hidden, vision.intermediate, true, WeightRole::kResidual,
           "vision");
  }

  void add_connector() {
    const Backbone& backbone = config_.backbone;
    part("connector", R"("scale_factor" and the "hidden_size"s of the backbone)");
    linear(in_vlm("model.connector.modality_projection.proj"), backbone.text.hidden,
           backbone.vision.hidden * backbone.scale_factor * backbone.scale_factor, false,
           WeightRole::kScaled, "text");
  }

  void add_text() {
    const TextConfig& text = config_.backbone.text;
    part("token embedding", kTextKeys);
    add(in_text("embed_tokens.weight"), {text.vocabulary, text.hidden}, WeightRole::kEmbedding,
        "text");
    part("text layers", kTextKeys);
    for (std::int64_t i = 0; i < config_.vlm_layers; ++i) add_text_layer(i);
    // The text model only provides keys and values: nothing reads what it would say.
    part("text norm", kTextKeys);
    read_ = false;
    rms_norm(in_text("norm"), text.hidden);
    part("language head", kTextKeys);
    read_ = false;
    linear(in_vlm("lm_head"), text.vocabulary, text.hidden, false);
  }

  /// Of the last layer that is read only keys and values are, of those after it nothing.
  void add_text_layer(std::int64_t i) {
    const TextConfig& text = config_.backbone.text;
    const std::string layer = text_layer(i);
    const bool provides = i <= config_.last_read_layer();
    const bool continues = i < config_.last_read_layer();
    read_ = provides;
    rms_norm(layer + "input_layernorm", text.hidden);
    linear(layer + "self_attn.k_proj", text.kv_size(), text.hidden, false);
    linear(layer + "self_attn.v_proj", text.kv_size(), text.hidden, false);
    read_ = continues;
    linear(layer + "self_attn.q_proj", text.query_size(), text.hidden, false);
    linear(layer + "self_attn.o_proj", text.hidden, text.query_size(), false, WeightRole::kResidual,
           "text");
    rms_norm(layer + "post_attention_layernorm", text.hidden);
    gated_mlp(layer, text.hidden, text.intermediate, "text");
  }

  void add_expert() {
    part("expert layers", kExpertKeys);
    for (std::int64_t i = 0; i < config_.expert.layers; ++i) add_expert_layer(i);
    part("expert norm", kExpertKeys);
    rms_norm(in_expert("norm"), config_.expert.hidden);
  }

  void add_expert_layer(std::int64_t i) {
    const TextConfig& text = config_.backbone.text;
    const std::int64_t hidden = config_.expert.hidden;
    const std::string layer = expert_layer(i);
    const bool self = config_.self_attention(i);
    rms_norm(layer + "input_layernorm", hidden);
    linear(layer + "self_attn.q_proj", text.query_size(), hidden, false);
    // Cross-attention projects the text model's keys and values again.
    if (!self) dtype_ = DType::kF32;
    for (const char* name : {"k_proj", "v_proj"}) {
      linear(layer + "self_attn." + name, text.kv_size(), self ? hidden : text.kv_size(), false);
    }
    dtype_ = DType::kBF16;
    linear(layer + "self_attn.o_proj", hidden, text.query_size(), false, WeightRole::kResidual,
           "expert");
    rms_norm(layer + "post_attention_layernorm", hidden);
    gated_mlp(layer, hidden, config_.expert.intermediate, "expert");
  }

  void add_heads() {
    const std::int64_t hidden = config_.expert.hidden;
    part("projections", R"("max_state_dim" and "text_config" of the backbone)", DType::kF32);
    linear(in_model("state_proj"), config_.backbone.text.hidden, config_.max_state_size, true,
           WeightRole::kProjection, "text");
    part("projections", R"("max_action_dim" and "expert_width_multiplier")", DType::kF32);
    linear(in_model("action_in_proj"), hidden, config_.max_action_size, true);
    linear(in_model("action_out_proj"), config_.max_action_size, hidden, true);
    part("projections", R"("expert_width_multiplier")", DType::kF32);
    linear(in_model("action_time_mlp_in"), hidden, 2 * hidden, true);
    linear(in_model("action_time_mlp_out"), hidden, hidden, true, WeightRole::kProjection,
           "expert");
  }

  const Config& config_;
  std::vector<WeightSpec> specs_;
  std::string component_;
  std::string keys_;
  DType dtype_ = DType::kBF16;
  bool read_ = true;
};

}  // namespace

std::string in_model(std::string_view name) {
  return fmt::format("model.{}", name);
}

std::string in_vlm(std::string_view name) {
  return fmt::format("model.vlm_with_expert.vlm.{}", name);
}

std::string in_vision(std::string_view name) {
  return fmt::format("model.vlm_with_expert.vlm.model.vision_model.{}", name);
}

std::string in_text(std::string_view name) {
  return fmt::format("model.vlm_with_expert.vlm.model.text_model.{}", name);
}

std::string in_expert(std::string_view name) {
  return fmt::format("model.vlm_with_expert.lm_expert.{}", name);
}

std::string vision_layer(std::int64_t layer) {
  return in_vision(fmt::format("encoder.layers.{}.", layer));
}

std::string text_layer(std::int64_t layer) {
  return in_text(fmt::format("layers.{}.", layer));
}

std::string expert_layer(std::int64_t layer) {
  return in_expert(fmt::format("layers.{}.", layer));
}

WeightTable::WeightTable(const Config& config) : specs_(TableWriter(config).run()) {
  for (std::size_t i = 0; i < specs_.size(); ++i) index_.emplace(specs_[i].name, i);
}

const WeightSpec* WeightTable::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &specs_[found->second];
}

const WeightSpec& WeightTable::at(const std::string& name) const {
  const WeightSpec* spec = find(name);
  ensure(spec != nullptr, "SmolVLA has no tensor {}", name);
  return *spec;
}

}  // namespace heddle::smolvla

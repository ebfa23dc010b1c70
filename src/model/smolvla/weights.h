// The tensors of a SmolVLA checkpoint: names and shapes, as they follow from the config.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/smolvla/config.h"
#include "tensor/dtype.h"
#include "tensor/tensor.h"

namespace heddle::smolvla {

/// What a tensor does in its layer; decides how `synth` draws its values.
enum class WeightRole {
  kProjection,  ///< the weight of a linear map, [out,in...]
  kScaled,      ///< the same, of a map whose result is multiplied by sqrt(out)
  kResidual,    ///< the same, of the last map of a residual branch
  kBias,
  kGain,       ///< the weight of a normalisation
  kEmbedding,  ///< rows that are looked up and multiplied by sqrt(hidden)
  kPosition,   ///< rows that are added
};

/// One expected tensor.
struct WeightSpec {
  std::string name;
  Shape shape;
  DType dtype = DType::kBF16;  ///< in the published checkpoint; other float types are read too
  WeightRole role{};
  std::string component;  ///< "vision tower", "text layers", ...
  bool read = true;       ///< false for what no action depends on
  std::string keys;       ///< the config keys that the shape follows from, for messages
  /// "vision", "text" or "expert": the residual stream that its output channels are added to; empty
  /// for none.
  std::string stream;
};

/// All expected tensors, in the order of the model, with lookup by name.
class WeightTable {
 public:
  explicit WeightTable(const Config& config);

  [[nodiscard]] const std::vector<WeightSpec>& all() const { return specs_; }
  /// nullptr if no tensor of that name is expected.
  [[nodiscard]] const WeightSpec* find(const std::string& name) const;
  /// InternalError for an unknown name.
  [[nodiscard]] const WeightSpec& at(const std::string& name) const;

 private:
  std::vector<WeightSpec> specs_;
  std::map<std::string, std::size_t> index_;
};

// The full names of what a part of the model calls `name`: "state_proj.weight",
// "post_layernorm.weight", "embed_tokens.weight", "norm.weight".
std::string in_model(std::string_view name);
std::string in_vlm(std::string_view name);
std::string in_vision(std::string_view name);
std::string in_text(std::string_view name);
std::string in_expert(std::string_view name);

// "...encoder.layers.3." and the like.
std::string vision_layer(std::int64_t layer);
std::string text_layer(std::int64_t layer);
std::string expert_layer(std::int64_t layer);

}  // namespace heddle::smolvla

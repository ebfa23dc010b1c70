// Checkpoint folders for tests, without weights unless a test asks for them.
#pragma once

#include <map>
#include <string>

#include "base/json.h"
#include "model/smolvla/config.h"
#include "model/smolvla/embedded.h"
#include "model/smolvla/synth.h"
#include "support/scratch.h"
#include "tensor/safetensors.h"

namespace heddle::smolvla {

/// A folder with the config.json of a size of `synth`, changed by a JSON merge patch.
class ConfigFolder {
 public:
  explicit ConfigFolder(const std::string& size, const Json& patch = Json::object()) {
    const Json all = parse_json(synth_json(), "synth.json");
    const Json& chosen = all.at("sizes").at(size);
    policy_ = all.at("policy");
    policy_.merge_patch(chosen.at("policy"));
    policy_.merge_patch(patch);
    scratch_.put("config.json", policy_.dump());
    if (chosen.contains("backbone")) put_backbone(chosen.at("backbone"));
  }

  void put_backbone(const Json& backbone) {
    std::filesystem::create_directories(scratch_ / "vlm");
    scratch_.put("vlm/config.json", backbone.dump());
  }

  [[nodiscard]] const std::filesystem::path& path() const { return scratch_.path(); }
  [[nodiscard]] const Scratch& scratch() const { return scratch_; }
  [[nodiscard]] const Json& policy() const { return policy_; }
  [[nodiscard]] Config config() const { return read_config(path()); }

 private:
  Scratch scratch_;
  Json policy_;
};

/// The backbone's config.json of a size, changed by a merge patch.
inline Json backbone_json(const std::string& size, const Json& patch = Json::object()) {
  Json backbone = parse_json(synth_json(), "synth.json").at("sizes").at(size).at("backbone");
  backbone.merge_patch(patch);
  return backbone;
}

/// A whole checkpoint of size tiny.
class TinyCheckpoint {
 public:
  explicit TinyCheckpoint(std::uint64_t seed = 1) {
    synthesise({"smolvla", "tiny", seed, path(), false, 1});
  }

  [[nodiscard]] std::filesystem::path path() const { return scratch_ / "tiny"; }
  [[nodiscard]] const Scratch& scratch() const { return scratch_; }

  void patch_config(const Json& patch) const {
    Json config = read_json(path() / "config.json");
    config.merge_patch(patch);
    write_file(path() / "config.json", config.dump());
  }

 private:
  Scratch scratch_;
};

/// Writes float32 vectors as a safetensors file.
inline void put_vectors(const std::filesystem::path& path,
                        const std::map<std::string, std::vector<float>>& vectors) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, values] : vectors) {
    tensors.emplace(name, Tensor::from_floats({std::ssize(values)}, values));
  }
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : tensors) views.emplace(name, tensor.view());
  write_safetensors(path, views);
}

}  // namespace heddle::smolvla

// Data files of this folder, compiled into the program.
#pragma once

#include <string_view>

namespace heddle::smolvla {

/// defaults.json: what LeRobot ("policy") and transformers ("backbone") take for keys that a
/// config.json leaves out.
extern const std::string_view kDefaultsJson;
/// backbones.json: the published configurations of SmolVLMs by name.
extern const std::string_view kBackbonesJson;
/// synth.json: the configurations of the checkpoints that `synth` makes.
extern const std::string_view kSynthJson;
/// tokenizer.json: a small tokenizer of the same kind as SmolVLM2's, for checkpoints of `synth`.
extern const std::string_view kTokenizerJson;

}  // namespace heddle::smolvla

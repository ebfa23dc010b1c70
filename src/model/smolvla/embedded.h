// Data files of this folder, compiled into the program.
#pragma once

#include <string_view>

namespace heddle::smolvla {

/// defaults.json: what LeRobot ("policy") and transformers ("backbone") take for keys that a
/// config.json leaves out.
std::string_view defaults_json();
/// backbones.json: the published configurations of SmolVLMs by name.
std::string_view backbones_json();
/// synth.json: the configurations of the checkpoints that `synth` makes.
std::string_view synth_json();
/// tokenizer.json: a small tokenizer of the same kind as SmolVLM2's, for checkpoints of `synth`.
std::string_view tokenizer_json();

}  // namespace heddle::smolvla

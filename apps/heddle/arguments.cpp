#include "apps/heddle/arguments.h"

#include <charconv>
#include <cmath>

#include "base/error.h"
#include "model/image/decode.h"
#include "tensor/safetensors.h"

namespace heddle {

std::map<std::string, Image> read_images(const std::vector<std::string>& arguments) {
  std::map<std::string, Image> images;
  for (const std::string& argument : arguments) {
    const std::size_t equals = argument.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == argument.size()) {
      throw UserError(fmt::format("--image {} is not CAMERA=FILE", argument),
                      "write for example --image camera1=front.png");
    }
    const std::string camera = argument.substr(0, equals);
    if (!images.emplace(camera, load_image(argument.substr(equals + 1))).second) {
      throw UserError(fmt::format("--image gives camera {} twice", camera),
                      "give each camera once");
    }
  }
  return images;
}

std::vector<float> read_state(std::string_view text) {
  std::vector<float> state;
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = text.substr(0, comma);
    float value = 0;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), value);
    if (error != std::errc() || end != item.data() + item.size() || !std::isfinite(value)) {
      throw UserError(fmt::format("--state: \"{}\" is not a number", item),
                      "give numbers separated by commas, for example --state 0.1,-0.5,0");
    }
    state.push_back(value);
    if (comma == text.size()) return state;
    text.remove_prefix(comma + 1);
  }
}

Tensor read_noise(const std::filesystem::path& path) {
  const SafeTensors file(path);
  const TensorView& noise = file.get("noise");
  if (noise.dtype != DType::kF32) {
    throw UserError(fmt::format("{}: noise is {}, not F32", path.string(), name_of(noise.dtype)),
                    "save the noise as float32");
  }
  return Tensor::from_floats(noise.shape, to_floats(noise));
}

void add_threads_option(CLI::App& verb, int& threads) {
  verb.add_option("--threads", threads, "Threads (default: one per processor)")
      ->check(CLI::Range(1, 1024));
}

}  // namespace heddle

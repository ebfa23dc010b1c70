// What people type for pictures, states and noise, as values.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/image/image.h"
#include "tensor/tensor.h"

namespace heddle {

/// "camera1=a.png" pairs, decoded. Throws UserError.
std::map<std::string, Image> read_images(const std::vector<std::string>& arguments);

/// "0.1,-2,3e-1" as finite numbers. Throws UserError.
std::vector<float> read_state(std::string_view text);

/// The float32 tensor "noise" of a safetensors file. Throws UserError.
Tensor read_noise(const std::filesystem::path& path);

/// --threads; `threads` holds the default and must outlive the App.
void add_threads_option(CLI::App& verb, int& threads);

}  // namespace heddle

// Where results go: standard output for people and programs, files by their extension.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace heddle {

/// Writes to standard output. Throws UserError if that fails (a full disk, a closed pipe).
void print_out(std::string_view text);

/// Throws UserError unless the extension is one that write_actions knows and the folder exists, so
/// that a long run does not end in a name that cannot be written.
void check_actions_path(const std::filesystem::path& path);

/// Writes [rows,columns] float32 as .safetensors (tensor "actions"), .npy, or .csv with `names` as
/// its header. Throws UserError.
void write_actions(const std::filesystem::path& path, const Tensor& actions,
                   const std::vector<std::string>& names);

}  // namespace heddle

#include "apps/heddle/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "tensor/npy.h"
#include "tensor/safetensors.h"

namespace heddle {
namespace {

std::string csv(const Tensor& actions, const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) text += (i > 0 ? "," : "") + names[i];
  text += '\n';
  const std::span<const float> values = actions.floats();
  for (std::size_t i = 0; i < values.size(); ++i) {
    text += fmt::format("{}{}", values[i], (i + 1) % names.size() == 0 ? '\n' : ',');
  }
  return text;
}

}  // namespace

void print_out(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written || std::fflush(stdout) != 0) {
    throw UserError(fmt::format("cannot write to standard output: {}", std::strerror(errno)),
                    "check where the output is redirected to");
  }
}

void check_actions_path(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  if (extension != ".safetensors" && extension != ".npy" && extension != ".csv") {
    throw UserError(fmt::format("cannot tell what to write to {}", path.string()),
                    "name a file that ends in .safetensors, .npy or .csv");
  }
  const std::filesystem::path folder = path.parent_path().empty() ? "." : path.parent_path();
  if (!std::filesystem::is_directory(folder)) {
    throw UserError(fmt::format("{} is not a folder", folder.string()),
                    fmt::format("mkdir -p {}", folder.string()));
  }
}

void write_actions(const std::filesystem::path& path, const Tensor& actions,
                   const std::vector<std::string>& names) {
  const std::string extension = path.extension().string();
  if (extension == ".npy") return write_npy(path, actions.shape, actions.floats());
  if (extension == ".csv") return write_file(path, csv(actions, names));
  write_safetensors(path, {{"actions", actions.view()}});
}

}  // namespace heddle

// The options that make up a request to a policy, for every verb that runs one.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/policy.h"

namespace heddle {

struct RequestOptions {
  std::vector<std::string> images;
  std::string state;
  std::string task;
  std::string noise;
  std::uint64_t seed = 0;
  std::optional<std::int64_t> steps;
  std::string stats_key;
  std::string tokenizer;
  std::string image_route = "policy";

  /// The options must outlive the App.
  void add_to(CLI::App& verb);
  [[nodiscard]] PolicyOptions policy_options() const;
  /// Reads the files. Throws UserError.
  [[nodiscard]] PolicyRequest read() const;
};

}  // namespace heddle

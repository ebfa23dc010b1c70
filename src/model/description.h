// What is in a checkpoint folder, for people who look before they run.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace heddle {

/// A part of a model and what it weighs in this checkpoint.
struct ComponentDescription {
  std::string name;
  std::int64_t tensors = 0;
  std::int64_t parameters = 0;
  std::int64_t bytes = 0;
  std::map<std::string, std::int64_t> parameters_by_dtype;
  /// Of these, parameters that no answer depends on.
  std::int64_t unread_parameters = 0;
};

/// A file that belongs to a checkpoint of this kind.
struct FileDescription {
  std::string name;     ///< relative to the folder
  std::string purpose;  ///< "normalisation of the state"
  bool present = false;
  std::uint64_t bytes = 0;
};

struct ModelDescription {
  std::string model;  ///< "smolvla"
  /// The configuration in the order in which people ask for it: "cameras" -> "camera1, camera2".
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<ComponentDescription> components;  ///< in the order of the model
  std::vector<FileDescription> files;
  std::vector<std::string> missing;  ///< tensors that are expected and needed, but not there
  std::vector<std::string> wrong;    ///< sentences on tensors of wrong shape or type
  std::vector<std::string> unknown;  ///< tensors that this program does not know
  std::vector<std::string> unread;   ///< tensors that are there, but no answer depends on them
  /// What the user should know or choose: statistics keys, a missing tokenizer.
  std::vector<std::string> notes;
};

}  // namespace heddle

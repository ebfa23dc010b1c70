// What tests of user mistakes share: a checkpoint to break, a program to run on it, and what its
// answer must be.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <functional>

#include "base/file.h"
#include "base/json.h"
#include "model/registry.h"
#include "support/scratch.h"
#include "tensor/safetensors.h"

namespace heddle {

namespace fs = std::filesystem;

/// A tiny checkpoint, made once.
inline fs::path pristine() {
  static const Scratch made;
  if (!fs::exists(made / "model")) synthesise({"smolvla", "tiny", 1, made / "model", false, 2});
  return made / "model";
}

/// A folder with a checkpoint "model" and a picture "a.png", and the arguments of a run that works;
/// each test breaks one thing.
struct Workshop {
  Scratch scratch;
  fs::path model = scratch / "model";
  std::string verb = "run";
  std::string images = "--image camera1=a.png";
  std::string state = "--state 0,0,0,0,0,0";
  std::string task = "--task 'pick up the cube'";
  std::string more;
  std::string shell;  ///< before the program: ulimit and the like

  explicit Workshop(const fs::path& checkpoint = pristine()) {
    fs::copy(checkpoint, model, fs::copy_options::recursive);
    fs::copy("examples/table/camera1.png", scratch / "a.png");
  }

  void edit_json(const std::string& name, const std::function<void(Json&)>& edit) const {
    Json json = read_json(model / name);
    edit(json);
    write_file(model / name, json.dump(2));
  }
  void config(const std::function<void(Json&)>& edit) const { edit_json("config.json", edit); }

  using Tensors = std::map<std::string, Tensor>;
  void edit_tensors(const std::string& name, const std::function<void(Tensors&)>& edit) const {
    Tensors tensors;
    {
      const SafeTensors file(model / name);
      for (const std::string& key : file.names()) {
        Tensor copy(file.get(key).dtype, file.get(key).shape);
        std::copy(file.get(key).bytes.begin(), file.get(key).bytes.end(), copy.bytes.begin());
        tensors.emplace(key, std::move(copy));
      }
    }
    edit(tensors);
    std::map<std::string, TensorView> views;
    for (const auto& [key, tensor] : tensors) views.emplace(key, tensor.view());
    write_safetensors(model / name, views);
  }
  void weights(const std::function<void(Tensors&)>& edit) const {
    edit_tensors("model.safetensors", edit);
  }
  void statistics(const std::function<void(Tensors&)>& edit) const {
    edit_tensors("policy_preprocessor_step_5_normalizer_processor.safetensors", edit);
    edit_tensors("policy_postprocessor_step_0_unnormalizer_processor.safetensors", edit);
  }

  struct Outcome {
    int exit_code;
    std::string out, err;
  };

  [[nodiscard]] Outcome run() const {
    std::string arguments = verb;
    if (verb == "run") {
      for (const std::string& part : {std::string("model"), images, state, task}) {
        arguments += " " + part;
      }
    }
    // `more` stands last, where a redirection of its own wins.
    const std::string command = "cd '" + scratch.path().string() + "' && " + shell +
                                (shell.empty() ? "" : " && ") + "'" + HEDDLE_PROGRAM + "' " +
                                arguments + " > out.txt 2> err.txt < /dev/null " + more;
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(scratch / "out.txt"),
            read_file(scratch / "err.txt")};
  }
};

struct Mistake {
  std::string name;
  std::function<void(Workshop&)> make;
  std::vector<std::string> words;  ///< that the message must contain
};

/// Makes the mistake in a workshop that works, and looks at what the program says of it.
inline void expect_explained(Workshop& workshop, const Mistake& mistake) {
  mistake.make(workshop);
  const std::vector<std::string> before = workshop.scratch.list();
  const Workshop::Outcome outcome = workshop.run();
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  for (const std::string& word : mistake.words) {
    EXPECT_NE(outcome.err.find(word), std::string::npos)
        << "the message does not name " << word << ":\n"
        << outcome.err;
  }
  EXPECT_EQ(outcome.err.find("internal error"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("Sanitizer"), std::string::npos) << outcome.err;
  EXPECT_LE(outcome.err.size(), 2000U) << "one message, not a flood";
  std::vector<std::string> after = workshop.scratch.list();
  std::erase_if(after,
                [](const std::string& name) { return name == "out.txt" || name == "err.txt"; });
  EXPECT_EQ(after, before) << "something was left behind";
  std::printf("  %s", outcome.err.c_str());
}

}  // namespace heddle

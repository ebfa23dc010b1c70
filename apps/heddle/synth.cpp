// heddle synth: a checkpoint with random weights, laid out like the published ones.
#include "apps/heddle/output.h"
#include "apps/heddle/verbs.h"
#include "base/error.h"
#include "base/threads.h"
#include "model/registry.h"

namespace heddle {

void add_synth(CLI::App& app) {
  auto request = std::make_shared<SynthesisRequest>();
  auto folder = std::make_shared<std::string>();
  request->size = "small";
  CLI::App* verb =
      app.add_subcommand("synth", "Make a checkpoint with random weights, for trying things out");
  verb->footer(
      "The folder has the files, tensor names, shapes and dtypes of a published checkpoint, and\n"
      "takes its place anywhere. full is as large as the published model; small has its widths\n"
      "but few layers; tiny is for tests. Equal seeds give equal bytes on every machine.\n\n"
      "--outliers makes a few channels of each residual stream 40 to 80 times as large as the\n"
      "rest, the same ones in all layers, as in trained transformers: what makes quantising "
      "hard.\n\n"
      "Example:\n"
      "  heddle synth smolvla --size small -o policy");
  verb->add_option("model", request->kind,
                   fmt::format("One of: {}", fmt::join(synthesis_kinds(), ", ")))
      ->required();
  verb->add_option("--size", request->size, "full, small or tiny")->capture_default_str();
  verb->add_option("--seed", request->seed, "Seed of the weights")->capture_default_str();
  verb->add_flag("--outliers", request->outliers, "Plant channels far larger than the rest");
  verb->add_option("-o,--output", *folder, "The folder to make")->required();
  verb->add_flag("--force", request->force, "Replace the folder if it exists");
  verb->callback([request, folder] {
    request->folder = *folder;
    request->threads = default_threads();
    synthesise(*request);
    print_out(fmt::format("wrote {}\n", *folder));
  });
}

}  // namespace heddle

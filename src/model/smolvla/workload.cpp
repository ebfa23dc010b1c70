#include "model/workload.h"

#include "base/error.h"
#include "model/smolvla/graph.h"
#include "model/smolvla/smolvla.h"

namespace heddle::smolvla {

Workload workload_of_smolvla(const std::filesystem::path& folder, const WorkloadOptions& options) {
  refuse(options.context, "tokens of context", "smolvla");
  const Config config = read_config(folder);
  const WeightTable table(config);
  const std::int64_t cameras = chosen(options.cameras, 1, std::ssize(config.cameras), "cameras");
  PolicyShape shape;
  for (std::int64_t i = 0; i < cameras; ++i) {
    shape.cameras.push_back(config.cameras[static_cast<std::size_t>(i)].name);
  }
  shape.language_tokens =
      chosen(options.tokens, config.max_tokens, config.max_tokens, "language tokens");
  shape.steps = chosen(options.steps, config.steps, kMaxSteps, "denoising steps");
  std::optional<ImageTokens> tokens;
  if (config.image_special_tokens) tokens.emplace();  // Which ones they are costs nothing.
  Workload workload;
  workload.model = "smolvla";
  workload.facts = {{"cameras", std::to_string(cameras)},
                    {"language tokens", std::to_string(shape.language_tokens)},
                    {"denoising steps", std::to_string(shape.steps)},
                    {"actions", std::to_string(config.chunk)}};
  workload.phases.push_back({"act", make_graph(config, table, shape, tokens, options.dead_code)});
  for (const WeightSpec& spec : table.all()) workload.parameters += element_count(spec.shape);
  return workload;
}

}  // namespace heddle::smolvla

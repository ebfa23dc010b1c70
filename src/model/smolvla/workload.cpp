#include "model/workload.h"

#include "base/error.h"
#include "model/smolvla/graph.h"
#include "model/smolvla/smolvla.h"

namespace heddle::smolvla {
namespace {

constexpr std::int64_t kMaxSteps = 1000;

/// Throws UserError unless the option lies in 1 ... most.
std::int64_t within(std::int64_t value, std::int64_t most, std::string_view what) {
  if (value >= 1 && value <= most) return value;
  throw UserError(fmt::format("{} {}", value, what), fmt::format("choose from 1 to {}", most));
}

}  // namespace

Workload workload_of_smolvla(const std::filesystem::path& folder, const WorkloadOptions& options) {
  const Config config = read_config(folder);
  const WeightTable table(config);
  const std::int64_t cameras =
      within(options.cameras.value_or(1), std::ssize(config.cameras), "cameras");
  PolicyShape shape;
  for (std::int64_t i = 0; i < cameras; ++i) {
    shape.cameras.push_back(config.cameras[static_cast<std::size_t>(i)].name);
  }
  shape.language_tokens =
      within(options.tokens.value_or(config.max_tokens), config.max_tokens, "language tokens");
  shape.steps = within(options.steps.value_or(config.steps), kMaxSteps, "denoising steps");
  std::optional<ImageTokens> tokens;
  if (config.image_special_tokens) tokens.emplace();  // Which ones they are costs nothing.
  Workload workload;
  workload.model = "smolvla";
  workload.facts = {{"cameras", std::to_string(cameras)},
                    {"language tokens", std::to_string(shape.language_tokens)},
                    {"denoising steps", std::to_string(shape.steps)},
                    {"actions", std::to_string(config.chunk)}};
  workload.phases.push_back({"act", make_graph(config, table, shape, tokens)});
  for (const WeightSpec& spec : table.all()) workload.parameters += element_count(spec.shape);
  return workload;
}

}  // namespace heddle::smolvla

#include "model/config_values.h"
#include "model/switch/graph.h"
#include "model/switch/switch.h"
#include "model/switch/tensors.h"

namespace heddle::switch_transformer {
namespace {

constexpr std::int64_t kTextTokens = 128;

}  // namespace

Workload workload_of_switch(const std::filesystem::path& folder, const WorkloadOptions& options) {
  refuse(options.cameras, "pictures", "switch_transformers");
  refuse(options.steps, "denoising steps", "switch_transformers");
  const Config config = read_config(folder);
  const TensorTable tensors = tensors_of(config);
  const std::int64_t tokens = chosen(options.tokens, kTextTokens, kMaxTokens, "text tokens");
  const std::int64_t context = chosen(options.context, tokens, kMaxTokens, "tokens of context");
  Workload workload;
  workload.model = "switch_transformers";
  workload.facts = {{"text tokens", std::to_string(tokens)},
                    {"context", std::to_string(context)},
                    {"experts", std::to_string(config.experts)}};
  workload.phases.push_back({"encode", make_encode(config, tensors, tokens)});
  workload.phases.push_back({"decode", make_decode(config, tensors, tokens, context)});
  workload.parameters = tensors.parameters();
  return workload;
}

}  // namespace heddle::switch_transformer

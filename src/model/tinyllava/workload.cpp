#include "base/error.h"
#include "model/tinyllava/graph.h"
#include "model/tinyllava/tensors.h"
#include "model/tinyllava/tinyllava.h"

namespace heddle::tinyllava {
namespace {

constexpr std::int64_t kQuestionTokens = 41;

/// All text stands before the pictures: where it stands costs nothing.
PromptShape prompt_of(std::int64_t tokens, std::int64_t pictures) {
  PromptShape shape;
  shape.text.resize(static_cast<std::size_t>(pictures) + 1);
  shape.text.front() = tokens;
  return shape;
}

}  // namespace

Workload workload_of_tinyllava(const std::filesystem::path& folder,
                               const WorkloadOptions& options) {
  refuse(options.steps, "denoising steps", "tinyllava");
  const Config config = read_config(folder);
  const TensorTable tensors = tensors_of(config);
  const std::int64_t pictures = chosen(options.cameras, 1, config.max_tokens, "pictures");
  const std::int64_t tokens =
      chosen(options.tokens, kQuestionTokens, config.max_tokens, "text tokens");
  const std::int64_t rows = tokens + pictures * config.picture_rows();
  if (rows > config.max_tokens) {
    throw UserError(
        fmt::format("{} text tokens and {} pictures of {} tokens are {}, more than the "
                    "{} of a prompt (\"tokenizer_model_max_length\" in {})",
                    tokens, pictures, config.picture_rows(), rows, config.max_tokens, config.where),
        "choose fewer");
  }
  const std::int64_t context = chosen(options.context, std::min(rows + 1, config.max_tokens),
                                      config.max_tokens, "tokens of context");
  Workload workload;
  workload.model = "tinyllava";
  workload.facts = {{"pictures", std::to_string(pictures)},
                    {"text tokens", std::to_string(tokens)},
                    {"prompt tokens", std::to_string(rows)},
                    {"context", std::to_string(context)}};
  workload.phases.push_back(
      {"prefill", make_prefill(config, tensors, prompt_of(tokens, pictures), options.dead_code)});
  workload.phases.push_back({"decode", make_decode(config, tensors, context)});
  workload.parameters = tensors.parameters();
  return workload;
}

}  // namespace heddle::tinyllava

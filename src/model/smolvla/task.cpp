#include "model/smolvla/task.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace heddle::smolvla {
namespace {

namespace fs = std::filesystem;

/// `name` as a folder inside `folder`; nothing if it would lead out of it.
std::optional<fs::path> inside(const fs::path& folder, const std::string& name) {
  const fs::path relative(name);
  if (name.empty() || relative.is_absolute()) return std::nullopt;
  if (std::find(relative.begin(), relative.end(), "..") != relative.end()) return std::nullopt;
  return folder / relative;
}

/// transformers takes the side from tokenizer_config.json, else from tokenizer.json. Where neither
/// says, it is that of SmolVLM2's tokenizers.
TruncationSide truncation_side(const fs::path& tokenizer_path, const Tokenizer& tokenizer) {
  const fs::path path = tokenizer_path.parent_path() / "tokenizer_config.json";
  std::error_code ignored;
  if (fs::exists(path, ignored)) {
    const Json json = read_json(path, 16ULL << 20);
    const std::string side = JsonObject(json, path.string()).string("truncation_side", "");
    if (side == "left") return TruncationSide::kLeft;
    if (side == "right") return TruncationSide::kRight;
    if (!side.empty()) {
      throw UserError(fmt::format("{}: \"truncation_side\" is {}", path.string(), quote(side)),
                      "set it to \"left\" or \"right\"");
    }
  }
  const std::optional<Truncation>& truncation = tokenizer.truncation();
  return truncation ? truncation->side : TruncationSide::kLeft;
}

}  // namespace

fs::path find_tokenizer(const fs::path& folder, const Pipelines& pipelines,
                        const std::optional<fs::path>& chosen) {
  if (chosen) return *chosen;
  std::vector<fs::path> candidates = {folder / "tokenizer.json",
                                      folder / "tokenizer" / "tokenizer.json"};
  if (const auto named = inside(folder, pipelines.tokenizer_name)) {
    candidates.push_back(*named / "tokenizer.json");
  }
  std::error_code ignored;
  for (const fs::path& candidate : candidates) {
    if (fs::is_regular_file(candidate, ignored)) return candidate;
  }
  throw UserError(
      fmt::format("{} holds no tokenizer.json; SmolVLA checkpoints use that of their backbone, {}",
                  folder.string(), quote(pipelines.backbone_name)),
      fmt::format("copy tokenizer.json from the public repository of {} to {}",
                  shorten(pipelines.backbone_name),
                  (folder / "tokenizer" / "tokenizer.json").string()));
}

TaskReader::TaskReader(const fs::path& tokenizer, const Pipelines& pipelines,
                       std::int64_t vocabulary)
    : where_(tokenizer.string()),
      tokenizer_(Tokenizer::from_json(tokenizer)),
      truncation_{static_cast<std::size_t>(pipelines.max_tokens),
                  truncation_side(tokenizer, tokenizer_)},
      append_newline_(pipelines.append_newline),
      vocabulary_(vocabulary) {}

std::vector<std::int32_t> TaskReader::ids(const std::string& task) const {
  if (task.find_first_not_of(" \t\r\n") == std::string::npos) {
    throw UserError("the task is empty",
                    "say what the robot is to do, such as \"pick up the red cube\"");
  }
  const bool complete = !append_newline_ || task.ends_with('\n');
  const std::vector<std::int32_t> ids =
      tokenizer_.encode(complete ? task : task + '\n', {.truncation = truncation_});
  for (const std::int32_t id : ids) {
    if (id < vocabulary_) continue;
    throw UserError(fmt::format("{} gives a token the id {}, but the model has {} of them", where_,
                                id, vocabulary_),
                    "use the tokenizer.json of the model the policy was trained on");
  }
  return ids;
}

std::int64_t TaskReader::token(const std::string& content) const {
  const std::optional<std::int32_t> id = tokenizer_.token_to_id(content);
  if (id && *id < vocabulary_) return *id;
  throw UserError(fmt::format("{} has no token {} that the model knows, which "
                              "\"add_image_special_tokens\" needs",
                              where_, quote(content)),
                  "use the tokenizer.json of the model the policy was trained on");
}

ImageTokens TaskReader::image_tokens() const {
  return {token("<fake_token_around_image>"), token("<global-img>")};
}

}  // namespace heddle::smolvla

#include "text_fixture.h"

#include <unistd.h>

#include <array>
#include <optional>
#include <stdexcept>

#include "base/file.h"
#include "base/utf8.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

std::optional<Tokenizer> load(const fs::path& path) {
  if (!fs::exists(path)) return std::nullopt;
  return Tokenizer::from_json(path);
}

struct CodeSpan {
  char32_t first;
  char32_t last;
};

constexpr std::array<CodeSpan, 12> kCodeSpans = {{{0x20, 0x7E},
                                                  {0x20, 0x7E},
                                                  {0x61, 0x66},
                                                  {0x09, 0x0D},
                                                  {0x20, 0x20},
                                                  {0x00, 0x24F},
                                                  {0x250, 0x1FFF},
                                                  {0x2000, 0x33FF},
                                                  {0x3400, 0xD7FF},
                                                  {0xE000, 0xFFFF},
                                                  {0x10000, 0x1FFFF},
                                                  {0x20000, 0x10FFFF}}};

}  // namespace

const Tokenizer* synthetic_tokenizer() {
  static const std::optional<Tokenizer> tokenizer = load(kSyntheticJson);
  return tokenizer ? &*tokenizer : nullptr;
}

const Tokenizer* phi2_tokenizer() {
  static const std::optional<Tokenizer> tokenizer = load(kPhi2Json);
  return tokenizer ? &*tokenizer : nullptr;
}

const Tokenizer* tokenizer_by_name(const std::string& name) {
  if (name == "phi2") return phi2_tokenizer();
  if (name == "synthetic") return synthetic_tokenizer();
  throw std::invalid_argument(name);
}

void write_tokenizer_folder(const Json& json, const fs::path& folder, bool special_tokens_map) {
  const Json& model = json["model"];
  write_file(folder / "vocab.json", model["vocab"].dump());
  std::string merges = "#version: 0.2\n";
  for (const Json& merge : model["merges"]) {
    merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
  }
  write_file(folder / "merges.txt", merges);
  Json added = Json::object();
  Json special = Json::array();
  for (const Json& token : json["added_tokens"]) {
    if (!model["vocab"].contains(token["content"])) added[token["content"]] = token["id"];
    if (token["special"].get<bool>()) special.push_back(token["content"]);
  }
  write_file(folder / "added_tokens.json", added.dump());
  if (!special_tokens_map) return;
  Json map;
  map["eos_token"] = special.front();
  map["unk_token"]["content"] = special.front();
  map["additional_special_tokens"] = special;
  write_file(folder / "special_tokens_map.json", map.dump());
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "heddle-text-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string random_text(std::mt19937& random, std::size_t most) {
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  std::string text;
  for (std::size_t left = below(most + 1); left > 0; --left) {
    const CodeSpan& span = kCodeSpans[below(kCodeSpans.size())];
    append_utf8(text, span.first + static_cast<char32_t>(below(span.last - span.first + 1)));
  }
  return text;
}

std::string to_text(std::span<const std::int32_t> ids) {
  return fmt::format("{}", fmt::join(ids, " "));
}

}  // namespace heddle

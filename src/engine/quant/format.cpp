#include "engine/quant/format.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/arith/fixed.h"

namespace heddle {
namespace {

constexpr int kVersion = 1;
constexpr int kGreatestGroup = 1 << 17;  // The depth of the deepest matrix.
constexpr const char* kFile = "quantization.json";
constexpr const char* kAgain = "quantise the float checkpoint again with this program";

}  // namespace

bool is_quantised(const std::filesystem::path& folder) {
  std::error_code ignored;
  return std::filesystem::exists(folder / kFile, ignored);
}

QuantisationFormat read_quantisation(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kFile;
  const Json json = read_json(path, 64ULL << 20);
  const JsonObject object(json, path.string());
  const std::int64_t version = object.integer("version");
  if (version != kVersion) {
    throw UserError(fmt::format("{}: version {}; this program reads version {}", path.string(),
                                version, kVersion),
                    kAgain);
  }
  const std::int64_t bits = object.integer("weight_bits");
  const std::int64_t group = object.integer("group", 0);
  const bool known =
      bits == 8 || (bits == 4 && group >= 2 && group % 2 == 0 && group <= kGreatestGroup);
  if (!known) {
    throw UserError(
        fmt::format("{}: weights of {} bits in groups of {}", path.string(), bits, group),
        fmt::format("weights have 8 bits, or 4 in groups of an even number up to {}; {}",
                    kGreatestGroup, kAgain));
  }
  QuantisationFormat format;
  format.weight_bits = static_cast<int>(bits);
  if (bits == 4) format.group = static_cast<int>(group);
  const JsonObject fractions = object.object("fractions");
  for (const auto& [name, value] : fractions.raw().items()) {
    const std::int64_t fraction = fractions.integer(name);
    if (fraction < arith::kMinFraction || fraction > arith::kMaxFraction) {
      throw UserError(fmt::format("{}: fraction {} of {}", path.string(), fraction, quote(name)),
                      fmt::format("fractions lie from {} to {}; {}", arith::kMinFraction,
                                  arith::kMaxFraction, kAgain));
    }
    format.fractions.emplace(name, static_cast<int>(fraction));
  }
  return format;
}

void write_quantisation(const std::filesystem::path& folder, const QuantisationFormat& format) {
  Json json = {
      {"version", kVersion}, {"weight_bits", format.weight_bits}, {"fractions", format.fractions}};
  if (format.weight_bits == 4) json["group"] = format.group;
  write_file(folder / kFile, json.dump(1) + "\n");
}

}  // namespace heddle

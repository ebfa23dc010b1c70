#include "model/smolvla/checkpoint.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"

namespace heddle::smolvla {
namespace {

bool is_floating(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kBF16 || dtype == DType::kF16;
}

/// What is wrong with a tensor that is there, or nothing.
std::string fault_of(const WeightSpec& spec, const TensorView& view) {
  if (view.shape != spec.shape) {
    return fmt::format("tensor {} has shape {}, but {} leads to {}", quote(spec.name),
                       shorten(to_string(view.shape)), spec.keys, to_string(spec.shape));
  }
  if (!is_floating(view.dtype)) {
    return fmt::format("tensor {} has dtype {}; weights are F32, BF16 or F16", quote(spec.name),
                       name_of(view.dtype));
  }
  return {};
}

}  // namespace

bool is_statistics_buffer(std::string_view name) {
  constexpr std::array<std::string_view, 3> kPrefixes = {"normalize_inputs.", "normalize_targets.",
                                                         "unnormalize_outputs."};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

WeightComparison compare_weights(const WeightTable& table, const SafeTensors& tensors) {
  WeightComparison comparison;
  for (const WeightSpec& spec : table.all()) {
    const TensorView* view = tensors.find(spec.name);
    if (view == nullptr) {
      (spec.read ? comparison.missing : comparison.missing_unread).push_back(spec.name);
    } else if (std::string fault = fault_of(spec, *view); !fault.empty()) {
      comparison.wrong.push_back(std::move(fault));
    }
  }
  for (const std::string& name : tensors.names()) {
    if (table.find(name) == nullptr && !is_statistics_buffer(name)) {
      comparison.unknown.push_back(name);
    }
  }
  return comparison;
}

void check_weights(const WeightTable& table, const SafeTensors& tensors, const Config& config) {
  for (const WeightSpec& spec : table.all()) {
    if (!spec.read) continue;
    const TensorView* view = tensors.find(spec.name);
    if (view == nullptr) {
      throw UserError(
          fmt::format("{} has no tensor {} of shape {}, which {} leads one to expect",
                      tensors.path().string(), quote(spec.name), to_string(spec.shape), spec.keys),
          fmt::format("check that {} belongs to these weights and that they are whole; "
                      "`heddle inspect` lists all that is missing",
                      config.where));
    }
    const std::string fault = fault_of(spec, *view);
    if (fault.empty()) continue;
    throw UserError(fmt::format("{}: {}", tensors.path().string(), fault),
                    fmt::format("check that {} (backbone: {}) belongs to these weights",
                                config.where, config.backbone.where));
  }
}

}  // namespace heddle::smolvla

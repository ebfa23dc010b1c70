#include "apps/heddle/ablation_levels.h"

#include "base/error.h"
#include "base/random.h"
#include "kernel/library/exact_attention_launches.h"
#include "kernel/library/exact_mlp_dataflow.h"
#include "kernel/library/exact_moe_dataflow.h"
#include "kernel/library/exact_norm_dataflow.h"
#include "kernel/library/word_products.h"

namespace heddle {
namespace {

using kernel::Argument;
using kernel::KernelPtr;

constexpr int kFraction = 18;

AblationLevel of_one_kernel(const std::string& name, const std::string& summary,
                            const KernelPtr& scheduled, double work_per_cycle) {
  return {
      name,
      summary,
      {scheduled},
      [](std::span<const Argument> arguments, const LaunchKernel& launch) { launch(0, arguments); },
      work_per_cycle};
}

/// The plain kernel, and whole words of products at a time.
std::vector<AblationLevel> plain_levels(const KernelPtr& plain, std::int64_t width) {
  return {
      of_one_kernel("base", "the plain kernel, no step", plain, 1),
      of_one_kernel("words", fmt::format("{} products of one sum in a cycle", width),
                    kernel::products_in_words(plain, width).kernel(), static_cast<double>(width))};
}

std::string array_summary(std::int64_t rows, std::int64_t width, bool packed,
                          const std::string& which) {
  return fmt::format("{} of {} x {} multipliers, {}", which, rows, width,
                     packed ? "two to a DSP" : "a DSP each");
}

AblationLayer mlp_layer(bool is_full) {
  kernel::MlpDataflowShape shape;
  shape.layer = {.rows = is_full ? 1024 : 64,
                 .hidden = is_full ? 768 : 64,
                 .inner = is_full ? 3072 : 128,
                 .x_fraction = kFraction,
                 .up_fraction = kFraction,
                 .gelu_fraction = kFraction,
                 .y_fraction = kFraction};
  shape.width = is_full ? 64 : 16;
  const kernel::ExactMlpShape& layer = shape.layer;
  kernel::ExactMlpShape in_blocks = layer;
  in_blocks.block = 16;
  AblationLayer result{.name = "mlp",
                       .shape = fmt::format("{} rows, {} -> {} -> {}", layer.rows, layer.hidden,
                                            layer.inner, layer.hidden),
                       .plain = kernel::mlp_exact(in_blocks),
                       .work = 2.0 * static_cast<double>(layer.rows * layer.hidden * layer.inner),
                       .levels = {}};
  result.levels = plain_levels(result.plain, shape.width);
  const auto add = [&](const std::string& name, std::int64_t rows, bool packed) {
    shape.tile_rows = rows;
    const KernelPtr processes = kernel::mlp_dataflow(shape);
    result.levels.push_back(
        of_one_kernel(name, array_summary(rows, shape.width, packed, "processes, two arrays"),
                      kernel::perceptron_arrays(processes, shape.arrays(), packed).kernel(),
                      2.0 * static_cast<double>(rows * shape.width)));
  };
  add("processes", 2, false);
  add("arrays", 16, false);
  add("packed", 16, true);
  add("wide", 32, true);
  return result;
}

AblationLayer attention_layer(bool is_full) {
  kernel::AttentionArrayShape shape;
  shape.layer = {.tokens = is_full ? 1024 : 64,
                 .hidden = is_full ? 768 : 64,
                 .heads = is_full ? 12 : 1,
                 .head_dim = 64,
                 .x_fraction = kFraction,
                 .q_fraction = kFraction,
                 .k_fraction = kFraction,
                 .v_fraction = kFraction,
                 .context_fraction = kFraction,
                 .y_fraction = kFraction,
                 .scale = 0.125,
                 .block = 64};
  const kernel::ExactAttentionShape& layer = shape.layer;
  const std::int64_t width = layer.heads * layer.head_dim;
  AblationLayer result{.name = "attention",
                       .shape = fmt::format("{} tokens of {}, {} heads of {}", layer.tokens,
                                            layer.hidden, layer.heads, layer.head_dim),
                       .plain = kernel::attention_exact(layer),
                       .work = static_cast<double>(layer.tokens * width) *
                               static_cast<double>(4 * layer.hidden + 2 * layer.tokens),
                       .levels = {}};
  constexpr std::int64_t kWord = 64;
  result.levels = plain_levels(result.plain, kWord);
  const auto add = [&](const std::string& name, std::int64_t rows, bool packed) {
    shape.tile_rows = rows;
    shape.lanes = rows / 4;
    const KernelPtr processes = kernel::attention_array(shape);
    result.levels.push_back(
        {name,
         array_summary(rows, kWord, packed, "four launches on one array"),
         {kernel::attention_array_arrays(processes, packed).kernel()},
         [shape](std::span<const Argument> arguments, const LaunchKernel& launch) {
           kernel::attend_by_launches(
               shape, arguments,
               [&](kernel::AttentionStep, std::span<const Argument> a) { launch(0, a); });
         },
         static_cast<double>(rows * kWord)});
  };
  add("array", 16, false);
  add("packed", 16, true);
  add("tall", 32, true);
  // Its model takes minutes to build, whatever the tokens.
  if (is_full) add("taller", 64, true);
  return result;
}

AblationLayer moe_layer(bool is_full) {
  kernel::MoeDataflowShape shape;
  shape.layer = {.tokens = is_full ? 128 : 32,
                 .hidden = is_full ? 768 : 64,
                 .inner = is_full ? 3072 : 128,
                 .experts = is_full ? 8 : 4,
                 .x_fraction = kFraction,
                 .logit_fraction = kFraction,
                 .up_fraction = kFraction,
                 .relu_fraction = kFraction,
                 .down_fraction = kFraction,
                 .y_fraction = kFraction};
  shape.width = is_full ? 64 : 16;
  const kernel::ExactMoeShape& layer = shape.layer;
  AblationLayer result{.name = "moe",
                       .shape = fmt::format("{} tokens, {} experts of {} -> {} -> {}", layer.tokens,
                                            layer.experts, layer.hidden, layer.inner, layer.hidden),
                       .plain = kernel::moe_exact(layer),
                       .work = static_cast<double>(layer.tokens * layer.hidden) *
                               static_cast<double>(2 * layer.inner + layer.experts),
                       .levels = {}};
  result.levels = plain_levels(result.plain, shape.width);
  const auto add = [&](const std::string& name, std::int64_t rows, bool packed) {
    shape.tile_rows = rows;
    const KernelPtr find = kernel::moe_route_words(kernel::moe_route(shape), shape).kernel();
    const KernelPtr mix = kernel::moe_dataflow(shape);
    result.levels.push_back(
        {name,
         array_summary(rows, shape.width, packed, "routing, then two arrays"),
         {find, kernel::moe_dataflow_arrays(mix, shape, packed).kernel()},
         [shape](std::span<const Argument> arguments, const LaunchKernel& launch) {
           kernel::mix_by_launches(shape, arguments, launch);
         },
         2.0 * static_cast<double>(rows * shape.width)});
  };
  add("experts", 2, false);
  add("packed", 2, true);
  add("tall", 8, true);
  add("taller", 16, true);
  return result;
}

AblationLayer norm_layer(bool is_full) {
  kernel::NormDataflowShape shape;
  shape.layer = {.rows = is_full ? 1024 : 64,
                 .columns = is_full ? 768 : 64,
                 .a_fraction = kFraction,
                 .b_fraction = kFraction,
                 .sum_fraction = kFraction,
                 .norm_fraction = kFraction,
                 .epsilon = 1e-6,
                 .block = 16};
  const kernel::ExactNormShape& layer = shape.layer;
  AblationLayer result{.name = "norm",
                       .shape = fmt::format("{} rows of {}", layer.rows, layer.columns),
                       .plain = kernel::norm_exact(layer),
                       .work = static_cast<double>(layer.rows * layer.columns),
                       .unit = "elements",
                       .levels = {}};
  result.levels.push_back(of_one_kernel("base", "the plain kernel, no step", result.plain, 1));
  const auto add = [&](const std::string& name, std::int64_t lanes) {
    shape.lanes = lanes;
    result.levels.push_back(
        of_one_kernel(name, fmt::format("processes in a row, {} columns in a cycle", lanes),
                      kernel::norm_lanes(kernel::norm_dataflow(shape), lanes).kernel(),
                      static_cast<double>(lanes)));
  };
  add("processes", 1);
  add("words", 4);
  add("wide", 16);
  add("wider", 32);
  return result;
}

}  // namespace

const std::vector<std::string>& ablation_layers() {
  static const std::vector<std::string> names = {"attention", "mlp", "moe", "norm"};
  return names;
}

AblationLayer ablation_layer(const std::string& name, bool is_full) {
  if (name == "attention") return attention_layer(is_full);
  if (name == "mlp") return mlp_layer(is_full);
  if (name == "moe") return moe_layer(is_full);
  if (name == "norm") return norm_layer(is_full);
  throw InternalError("no layer is called " + name);
}

void fill_layer_input(kernel::Buffer& buffer, const std::string& name, std::uint64_t seed) {
  const RandomStream random(seed, name);
  const bool is_weight = name.find("weight") != std::string::npos;
  const auto between = [&](std::int64_t index, std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random.word(static_cast<std::uint64_t>(index)) %
                                           static_cast<std::uint64_t>(high - low + 1));
  };
  std::int64_t low = -127;
  std::int64_t high = 127;
  if (buffer.element() == kernel::mantissa_type()) {
    low = 1 << 15;
    high = (1 << 16) - 1;
  } else if (name == "factor_exponent") {
    low = -16;
    high = -15;
  } else if (name.ends_with("_exponent")) {
    // Rows of 22 bits; weights that give as many.
    low = is_weight ? -33 : 5;
    high = is_weight ? -30 : 7;
  } else if (name.ends_with("_sign")) {
    low = 0;
    high = 1;
  } else if (buffer.element() == kernel::fixed_number()) {
    low = -(1 << 20);
    high = 1 << 20;
  }
  for (std::int64_t i = 0; i < buffer.size(); ++i) {
    buffer.set(i, kernel::Scalar{buffer.element(), between(i, low, high), 0});
  }
}

}  // namespace heddle

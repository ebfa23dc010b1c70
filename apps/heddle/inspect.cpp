// heddle inspect: what is in a checkpoint folder, and the Graph it becomes.
#include <fmt/ranges.h>

#include "apps/heddle/output.h"
#include "apps/heddle/verbs.h"
#include "base/error.h"
#include "base/json.h"
#include "base/table.h"
#include "engine/quant/format.h"
#include "model/registry.h"

namespace heddle {
namespace {

struct InspectOptions {
  std::string directory;
  std::vector<std::string> cameras;
  std::int64_t tokens = 16;
  bool graph = false;
  bool json = false;
};

std::string dtypes_text(const ComponentDescription& component) {
  std::string text;
  for (const auto& [dtype, parameters] : component.parameters_by_dtype) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", dtype, parameters);
  }
  return text;
}

std::string components_table(const ModelDescription& model) {
  Table table({{"component", Align::kLeft},
               {"tensors", Align::kRight},
               {"parameters", Align::kRight},
               {"bytes", Align::kRight},
               {"never read", Align::kRight},
               {"dtypes", Align::kLeft}});
  ComponentDescription total{"total", 0, 0, 0, {}, 0};
  for (const ComponentDescription& part : model.components) {
    table.add_row({part.name, std::to_string(part.tensors), std::to_string(part.parameters),
                   std::to_string(part.bytes), std::to_string(part.unread_parameters),
                   dtypes_text(part)});
    total.tensors += part.tensors;
    total.parameters += part.parameters;
    total.bytes += part.bytes;
    total.unread_parameters += part.unread_parameters;
    for (const auto& [dtype, count] : part.parameters_by_dtype) {
      total.parameters_by_dtype[dtype] += count;
    }
  }
  table.add_row({total.name, std::to_string(total.tensors), std::to_string(total.parameters),
                 std::to_string(total.bytes), std::to_string(total.unread_parameters),
                 dtypes_text(total)});
  return table.to_string();
}

std::string files_table(const ModelDescription& model) {
  Table table({{"file", Align::kLeft}, {"bytes", Align::kRight}, {"purpose", Align::kLeft}});
  for (const FileDescription& file : model.files) {
    table.add_row({file.name, file.present ? std::to_string(file.bytes) : "missing", file.purpose});
  }
  return table.to_string();
}

std::string list(std::string_view title, const std::vector<std::string>& items) {
  if (items.empty()) return "";
  return fmt::format("\n{}:\n  {}\n", title, fmt::join(items, "\n  "));
}

std::string as_text(const ModelDescription& model) {
  std::string text = fmt::format("model {}\n\n", model.model);
  Table facts({{"setting", Align::kLeft}, {"value", Align::kLeft}});
  for (const auto& [name, value] : model.facts) facts.add_row({name, value});
  text += facts.to_string() + '\n' + components_table(model) + '\n' + files_table(model);
  text += list("missing tensors", model.missing) + list("wrong tensors", model.wrong);
  text += list("unknown tensors", model.unknown);
  text += list("tensors that no answer depends on", model.unread);
  return text + list("notes", model.notes);
}

std::string as_json(const ModelDescription& model) {
  Json json = {
      {"model", model.model},     {"facts", Json::object()},  {"components", Json::array()},
      {"files", Json::array()},   {"missing", model.missing}, {"wrong", model.wrong},
      {"unknown", model.unknown}, {"unread", model.unread},   {"notes", model.notes}};
  for (const auto& [name, value] : model.facts) json["facts"][name] = value;
  for (const ComponentDescription& part : model.components) {
    json["components"].push_back({{"name", part.name},
                                  {"tensors", part.tensors},
                                  {"parameters", part.parameters},
                                  {"bytes", part.bytes},
                                  {"unread_parameters", part.unread_parameters},
                                  {"parameters_by_dtype", part.parameters_by_dtype}});
  }
  for (const FileDescription& file : model.files) {
    json["files"].push_back({{"name", file.name},
                             {"purpose", file.purpose},
                             {"present", file.present},
                             {"bytes", file.bytes}});
  }
  return json.dump(2) + '\n';
}

std::string graph_text(const InspectOptions& options) {
  PolicyOptions policy_options;
  policy_options.check_weights = !is_quantised(options.directory);
  const std::unique_ptr<Policy> policy = open_policy(options.directory, policy_options);
  PolicyShape shape{options.cameras, options.tokens, policy->info().steps};
  if (shape.cameras.empty()) {
    for (const PolicyCamera& camera : policy->info().cameras) shape.cameras.push_back(camera.name);
  }
  return to_string(policy->graph(shape));
}

/// What the folder's quantization.json says, for people.
std::string quantisation_text(const std::string& directory) {
  const QuantisationFormat format = read_quantisation(directory);
  const std::string groups =
      format.weight_bits == 4 ? fmt::format(" in groups of {}", format.group) : "";
  return fmt::format("matrices of {} bits{}, activations of 8", format.weight_bits, groups);
}

void inspect(const InspectOptions& options) {
  if (options.graph) return print_out(graph_text(options));
  const bool quantised = is_quantised(options.directory);
  ModelDescription model = describe(options.directory, !quantised);
  if (quantised) {
    model.facts.emplace_back("quantised", quantisation_text(options.directory));
    const auto bytes =
        std::filesystem::file_size(std::filesystem::path(options.directory) / "quantization.json");
    model.files.push_back({"quantization.json", "bits and fractions", true, bytes});
  }
  print_out(options.json ? as_json(model) : as_text(model));
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* verb = app.add_subcommand("inspect", "Describe a checkpoint folder");
  verb->footer(
      "Of a quantised checkpoint, parameters are counted under the dtype of their codes: I8, U8 "
      "for\n"
      "two of 4 bits, I32 for what is added.\n\n"
      "Example:\n"
      "  heddle inspect policy\n"
      "  heddle inspect policy --graph --cameras camera1 --tokens 12");
  verb->add_option("directory", options->directory, "Checkpoint folder")->required();
  CLI::Option* graph =
      verb->add_flag("--graph", options->graph, "Print the Graph that the checkpoint becomes");
  verb->add_option("--cameras", options->cameras,
                   "Cameras of the Graph (default: all that the checkpoint knows)")
      ->needs(graph)
      ->delimiter(',');
  verb->add_option("--tokens", options->tokens, "Language tokens of the Graph")
      ->needs(graph)
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  verb->add_flag("--json", options->json, "Print one JSON object instead of tables")
      ->excludes(graph);
  verb->callback([options] { inspect(*options); });
}

}  // namespace heddle

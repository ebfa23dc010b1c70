// What `heddle analyze` found, as JSON.
#include "apps/heddle/analyze.h"

namespace heddle {
namespace {

using namespace cost;

Json to_json(const OperationCount& operations) {
  Json json = {{"macs", macs_of(operations)}};
  for (std::size_t i = 0; i < OperationCount::kKinds; ++i) {
    const auto operation = static_cast<Operation>(i);
    json[name_of(operation)] = operations[operation];
  }
  return json;
}

Json to_json(const ActivationCount& count) {
  return {{"operands", count[ActivationRole::kOperand]},
          {"cached", count[ActivationRole::kCache]},
          {"values", count[ActivationRole::kValue]},
          {"ids", count[ActivationRole::kId]}};
}

Json to_json(const WeightCount& count, const Precision& precision) {
  return {{"elements", elements_of(count)},
          {"scales", count[WeightPart::kRows]},
          {"bytes", precision.bytes(count)}};
}

Json to_json(const PartWork& part, const Precision& precision) {
  return {{"name", part.name},
          {"runs", part.runs},
          {"operations", to_json(part.operations)},
          {"weights", to_json(part.weights, precision)},
          {"read", to_json(part.read)},
          {"written", to_json(part.written)}};
}

Json to_json(const std::vector<PartWork>& parts, const GraphWork& graph,
             const Precision& precision) {
  Json all = Json::array();
  for (const PartWork& part : parts) {
    Json one = to_json(part, precision);
    one["op"] = part.op;
    one["stage"] = graph.stages[part.stage].name;
    all.push_back(std::move(one));
  }
  return all;
}

Json to_json(const PhaseWork& phase, const Precision& precision) {
  const GraphWork& graph = phase.graph;
  Json stages = Json::array();
  for (const StageWork& stage : graph.stages) {
    Json one = to_json(stage.all, precision);
    one["stored"] = to_json(stage.distinct, precision);
    one["chains"] = to_json(stage.chains);
    one["received"] = to_json(stage.received);
    one["sent"] = to_json(stage.sent);
    one["on_chip_bytes"] = peak_bytes(graph.on_chip, precision, stage.all.stage);
    stages.push_back(std::move(one));
  }
  Json cached = Json::array();
  for (const Cache& cache : phase.caches) {
    const double bytes = static_cast<double>(cache.per_row) * precision.cache_bits / 8;
    cached.push_back({{"rows", cache.rows},
                      {"tensors", cache.values},
                      {"elements_per_row", cache.per_row},
                      {"bytes_per_row", bytes},
                      {"elements", cache.elements()}});
  }
  return {{"name", phase.name},
          {"runs", phase.runs},
          {"stages", stages},
          {"operators", to_json(grouped(graph.operators, any_layer_of), graph, precision)},
          {"layers", to_json(grouped(graph.operators, layer_of), graph, precision)},
          {"caches", cached},
          {"peak_elements", peak_elements(graph.live)},
          {"peak_bytes", peak_bytes(graph.live, precision)}};
}

Json to_json(const Bound& bound) {
  return {{"macs", bound.load.macs()},
          {"weight_bytes", bound.load.weight_bytes},
          {"activation_bytes", bound.load.activation_bytes},
          {"macs_per_byte", bound.load.intensity()},
          {"compute_ms", bound.compute_seconds * 1e3},
          {"memory_ms", bound.memory_seconds * 1e3},
          {"ms", bound.seconds() * 1e3},
          {"bound_by", bound.is_compute_bound() ? "compute" : "memory"}};
}

Json to_json(const std::vector<PartBound>& parts, const ModelWork& work) {
  Json all = Json::array();
  for (const PartBound& part : parts) {
    const PhaseWork& phase = work.phases[part.phase];
    Json one = to_json(part.bound);
    one["phase"] = phase.name;
    one["stage"] = phase.graph.stages[part.part.stage].name;
    one["name"] = part.part.name;
    all.push_back(std::move(one));
  }
  return all;
}

Json to_json(const std::vector<Variant>& variants) {
  Json all = Json::array();
  for (const Variant& variant : variants) {
    Json one = {{"name", variant.name},           {"batch", variant.batch},
                {"clock_mhz", variant.clock_mhz}, {"weight_bytes", variant.weight_bytes},
                {"ms_per_request", nullptr},      {"fits", variant.fits}};
    if (variant.seconds_per_request) one["ms_per_request"] = *variant.seconds_per_request * 1e3;
    all.push_back(std::move(one));
  }
  return all;
}

Json to_json(const ArrayRun& run, const ArrayShape& shape) {
  return {{"cycles", run.cycles}, {"busy", run.busy(shape)}, {"passing_bytes", run.passing_bytes}};
}

Json to_json(const ArrayPlan& array, const ModelWork& work) {
  Json stages = Json::array();
  for (const ArrayUse& use : array.stages) {
    const PhaseWork& phase = work.phases[use.phase];
    Json one = to_json(use.run, array.shape);
    one["phase"] = phase.name;
    one["name"] = phase.graph.stages[use.stage].name;
    stages.push_back(std::move(one));
  }
  Json json = to_json(array.all, array.shape);
  json["rows"] = array.shape.rows;
  json["width"] = array.shape.width;
  json["dsps"] = array.dsps;
  json["stages"] = stages;
  json["channels"] = array.channels;
  json["tile"] = {{"banks", array.tile.banks},
                  {"bits", array.tile.bits},
                  {"words", array.tile.words},
                  {"bram36", array.tile.bram36},
                  {"uram", array.tile.uram}};
  return json;
}

Json to_json(const Roof& roof) {
  return {{"dsps", roof.dsps},
          {"linear_macs_per_second", roof.linear_rate},
          {"attention_macs_per_second", roof.attention_rate},
          {"bytes_per_second", roof.bandwidth},
          {"memory", roof.memory},
          {"memory_bytes", roof.memory_bytes},
          {"on_chip_bytes", roof.on_chip_bytes},
          {"ridge_macs_per_byte", roof.ridge()}};
}

Json to_json(const BoardAnalysis& analysis, const ModelWork& work) {
  Json stages = Json::array();
  for (std::size_t i = 0; i < analysis.bound.stages.size(); ++i) {
    const StageBound& stage = analysis.bound.stages[i];
    const PhaseWork& phase = work.phases[stage.phase];
    Json one = to_json(stage.bound);
    one["phase"] = phase.name;
    one["name"] = phase.graph.stages[stage.stage].name;
    one["on_chip_bytes"] = stage.on_chip_bytes;
    one["fusion"] = name_of(stage.fusion);
    one["pipeline_dsps"] = analysis.pipeline ? Json(analysis.pipeline->dsps[i]) : Json(nullptr);
    stages.push_back(std::move(one));
  }
  Json pipeline = nullptr;
  if (analysis.pipeline) {
    pipeline = {{"depth", analysis.pipeline->depth},
                {"interval_ms", analysis.pipeline->interval() * 1e3},
                {"latency_ms", analysis.pipeline->latency() * 1e3},
                {"busy", analysis.pipeline->busy}};
  }
  return {{"name", analysis.board.name},
          {"clock_mhz", analysis.setting.roof.clock_mhz},
          {"fusion", name_of(analysis.setting.fusion)},
          {"roof", to_json(analysis.setting.roof)},
          {"stages", stages},
          {"ms", analysis.bound.seconds * 1e3},
          {"operators", to_json(analysis.operators, work)},
          {"layers", to_json(analysis.layers, work)},
          {"pipeline", pipeline},
          {"array", to_json(analysis.array, work)},
          {"precisions", to_json(analysis.precisions)},
          {"fusions", to_json(analysis.fusions)},
          {"boards", to_json(analysis.boards)}};
}

}  // namespace

Json to_json(const AnalysedModel& model) {
  Json facts = Json::object();
  for (const auto& [name, value] : model.workload.facts) facts[name] = value;
  Json phases = Json::array();
  for (const PhaseWork& phase : model.work.phases) {
    phases.push_back(to_json(phase, model.precision));
  }
  const MemoryNeed need = memory_need(model.work, model.precision, model.batch);
  Json json = {{"model", model.workload.model},
               {"facts", facts},
               {"parameters", model.workload.parameters},
               {"precision", model.precision.name},
               {"batch", model.batch},
               {"phases", phases},
               {"memory",
                {{"weights", to_json(model.work.stored, model.precision)},
                 {"weight_bytes", need.weights},
                 {"cache_bytes", need.cache},
                 {"activation_bytes", need.activations}}}};
  if (model.board) json["board"] = to_json(*model.board, model.work);
  return json;
}

}  // namespace heddle

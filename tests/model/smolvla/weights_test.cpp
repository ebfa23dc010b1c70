// The expected tensors against what is known of the published checkpoint.
#include "model/smolvla/weights.h"

#include <gtest/gtest.h>

#include "checkpoint_folder.h"
#include "model/smolvla/checkpoint.h"
#include "support/user_error.h"

namespace heddle::smolvla {
namespace {

TEST(WeightTable, FullSizeIsThePublishedCheckpoint) {
  const WeightTable table(ConfigFolder("full").config());
  std::map<std::string, std::int64_t> parameters;
  std::map<DType, int> dtypes;
  std::int64_t total = 0;
  std::int64_t bytes = 0;
  for (const WeightSpec& spec : table.all()) {
    const std::int64_t count = element_count(spec.shape);
    parameters[spec.component] += count;
    total += count;
    bytes += count * static_cast<std::int64_t>(size_of(spec.dtype));
    ++dtypes[spec.dtype];
  }
  EXPECT_EQ(table.all().size(), 500U);
  EXPECT_EQ(total, 450'046'176);
  EXPECT_EQ(bytes, 906'639'456);
  EXPECT_EQ(dtypes, (std::map<DType, int>{{DType::kBF16, 474}, {DType::kF32, 26}}));
  const std::map<std::string, std::int64_t> expected = {
      {"vision tower", 86'433'024},
      {"connector", 11'796'480},
      {"token embedding", 47'308'800},
      {"text layers", 157'317'120},
      {"text norm", 960},
      {"language head", 47'308'800},
      {"expert layers", 98'245'120},
      {"expert norm", 720},
      {"projections", 31'680 + 23'760 + 23'072 + 1'037'520 + 519'120}};
  EXPECT_EQ(parameters, expected);
  std::cout << table.all().size() << " tensors, " << total << " parameters, " << bytes
            << " bytes\n";
}

TEST(WeightTable, NamesAndShapesArePublishedOnes) {
  const WeightTable table(ConfigFolder("full").config());
  const std::string vlm = "model.vlm_with_expert.vlm.model.";
  const std::string expert = "model.vlm_with_expert.lm_expert.layers.";
  const std::map<std::string, Shape> expected = {
      {"model.state_proj.weight", {960, 32}},
      {"model.action_time_mlp_in.weight", {720, 1440}},
      {"model.action_out_proj.bias", {32}},
      {"model.vlm_with_expert.vlm.lm_head.weight", {49280, 960}},
      {vlm + "vision_model.embeddings.patch_embedding.weight", {768, 3, 16, 16}},
      {vlm + "vision_model.embeddings.position_embedding.weight", {1024, 768}},
      {vlm + "vision_model.encoder.layers.11.mlp.fc1.bias", {3072}},
      {vlm + "connector.modality_projection.proj.weight", {960, 12288}},
      {vlm + "text_model.layers.15.self_attn.k_proj.weight", {320, 960}},
      {vlm + "text_model.layers.0.mlp.down_proj.weight", {960, 2560}},
      {expert + "0.self_attn.k_proj.weight", {320, 720}},
      {expert + "1.self_attn.k_proj.weight", {320, 320}},
      {expert + "15.self_attn.o_proj.weight", {720, 960}},
      {expert + "3.mlp.up_proj.weight", {2048, 720}},
      {"model.vlm_with_expert.lm_expert.norm.weight", {720}}};
  for (const auto& [name, shape] : expected) EXPECT_EQ(table.at(name).shape, shape) << name;
  EXPECT_EQ(table.at(expert + "1.self_attn.v_proj.weight").dtype, DType::kF32);
  EXPECT_EQ(table.find("model.vlm_with_expert.lm_expert.embed_tokens.weight"), nullptr);
  EXPECT_EQ(table.find(vlm + "text_model.layers.16.self_attn.q_proj.weight"), nullptr);
}

TEST(WeightTable, WhatNoActionDependsOnIsMarked) {
  const WeightTable table(ConfigFolder("full").config());
  std::set<std::string> unread;
  for (const WeightSpec& spec : table.all()) {
    if (!spec.read) unread.insert(spec.name.substr(spec.name.find("vlm.") + 4));
  }
  const std::string last = "model.text_model.layers.15.";
  const std::set<std::string> expected = {"lm_head.weight",
                                          "model.text_model.norm.weight",
                                          last + "self_attn.q_proj.weight",
                                          last + "self_attn.o_proj.weight",
                                          last + "post_attention_layernorm.weight",
                                          last + "mlp.gate_proj.weight",
                                          last + "mlp.up_proj.weight",
                                          last + "mlp.down_proj.weight"};
  EXPECT_EQ(unread, expected);
}

/// The tiny checkpoint with one tensor changed: dropped, renamed, or written in another form.
class ChangedWeights {
 public:
  void drop(const std::string& name) { dropped_.insert(name); }
  void add(const std::string& name, Tensor tensor) { added_.insert_or_assign(name, tensor); }

  [[nodiscard]] std::filesystem::path write() const {
    const SafeTensors original(tiny_.path());
    std::map<std::string, TensorView> views;
    for (const std::string& name : original.names()) {
      if (!dropped_.contains(name)) views.emplace(name, original.get(name));
    }
    for (const auto& [name, tensor] : added_) views.insert_or_assign(name, tensor.view());
    write_safetensors(tiny_.scratch() / "changed.safetensors", views);
    return tiny_.scratch() / "changed.safetensors";
  }
  [[nodiscard]] const TinyCheckpoint& tiny() const { return tiny_; }

 private:
  TinyCheckpoint tiny_;
  std::set<std::string> dropped_;
  std::map<std::string, Tensor> added_;
};

std::string complaint(const ChangedWeights& changed) {
  const Config config = read_config(changed.tiny().path());
  const SafeTensors tensors(changed.write());
  return user_error([&] { check_weights(WeightTable(config), tensors, config); });
}

TEST(Checkpoint, FaultsNameTensorShapesAndConfig) {
  const std::string name = "model.state_proj.weight";
  ChangedWeights missing;
  missing.drop(name);
  EXPECT_NE(complaint(missing).find(name), std::string::npos);
  EXPECT_NE(complaint(missing).find("max_state_dim"), std::string::npos);

  ChangedWeights wrong;
  wrong.add(name, Tensor(DType::kF32, {48, 31}));
  const std::string message = complaint(wrong);
  for (const char* part : {"model.state_proj.weight", "[48,31]", "[48,32]", "max_state_dim"}) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
  ChangedWeights integers;
  integers.add(name, Tensor(DType::kI32, {48, 32}));
  EXPECT_NE(complaint(integers).find("I32"), std::string::npos);
  std::cout << message << "\n";
}

TEST(Checkpoint, UnreadTensorsMayBeAbsentAndDtypesDiffer) {
  ChangedWeights changed;
  changed.drop("model.vlm_with_expert.vlm.lm_head.weight");
  changed.add("model.state_proj.weight", Tensor(DType::kF16, {48, 32}));
  changed.add("extra", Tensor(DType::kF32, {1}));
  changed.add("normalize_inputs.buffer_observation_state.mean", Tensor(DType::kF32, {6}));
  const Config config = read_config(changed.tiny().path());
  const SafeTensors tensors(changed.write());
  EXPECT_NO_THROW(check_weights(WeightTable(config), tensors, config));
  const WeightComparison comparison = compare_weights(WeightTable(config), tensors);
  EXPECT_TRUE(comparison.missing.empty());
  EXPECT_EQ(comparison.missing_unread.size(), 1U);
  EXPECT_EQ(comparison.unknown, std::vector<std::string>{"extra"});
}

}  // namespace
}  // namespace heddle::smolvla

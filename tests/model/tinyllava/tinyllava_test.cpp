// TinyLLaVA from its config.json: what is read, what is refused, the tensors, the work, and a tiny
// model's answers against plain loops.
#include "model/tinyllava/tinyllava.h"

#include <gtest/gtest.h>

#include <iostream>
#include <set>

#include "base/json.h"
#include "model/naive.h"
#include "model/tinyllava/graph.h"
#include "model/tinyllava/tensors.h"
#include "support/macs.h"
#include "support/user_error.h"

namespace heddle::tinyllava {
namespace {

const std::filesystem::path kPublished = "examples/configs/tinyllava";

/// Two vision layers of which one is taken, pictures with a pixel to spare, and two text layers.
Json tiny_json() {
  return {{"model_type", "tinyllava"},
          {"connector_type", "mlp2x_gelu"},
          {"tokenizer_model_max_length", 64},
          {"vision_config",
           {{"model_type", "siglip_vision_model"},
            {"hidden_size", 16},
            {"intermediate_size", 24},
            {"num_hidden_layers", 2},
            {"num_attention_heads", 2},
            {"image_size", 13},
            {"patch_size", 4}}},
          {"text_config",
           {{"model_type", "phi"},
            {"hidden_size", 32},
            {"intermediate_size", 40},
            {"num_hidden_layers", 2},
            {"num_attention_heads", 2},
            {"partial_rotary_factor", 0.5},
            {"vocab_size", 50}}}};
}

Config config_of(const Json& json) {
  const Scratch scratch;
  scratch.put("config.json", json.dump());
  return read_config(scratch.path());
}

TEST(TinyLlavaConfig, IsThePublishedOne) {
  const Config config = read_config(kPublished);
  EXPECT_EQ(config.vision.patches(), 729);
  EXPECT_EQ(config.vision.head_size(), 72);
  EXPECT_EQ(config.vision_layers, 26);
  EXPECT_EQ(config.picture_rows(), 728);
  EXPECT_EQ(config.connector_depth, 2);
  EXPECT_EQ(config.text.heads, 32);
  EXPECT_EQ(config.text.head_size(), 80);
  EXPECT_EQ(config.text.rotary_size, 32);
  EXPECT_EQ(config.text.rope_theta, 10'000);
  EXPECT_EQ(config.text.activation, Function::kGeluTanh);
  EXPECT_EQ(config.max_tokens, 3072);
}

TEST(TinyLlavaConfig, FeatureLayersCountFromEitherEnd) {
  for (const auto& [layer, taken] : {std::pair{-1, 2}, {-2, 1}, {1, 1}, {2, 2}}) {
    Json json = tiny_json();
    json["vision_feature_layer"] = layer;
    EXPECT_EQ(config_of(json).vision_layers, taken) << layer;
  }
}

/// A change to the tiny config.json and what its message must contain.
struct Broken {
  Json patch;
  std::string expected;
};

TEST(TinyLlavaConfig, EveryBrokenValueIsExplained) {
  const auto text = [](const char* key, const Json& value) {
    return Json{{"text_config", {{key, value}}}};
  };
  const auto vision = [](const char* key, const Json& value) {
    return Json{{"vision_config", {{key, value}}}};
  };
  const std::vector<Broken> cases = {
      {text("hidden_size", nullptr), "\"hidden_size\" is missing"},
      {text("hidden_size", "32"), "\"hidden_size\""},
      {text("hidden_size", -32), "\"hidden_size\" is -32"},
      {text("hidden_size", 33), "not a multiple of \"num_attention_heads\""},
      {text("intermediate_size", 1LL << 40), "\"intermediate_size\""},
      {text("num_hidden_layers", 0), "\"num_hidden_layers\""},
      {text("num_hidden_layers", 1e300), "\"num_hidden_layers\""},
      {text("num_attention_heads", 5), "not a multiple of \"num_attention_heads\""},
      {text("num_key_value_heads", 3), "not a multiple of \"num_key_value_heads\""},
      {text("vocab_size", 1LL << 50), "\"vocab_size\""},
      {text("partial_rotary_factor", 0.01), "\"partial_rotary_factor\""},
      {text("partial_rotary_factor", 1.5), "\"partial_rotary_factor\""},
      {text("layer_norm_eps", 0), "\"layer_norm_eps\""},
      {text("rope_theta", -1), "\"rope_theta\""},
      {text("hidden_act", "mish"), "supported: gelu_pytorch_tanh"},
      {text("qk_layernorm", true), "\"qk_layernorm\" is true"},
      {text("tie_word_embeddings", true), "\"tie_word_embeddings\""},
      {text("model_type", "llama"), "\"phi\""},
      {{{"text_config", nullptr}}, "\"text_config\""},
      {{{"vision_config", 5}}, "\"vision_config\""},
      {vision("model_type", "clip_vision_model"), "siglip_vision_model"},
      {vision("image_size", 1 << 16), "patches, more than"},
      {vision("patch_size", 14), "\"patch_size\""},
      {vision("patch_size", 13), "drops the first"},
      {vision("num_attention_heads", 3), "not a multiple of \"num_attention_heads\""},
      {vision("num_channels", 4), "\"num_channels\""},
      {{{"vision_feature_layer", -4}}, "\"vision_feature_layer\""},
      {{{"vision_feature_layer", 0}}, "the input of the vision tower"},
      {{{"vision_feature_select_strategy", "all"}}, "known: patch, cls_patch"},
      {{{"connector_type", "qformer"}}, "supported: mlp1x_gelu"},
      {{{"connector_type", "mlp0x_gelu"}}, "supported: mlp1x_gelu"},
      {{{"connector_type", "mlp99999999999999999999x_gelu"}}, "supported: mlp1x_gelu"},
      {{{"hidden_size", 31}}, "that of \"text_config\" is 32"},
      {{{"tokenizer_model_max_length", nullptr}}, "\"tokenizer_model_max_length\" is missing"},
      {{{"tokenizer_model_max_length", 1LL << 40}}, "\"tokenizer_model_max_length\""},
  };
  for (const Broken& broken : cases) {
    Json json = tiny_json();
    json.merge_patch(broken.patch);
    const std::string message = user_error([&] { (void)config_of(json); });
    EXPECT_NE(message.find(broken.expected), std::string::npos) << broken.patch << "\n" << message;
    EXPECT_NE(message.find("config.json"), std::string::npos) << message;
  }
  std::cout << cases.size() << " broken values, each with its message\n";
}

TEST(TinyLlavaTensors, AreThoseOfThePublishedCheckpoint) {
  const TensorTable tensors = tensors_of(read_config(kPublished));
  EXPECT_EQ(tensors.all().size(), 905U);
  EXPECT_EQ(tensors.parameters(), 3'217'417'280);
  const std::map<std::string, Shape> some = {
      {"language_model.model.embed_tokens.weight", {51200, 2560}},
      {"language_model.model.layers.31.input_layernorm.bias", {2560}},
      {"language_model.model.layers.0.self_attn.dense.weight", {2560, 2560}},
      {"language_model.model.layers.7.mlp.fc1.weight", {10240, 2560}},
      {"language_model.model.final_layernorm.weight", {2560}},
      {"language_model.lm_head.bias", {51200}},
      {"vision_tower._vision_tower.vision_model.embeddings.patch_embedding.weight",
       {1152, 3, 14, 14}},
      {"vision_tower._vision_tower.vision_model.embeddings.position_embedding.weight", {729, 1152}},
      {"vision_tower._vision_tower.vision_model.encoder.layers.26.self_attn.out_proj.bias", {1152}},
      {"vision_tower._vision_tower.vision_model.encoder.layers.0.mlp.fc2.weight", {1152, 4304}},
      {"vision_tower._vision_tower.vision_model.head.attention.in_proj_weight", {3456, 1152}},
      {"connector._connector.0.weight", {2560, 1152}},
      {"connector._connector.2.bias", {2560}},
  };
  for (const auto& [name, shape] : some) {
    ASSERT_NE(tensors.find(name), nullptr) << name;
    EXPECT_EQ(*tensors.find(name), shape) << name;
  }
  std::int64_t language = 0, connector = 0;
  for (const ExpectedTensor& spec : tensors.all()) {
    if (spec.name.starts_with("language_model")) language += element_count(spec.shape);
    if (spec.name.starts_with("connector")) connector += element_count(spec.shape);
  }
  EXPECT_EQ(language, 2'779'683'840);
  EXPECT_EQ(connector, 9'507'840);
}

Workload published(const WorkloadOptions& options = {}) {
  return workload_of_tinyllava(kPublished, options);
}

/// The names of the weights that a Graph reads.
std::set<std::string> weights_of(const Graph& graph) {
  std::set<std::string> names;
  for (const Value& value : graph.values) {
    if (value.kind == ValueKind::kWeight) names.insert(value.name);
  }
  return names;
}

TEST(TinyLlavaWorkload, HasTheWorkOfThePublishedModel) {
  const Workload work = published();
  EXPECT_EQ(work.model, "tinyllava");
  EXPECT_EQ(work.parameters, 3'217'417'280);
  ASSERT_EQ(work.phases.size(), 2U);
  EXPECT_EQ(work.phases[0].name, "prefill");
  EXPECT_EQ(work.phases[1].name, "decode");
  for (const Phase& phase : work.phases) EXPECT_NO_THROW(verify(phase.graph));
  auto prefill = macs_by_stage(work.phases[0].graph);
  EXPECT_NEAR((prefill["vision"].linear + prefill["vision"].dense) / 1e9, 320.90, 5e-3);
  EXPECT_NEAR(prefill["connector"].linear / 1e9, 6.918, 5e-4);
  EXPECT_NEAR(prefill["language"].linear / 769 / 1e9, 2.5166, 5e-5);
  EXPECT_NEAR(prefill["head"].linear / 1e9, 0.1311, 5e-5);
  EXPECT_EQ(prefill["language"].dense, 2.0 * 32 * 2560 * 769 * 769);
  const double all =
      prefill["language"].linear + prefill["language"].visible + prefill["head"].linear;
  EXPECT_NEAR(all / 1e9, 1983.9, 0.05);
  auto decode = macs_by_stage(work.phases[1].graph);
  const double token =
      decode["language"].linear + decode["language"].visible + decode["head"].linear;
  EXPECT_NEAR(token / 1e9, 2.774, 5e-4);
  WorkloadOptions full;
  full.context = 3072;
  auto late = macs_by_stage(published(full).phases[1].graph);
  EXPECT_NEAR((late["language"].linear + late["language"].visible + late["head"].linear) / 1e9,
              3.151, 5e-4);
  for (const auto& [stage, macs] : prefill) {
    std::cout << "prefill " << stage << ": " << (macs.linear + macs.visible) / 1e9 << " G MAC\n";
  }
}

TEST(TinyLlavaWorkload, ReadsAllTensorsButTheEndOfTheTower) {
  const TensorTable tensors = tensors_of(read_config(kPublished));
  const std::set<std::string> prefill = weights_of(published().phases[0].graph);
  std::int64_t unread = 0;
  for (const ExpectedTensor& spec : tensors.all()) {
    const bool is_dead = spec.name.find("encoder.layers.26.") != std::string::npos ||
                         spec.name.find("post_layernorm") != std::string::npos ||
                         spec.name.find("vision_model.head.") != std::string::npos;
    EXPECT_EQ(prefill.contains(spec.name), !is_dead) << spec.name;
    unread += is_dead ? element_count(spec.shape) : 0;
  }
  EXPECT_EQ(428'225'600 - unread, 397'745'440);  // Used of the tower.
}

TEST(TinyLlavaWorkload, DeadCodeIsTheLastVisionLayerAndTheOtherLogits) {
  WorkloadOptions options;
  options.dead_code = true;
  auto needed = macs_by_stage(published().phases[0].graph);
  auto computed = macs_by_stage(published(options).phases[0].graph);
  EXPECT_NEAR((computed["vision"].linear + computed["vision"].dense) / 1e9, 333.22, 5e-3);
  EXPECT_NEAR(computed["head"].linear / needed["head"].linear, 769, 1e-9);
  EXPECT_EQ(computed["language"].linear, needed["language"].linear);
}

TEST(TinyLlavaWorkload, OptionsAreChecked) {
  const auto error = [](std::optional<std::int64_t> WorkloadOptions::* option, std::int64_t value) {
    WorkloadOptions options;
    options.*option = value;
    return user_error([&] { (void)published(options); });
  };
  expect_parts(error(&WorkloadOptions::steps, 10), {"10 denoising steps", "tinyllava"});
  expect_parts(error(&WorkloadOptions::cameras, 0), {"0 pictures"});
  expect_parts(error(&WorkloadOptions::cameras, 5), {"5 pictures of 728", "3072", "config.json"});
  expect_parts(error(&WorkloadOptions::tokens, -1), {"-1 text tokens"});
  expect_parts(error(&WorkloadOptions::tokens, 3000), {"3000 text tokens", "choose fewer"});
  expect_parts(error(&WorkloadOptions::context, 0), {"0 tokens of context"});
  expect_parts(error(&WorkloadOptions::context, 1LL << 62), {"from 1 to 3072"});
}

// ---- a tiny model, run ----

using naive::Checkpoint;
using naive::Matrix;

double no_bias(std::size_t, std::size_t, std::size_t) {
  return 0;
}

/// Half-split rotation of the first `turning` elements of each head.
Matrix rotated(Matrix x, std::size_t heads, std::size_t turning, double theta) {
  const std::size_t size = x.columns / heads;
  for (std::size_t t = 0; t < x.rows; ++t) {
    for (std::size_t h = 0; h < heads; ++h) {
      for (std::size_t i = 0; i < turning / 2; ++i) {
        const double angle =
            static_cast<double>(t) *
            std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(turning));
        double& a = x.at(t, h * size + i);
        double& b = x.at(t, h * size + i + turning / 2);
        const double turned = a * std::cos(angle) - b * std::sin(angle);
        b = b * std::cos(angle) + a * std::sin(angle);
        a = turned;
      }
    }
  }
  return x;
}

/// One picture as patches of 4x4 on a grid of 3x3, channel first.
Matrix patches_of(const Tensor& images, std::size_t picture) {
  Matrix patches(9, 48);
  for (std::size_t p = 0; p < 9; ++p) {
    for (std::size_t i = 0; i < 48; ++i) {
      const std::size_t channel = i / 16, y = p / 3 * 4 + i / 4 % 4, x = p % 3 * 4 + i % 4;
      patches.at(p, i) = images.floats()[((picture * 3 + channel) * 13 + y) * 13 + x];
    }
  }
  return patches;
}

/// The rows that the language model sees of a picture: eight, for the first patch is dropped.
Matrix picture_rows(const Checkpoint& weights, const Matrix& patches) {
  const std::string tower = "vision_tower._vision_tower.vision_model.";
  Matrix x = naive::sum(naive::linear(weights, tower + "embeddings.patch_embedding", patches),
                        weights[tower + "embeddings.position_embedding.weight"]);
  const std::string layer = tower + "encoder.layers.0.";
  const Matrix n = naive::norm(weights, layer + "layer_norm1", x, 1e-6, true);
  const auto projected = [&](const char* name) {
    return naive::linear(weights, layer + "self_attn." + name, n);
  };
  const Matrix seen =
      naive::attention(projected("q_proj"), projected("k_proj"), projected("v_proj"), 2,
                       1 / std::sqrt(8.0), no_bias, [](std::size_t, std::size_t) { return true; });
  x = naive::sum(x, naive::linear(weights, layer + "self_attn.out_proj", seen));
  const Matrix m = naive::norm(weights, layer + "layer_norm2", x, 1e-6, true);
  const Matrix wide = naive::each(naive::linear(weights, layer + "mlp.fc1", m), naive::gelu_tanh);
  x = naive::sum(x, naive::linear(weights, layer + "mlp.fc2", wide));
  const Matrix first = naive::linear(weights, "connector._connector.0", naive::part(x, 1, 9));
  return naive::linear(weights, "connector._connector.2", naive::each(first, naive::gelu_erf));
}

/// All rows behind the layers.
Matrix language(const Checkpoint& weights, Matrix x) {
  for (int i = 0; i < 2; ++i) {
    const std::string layer = "language_model.model.layers." + std::to_string(i) + ".";
    const Matrix n = naive::norm(weights, layer + "input_layernorm", x, 1e-5, true);
    const auto projected = [&](const char* name) {
      return naive::linear(weights, layer + "self_attn." + name, n);
    };
    const Matrix seen = naive::attention(
        rotated(projected("q_proj"), 2, 8, 10'000), rotated(projected("k_proj"), 2, 8, 10'000),
        projected("v_proj"), 2, 0.25, no_bias, [](std::size_t q, std::size_t k) { return k <= q; });
    const Matrix wide = naive::each(naive::linear(weights, layer + "mlp.fc1", n), naive::gelu_tanh);
    x = naive::sum(naive::sum(x, naive::linear(weights, layer + "self_attn.dense", seen)),
                   naive::linear(weights, layer + "mlp.fc2", wide));
  }
  return x;
}

/// The logits of the last row.
Matrix last_logits(const Checkpoint& weights, const Matrix& x) {
  const Matrix last = naive::part(x, x.rows - 1, x.rows);
  return naive::linear(
      weights, "language_model.lm_head",
      naive::norm(weights, "language_model.model.final_layernorm", last, 1e-5, true));
}

TEST(TinyLlavaGraph, AnswersLikePlainLoops) {
  const Config config = config_of(tiny_json());
  const TensorTable tensors = tensors_of(config);
  const Checkpoint weights(tensors);
  Tensor images(DType::kF32, {2, 3, 13, 13});
  std::mt19937 random(5);
  for (float& pixel : images.floats()) {
    pixel = static_cast<float>(std::uniform_real_distribution<>(-1, 1)(random));
  }
  // Two words, a picture, a picture, three words.
  const PromptShape shape{{2, 0, 3}};
  const std::vector<std::int32_t> ids = {7, 49, 3, 0, 12};
  const Graph prompt = make_prefill(config, tensors, shape);
  const RunResult prefill =
      weights.run(prompt, {{"images", images}, {"token_ids", naive::ids_tensor(ids)}});
  std::int64_t begin = naive::multiplications;
  const Matrix& table = weights["language_model.model.embed_tokens.weight"];
  Matrix rows = naive::rows_of(table, {7, 49});
  for (std::size_t picture : {0U, 1U}) {
    rows = naive::stacked(rows, picture_rows(weights, patches_of(images, picture)));
  }
  rows = naive::stacked(rows, naive::rows_of(table, {3, 0, 12}));
  ASSERT_EQ(rows.rows, 21U);
  const double first = naive::error(last_logits(weights, language(weights, rows)),
                                    prefill.outputs.at("head.logits"));
  EXPECT_LE(first, 1e-5);
  EXPECT_EQ(naive::counted(prompt), naive::multiplications - begin);

  // One token more, from the keys and values that the prompt left.
  std::map<std::string, Tensor> inputs = {{"token_ids", naive::ids_tensor({33})}};
  for (int i = 0; i < 2; ++i) {
    for (const char* what : {"k", "v"}) {
      const std::string name = "language.layer." + std::to_string(i) + ".";
      inputs.emplace(name + "past_" + what, prefill.outputs.at(name + what));
    }
  }
  const Graph token = make_decode(config, tensors, 22);
  const RunResult decode = weights.run(token, inputs);
  // The plain loops go through the prompt again; what is new is the token's.
  begin = naive::multiplications;
  language(weights, rows);
  const std::int64_t of_prompt = naive::multiplications - begin;
  begin = naive::multiplications;
  rows = naive::stacked(rows, naive::rows_of(table, {33}));
  const double second =
      naive::error(last_logits(weights, language(weights, rows)), decode.outputs.at("head.logits"));
  EXPECT_LE(second, 1e-5);
  EXPECT_EQ(naive::counted(token), naive::multiplications - begin - of_prompt);
  std::cout << "prompt: error " << first << ", token: error " << second << "\n";
}

TEST(TinyLlavaGraph, ATokenAloneAndAPromptOfItAreOne) {
  const Config config = config_of(tiny_json());
  const TensorTable tensors = tensors_of(config);
  const Checkpoint weights(tensors);
  const std::map<std::string, Tensor> inputs = {{"token_ids", naive::ids_tensor({41})}};
  EXPECT_EQ(
      weights.run(make_decode(config, tensors, 1), inputs).outputs.at("head.logits").bytes,
      weights.run(make_prefill(config, tensors, {{1}}), inputs).outputs.at("head.logits").bytes);
}

}  // namespace
}  // namespace heddle::tinyllava

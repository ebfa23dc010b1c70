// Switch Transformers from their config.json: what is read, what is refused, the tensors, the work,
// and a tiny model's answers against plain loops.
#include "model/switch/switch.h"

#include <gtest/gtest.h>

#include <iostream>
#include <set>

#include "base/json.h"
#include "model/naive.h"
#include "model/switch/graph.h"
#include "model/switch/tensors.h"
#include "support/macs.h"
#include "support/user_error.h"

namespace heddle::switch_transformer {
namespace {

const std::filesystem::path kPublished = "examples/configs/switch";

/// Two layers in either stack, the second with three experts.
Json tiny_json() {
  return {{"model_type", "switch_transformers"},
          {"d_model", 24},
          {"d_kv", 8},
          {"d_ff", 40},
          {"num_heads", 2},
          {"num_layers", 2},
          {"num_sparse_encoder_layers", 1},
          {"num_sparse_decoder_layers", 1},
          {"num_experts", 3},
          {"vocab_size", 30},
          {"relative_attention_num_buckets", 8},
          {"relative_attention_max_distance", 16}};
}

Config config_of(const Json& json) {
  const Scratch scratch;
  scratch.put("config.json", json.dump());
  return read_config(scratch.path());
}

TEST(SwitchConfig, IsThePublishedOne) {
  const Config config = read_config(kPublished);
  EXPECT_EQ(config.encoder.layers, 12);
  EXPECT_EQ(config.decoder.layers, 12);
  EXPECT_EQ(config.attention_size(), 768);
  EXPECT_EQ(config.experts, 8);
  EXPECT_EQ(config.buckets, 32);
  EXPECT_EQ(config.max_distance, 128);
  EXPECT_EQ(config.activation, Function::kRelu);
  EXPECT_TRUE(config.tied);
  for (const StackConfig& stack : {config.encoder, config.decoder}) {
    for (std::int64_t i = 0; i < stack.layers; ++i) EXPECT_EQ(stack.is_sparse(i), i % 2 == 1) << i;
  }
}

TEST(SwitchConfig, SparseLayersFollowTheStep) {
  Json json = tiny_json();
  json.merge_patch(
      {{"num_layers", 4}, {"num_decoder_layers", 3}, {"num_sparse_decoder_layers", 3}});
  const Config config = config_of(json);
  std::vector<bool> encoder, decoder;
  for (std::int64_t i = 0; i < 4; ++i) encoder.push_back(config.encoder.is_sparse(i));
  for (std::int64_t i = 0; i < 3; ++i) decoder.push_back(config.decoder.is_sparse(i));
  EXPECT_EQ(encoder, (std::vector<bool>{false, true, false, false}));
  EXPECT_EQ(decoder, (std::vector<bool>{true, true, true}));
}

/// A change to the tiny config.json and what its message must contain.
struct Broken {
  Json patch;
  std::string expected;
};

TEST(SwitchConfig, EveryBrokenValueIsExplained) {
  const std::vector<Broken> cases = {
      {{{"d_model", nullptr}}, "\"d_model\" is missing"},
      {{{"d_model", "24"}}, "\"d_model\""},
      {{{"d_model", 0}}, "\"d_model\" is 0"},
      {{{"d_ff", -1}}, "\"d_ff\" is -1"},
      {{{"d_kv", 1 << 16}}, "\"d_kv\""},
      {{{"num_heads", 1LL << 40}}, "\"num_heads\""},
      {{{"num_layers", 1 << 20}}, "\"num_layers\""},
      {{{"num_decoder_layers", 0}}, "\"num_decoder_layers\""},
      {{{"num_sparse_encoder_layers", 0}}, "\"num_sparse_encoder_layers\" is 0"},
      {{{"num_sparse_encoder_layers", 3}}, "\"num_sparse_encoder_layers\" is 3"},
      {{{"num_layers", 5}, {"num_sparse_encoder_layers", 2}}, "not a multiple"},
      {{{"num_experts", 0}}, "\"num_experts\""},
      {{{"num_layers", 1024}, {"num_sparse_encoder_layers", 1024}, {"num_experts", 256}},
       "experts, more than"},
      {{{"vocab_size", 1e12}}, "\"vocab_size\""},
      {{{"relative_attention_num_buckets", 30}}, "not a multiple of 4"},
      {{{"relative_attention_max_distance", 4}}, "\"relative_attention_max_distance\""},
      {{{"layer_norm_epsilon", 0}}, "\"layer_norm_epsilon\""},
      {{{"dense_act_fn", "swish"}}, "supported: gelu_pytorch_tanh"},
      {{{"router_bias", true}}, "\"router_bias\" is true"},
      {{{"is_gated_act", true}}, "\"is_gated_act\" is true"},
      {{{"tie_word_embeddings", 1}}, "\"tie_word_embeddings\""},
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

TEST(SwitchTensors, AreThoseOfThePublishedCheckpoint) {
  const TensorTable tensors = tensors_of(read_config(kPublished));
  EXPECT_EQ(tensors.parameters(), 619'339'008);
  std::int64_t experts = 0;
  std::set<std::string> copies;
  for (const ExpectedTensor& spec : tensors.all()) {
    if (spec.name.find(".experts.") != std::string::npos) experts += element_count(spec.shape);
    if (spec.is_copy) copies.insert(spec.name);
  }
  EXPECT_EQ(experts, 452'984'832);
  EXPECT_EQ(copies, (std::set<std::string>{"encoder.embed_tokens.weight",
                                           "decoder.embed_tokens.weight", "lm_head.weight"}));
  const std::map<std::string, Shape> some = {
      {"shared.weight", {32128, 768}},
      {"encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", {32, 12}},
      {"decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", {32, 12}},
      {"encoder.block.11.layer.0.SelfAttention.q.weight", {768, 768}},
      {"encoder.block.0.layer.1.mlp.wi.weight", {3072, 768}},
      {"encoder.block.1.layer.1.mlp.router.classifier.weight", {8, 768}},
      {"encoder.block.1.layer.1.mlp.experts.expert_7.wo.weight", {768, 3072}},
      {"decoder.block.4.layer.1.EncDecAttention.o.weight", {768, 768}},
      {"decoder.block.3.layer.2.mlp.experts.expert_0.wi.weight", {3072, 768}},
      {"decoder.block.2.layer.2.layer_norm.weight", {768}},
      {"decoder.final_layer_norm.weight", {768}},
  };
  for (const auto& [name, shape] : some) {
    ASSERT_NE(tensors.find(name), nullptr) << name;
    EXPECT_EQ(*tensors.find(name), shape) << name;
  }
  EXPECT_EQ(tensors.find("encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight"),
            nullptr);
  Json untied = tiny_json();
  const std::int64_t tied = tensors_of(config_of(untied)).parameters();
  untied["tie_word_embeddings"] = false;
  EXPECT_EQ(tensors_of(config_of(untied)).parameters() - tied, 30 * 24);
}

TEST(SwitchWorkload, HasTheWorkOfThePublishedModel) {
  const Workload work = workload_of_switch(kPublished, {});
  EXPECT_EQ(work.model, "switch_transformers");
  EXPECT_EQ(work.parameters, 619'339'008);
  ASSERT_EQ(work.phases.size(), 2U);
  EXPECT_EQ(work.phases[0].name, "encode");
  EXPECT_EQ(work.phases[1].name, "decode");
  for (const Phase& phase : work.phases) EXPECT_NO_THROW(verify(phase.graph));
  auto encode = macs_by_stage(work.phases[0].graph);
  EXPECT_NEAR(encode["encoder"].linear / 128 / 1e6, 84.97, 5e-3);
  EXPECT_NEAR(encode["cross_kv"].linear / 128 / 1e6, 14.16, 5e-3);
  EXPECT_EQ(encode["encoder"].dense, 12 * 2.0 * 768 * 128 * 128);
  auto decode = macs_by_stage(work.phases[1].graph);
  EXPECT_NEAR(decode["decoder"].linear / 1e6, 99.13, 5e-3);
  EXPECT_EQ(decode["decoder"].visible, 12 * 2.0 * 768 * (128 + 128));
  EXPECT_EQ(decode["head"].linear, 768.0 * 32128);
  std::cout << "encode " << encode["encoder"].linear / 128 / 1e6 << " M MAC a token, decode "
            << decode["decoder"].linear / 1e6 << "\n";
}

TEST(SwitchWorkload, BothGraphsTogetherReadEveryTensorButTheCopies) {
  const Workload work = workload_of_switch(kPublished, {});
  std::set<std::string> read;
  for (const Phase& phase : work.phases) {
    for (const Value& value : phase.graph.values) {
      if (value.kind == ValueKind::kWeight) read.insert(value.name);
    }
  }
  const TensorTable tensors = tensors_of(read_config(kPublished));
  for (const ExpectedTensor& spec : tensors.all()) {
    EXPECT_EQ(read.contains(spec.name), !spec.name.ends_with("embed_tokens.weight")) << spec.name;
  }
}

TEST(SwitchWorkload, OptionsAreChecked) {
  const auto error = [](std::optional<std::int64_t> WorkloadOptions::* option, std::int64_t value) {
    WorkloadOptions options;
    options.*option = value;
    return user_error([&] { (void)workload_of_switch(kPublished, options); });
  };
  expect_parts(error(&WorkloadOptions::cameras, 1), {"1 pictures", "switch_transformers"});
  expect_parts(error(&WorkloadOptions::steps, 10), {"10 denoising steps"});
  expect_parts(error(&WorkloadOptions::tokens, 0), {"0 text tokens", "1 to 4096"});
  expect_parts(error(&WorkloadOptions::context, 1LL << 40), {"tokens of context"});
}

// ---- a tiny model, run ----

using naive::Checkpoint;
using naive::Matrix;

constexpr std::size_t kHeads = 2;
constexpr double kEpsilon = 1e-6;

/// T5's buckets, of 8 for distances up to 16.
std::size_t bucket(std::int64_t key, std::int64_t query, bool bidirectional) {
  std::int64_t buckets = 8, first = 0, away = query - key;
  if (bidirectional) {
    buckets = 4;
    if (key > query) first = 4;
    away = std::abs(away);
  } else if (away < 0) {
    away = 0;
  }
  const std::int64_t exact = buckets / 2;
  if (away < exact) return static_cast<std::size_t>(first + away);
  const auto beyond = static_cast<std::int64_t>(
      std::log(static_cast<double>(away) / static_cast<double>(exact)) /
      std::log(16.0 / static_cast<double>(exact)) * static_cast<double>(buckets - exact));
  return static_cast<std::size_t>(first + std::min(exact + beyond, buckets - 1));
}

Matrix rms_norm(const Checkpoint& weights, const std::string& prefix, const Matrix& x) {
  return naive::norm(weights, prefix, x, kEpsilon, false);
}

/// x + the attention of x to `source`, or to itself, in the branch `prefix`.
Matrix attended(const Checkpoint& weights, const std::string& prefix, const std::string& kind,
                const Matrix& x, const Matrix* source, const Matrix* table) {
  const Matrix n = rms_norm(weights, prefix + "layer_norm", x);
  const Matrix& keys = source == nullptr ? n : *source;
  const bool is_decoder = prefix.starts_with("decoder");
  const Matrix seen = naive::attention(
      naive::linear(weights, prefix + kind + ".q", n),
      naive::linear(weights, prefix + kind + ".k", keys),
      naive::linear(weights, prefix + kind + ".v", keys), kHeads, 1,
      [&](std::size_t head, std::size_t query, std::size_t key) {
        if (table == nullptr) return 0.0;
        return table->at(
            bucket(static_cast<std::int64_t>(key), static_cast<std::int64_t>(query), !is_decoder),
            head);
      },
      [&](std::size_t query, std::size_t key) {
        return !is_decoder || source != nullptr || key <= query;
      });
  return naive::sum(x, naive::linear(weights, prefix + kind + ".o", seen));
}

Matrix mlp(const Checkpoint& weights, const std::string& prefix, const Matrix& x) {
  return naive::linear(weights, prefix + "wo",
                       naive::each(naive::linear(weights, prefix + "wi", x), naive::relu));
}

/// x + the feed-forward of the branch `prefix`; counts the rows that each expert gets.
Matrix fed_forward(const Checkpoint& weights, const std::string& prefix, const Matrix& x,
                   std::map<std::size_t, int>& chosen) {
  const Matrix n = rms_norm(weights, prefix + "layer_norm", x);
  if (!weights.has(prefix + "mlp.router.classifier.weight")) {
    return naive::sum(x, mlp(weights, prefix + "mlp.", n));
  }
  Matrix out = x;
  const Matrix logits = naive::linear(weights, prefix + "mlp.router.classifier", n);
  for (std::size_t i = 0; i < x.rows; ++i) {
    double total = 0;
    std::size_t best = 0;
    for (std::size_t e = 0; e < logits.columns; ++e) {
      total += std::exp(logits.at(i, e));
      if (logits.at(i, e) > logits.at(i, best)) best = e;
    }
    ++chosen[best];
    const std::string expert = prefix + "mlp.experts.expert_" + std::to_string(best) + ".";
    const Matrix made = mlp(weights, expert, naive::part(n, i, i + 1));
    for (std::size_t k = 0; k < x.columns; ++k) {
      out.at(i, k) += std::exp(logits.at(i, best)) / total * made.at(0, k);
    }
  }
  return out;
}

Matrix stack(const Checkpoint& weights, const std::string& name,
             const std::vector<std::int32_t>& ids, const Matrix* source,
             std::map<std::size_t, int>& chosen) {
  Matrix x = naive::rows_of(weights["shared.weight"], ids);
  const Matrix& table =
      weights[name + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight"];
  for (int i = 0; i < 2; ++i) {
    const std::string layer = name + ".block." + std::to_string(i) + ".layer.";
    x = attended(weights, layer + "0.", "SelfAttention", x, nullptr, &table);
    if (source != nullptr) {
      x = attended(weights, layer + "1.", "EncDecAttention", x, source, nullptr);
    }
    x = fed_forward(weights, layer + (source == nullptr ? "1." : "2."), x, chosen);
  }
  return rms_norm(weights, name + ".final_layer_norm", x);
}

TEST(SwitchGraph, AnswersLikePlainLoops) {
  for (const bool tied : {true, false}) {
    Json json = tiny_json();
    json["tie_word_embeddings"] = tied;
    const Config config = config_of(json);
    const TensorTable tensors = tensors_of(config);
    const Checkpoint weights(tensors);
    // Longer than the distance from which on all are alike.
    const std::vector<std::int32_t> text = {3, 17, 29, 0, 5, 5, 8,  21, 11, 2, 14,
                                            9, 9,  1,  4, 6, 7, 22, 13, 28, 10};
    std::map<std::size_t, int> chosen;
    const Graph encoder = make_encode(config, tensors, std::ssize(text));
    std::int64_t begin = naive::multiplications;
    const Matrix encoded = stack(weights, "encoder", text, nullptr, chosen);
    // The Graph also makes the keys and values that all of the decoder's tokens see.
    EXPECT_EQ(naive::counted(encoder),
              naive::multiplications - begin + std::ssize(text) * 2 * 2 * 24 * 16);
    EXPECT_GE(chosen.size(), 2U) << "one expert takes all rows";
    const RunResult encode = weights.run(encoder, {{"token_ids", naive::ids_tensor(text)}});
    std::map<std::string, Tensor> inputs;
    for (const auto& [name, tensor] : encode.outputs) inputs.emplace(name, tensor);
    EXPECT_LE(
        naive::error(naive::linear(weights, "decoder.block.1.layer.1.EncDecAttention.k", encoded),
                     encode.outputs.at("decoder.layer.1.cross_k")),
        1e-5);

    // Token by token, each from the keys and values of those before it.
    const std::vector<std::int32_t> answer = {0, 12, 25, 7};
    std::map<std::string, Tensor> past;
    std::int64_t of_earlier = 0;  // Multiplications for all tokens but the last.
    for (std::size_t n = 1; n <= answer.size(); ++n) {
      std::map<std::string, Tensor> given = inputs;
      given.insert(past.begin(), past.end());
      given.insert_or_assign("token_ids", naive::ids_tensor({answer[n - 1]}));
      const Graph token =
          make_decode(config, tensors, std::ssize(text), static_cast<std::int64_t>(n));
      const RunResult decode = weights.run(token, given);
      const std::vector<std::int32_t> so_far(answer.begin(),
                                             answer.begin() + static_cast<std::ptrdiff_t>(n));
      begin = naive::multiplications;
      Matrix last = naive::part(stack(weights, "decoder", so_far, &encoded, chosen), n - 1, n);
      const std::int64_t of_tokens = naive::multiplications - begin;
      begin = naive::multiplications;
      for (double& value : last.values) value *= tied ? 1 / std::sqrt(24.0) : 1;
      const double error =
          naive::error(naive::linear(weights, "lm_head", last), decode.outputs.at("head.logits"));
      EXPECT_LE(error, 1e-5) << n;
      if (n > 1) {
        const std::int64_t of_head = naive::multiplications - begin;
        EXPECT_EQ(naive::counted(token), of_tokens - of_earlier + of_head) << n;
      }
      of_earlier = of_tokens;
      std::cout << (tied ? "tied" : "untied") << ", token " << n << ": error " << error << "\n";
      for (int i = 0; i < 2; ++i) {
        for (const char* what : {"k", "v"}) {
          const std::string layer = "decoder.layer." + std::to_string(i) + ".";
          const Tensor& row = decode.outputs.at(layer + what);
          const auto before = past.find(layer + "past_" + what);
          std::vector<float> all;
          if (before != past.end()) {
            all.assign(before->second.floats().begin(), before->second.floats().end());
          }
          all.insert(all.end(), row.floats().begin(), row.floats().end());
          past.insert_or_assign(layer + "past_" + what,
                                Tensor::from_floats({static_cast<std::int64_t>(n), 16}, all));
        }
      }
    }
  }
}

}  // namespace
}  // namespace heddle::switch_transformer

// Reading config.json: what is understood, and what each broken value is answered with.
#include "model/smolvla/config.h"

#include <gtest/gtest.h>

#include "checkpoint_folder.h"
#include "support/user_error.h"

namespace heddle::smolvla {
namespace {

TEST(Config, FullSizeIsThePublishedModel) {
  const Config config = ConfigFolder("full").config();
  const Backbone& backbone = config.backbone;
  EXPECT_EQ(backbone.vision.layers, 12);
  EXPECT_EQ(backbone.vision.patches(), 1024);
  EXPECT_EQ(backbone.image_tokens(), 64);
  EXPECT_EQ(backbone.text.layers, 32);
  EXPECT_EQ(backbone.text.query_size(), 960);
  EXPECT_EQ(backbone.text.kv_size(), 320);
  EXPECT_EQ(config.vlm_layers, 16);
  EXPECT_EQ(config.expert.hidden, 720);
  EXPECT_EQ(config.expert.intermediate, 2048);
  EXPECT_EQ(config.expert.layers, 16);
  EXPECT_EQ(config.last_read_layer(), 15);
  EXPECT_TRUE(config.self_attention(14));
  EXPECT_FALSE(config.self_attention(15));
  ASSERT_EQ(config.cameras.size(), 3U);
  EXPECT_EQ(config.cameras[0], (PolicyCamera{"camera1", "observation.images.camera1", 256, 256}));
}

TEST(Config, AbsentKeysHaveTheDefaultsOfLeRobot) {
  const ConfigFolder folder("full");
  const Json& whole = folder.policy();
  folder.scratch().put("config.json", Json{{"type", "smolvla"},
                                           {"input_features", whole.at("input_features")},
                                           {"output_features", whole.at("output_features")}}
                                          .dump());
  const Config config = folder.config();
  EXPECT_EQ(config.vlm_layers, 16);
  EXPECT_EQ(config.expert.layers, 16);
  EXPECT_EQ(config.chunk, 50);
  EXPECT_EQ(config.steps, 10);
  EXPECT_EQ(config.max_tokens, 48);
  EXPECT_EQ(config.self_attention_every, 2);
  EXPECT_EQ(config.max_period, 4.0);
  EXPECT_EQ(config.state_normalisation, Normalisation::kMeanStd);
  EXPECT_EQ(config.backbone_name, "HuggingFaceTB/SmolVLM2-500M-Video-Instruct");
}

TEST(Config, CamerasKeepTheOrderOfTheFile) {
  const ConfigFolder folder("tiny");
  folder.scratch().put("config.json", R"({"type": "smolvla", "vlm_model_name": "vlm",
      "num_vlm_layers": 4, "resize_imgs_with_padding": [128, 128], "empty_cameras": 2,
      "input_features": {
        "observation.images.wrist": {"type": "VISUAL", "shape": [3, 480, 640]},
        "observation.state": {"type": "STATE", "shape": [6]},
        "observation.image": {"type": "VISUAL", "shape": [3, 96, 96]},
        "observation.images.empty_camera_0": {"type": "VISUAL", "shape": [3, 480, 640]}},
      "output_features": {"action": {"type": "ACTION", "shape": [2], "names": ["x", "y"]}}})");
  const Config config = folder.config();
  ASSERT_EQ(config.cameras.size(), 3U);
  EXPECT_EQ(config.cameras[0].name, "wrist");
  EXPECT_EQ(config.cameras[0].width, 640);
  EXPECT_EQ(config.cameras[1].name, "image");
  EXPECT_EQ(config.action_names, (std::vector<std::string>{"x", "y"}));
  // Four cameras are declared: the file's three and the second empty one.
  EXPECT_EQ(config.declared_cameras, 4);
  EXPECT_EQ(config.stand_ins(1), 2);
  EXPECT_EQ(config.stand_ins(3), 1);
}

TEST(Config, ExpertWidthFollowsTheRuleOfLeRobot) {
  EXPECT_EQ(expert_intermediate(720), 2048);
  EXPECT_EQ(expert_intermediate(480), 1280);
  EXPECT_EQ(expert_intermediate(36), 256);
}

TEST(Config, FewerExpertLayersSkipTextLayers) {
  const Json sparse = {{"num_expert_layers", 2}, {"self_attn_every_n_layers", 0}};
  const Config config = ConfigFolder("tiny", sparse).config();
  EXPECT_EQ(config.expert.layers, 2);
  EXPECT_EQ(config.expert_layer(0), 0);
  EXPECT_EQ(config.expert_layer(1), std::nullopt);
  EXPECT_EQ(config.expert_layer(2), 1);
  EXPECT_EQ(config.last_read_layer(), 2);
}

/// A change to the tiny config.json and what its message must contain.
struct Broken {
  Json patch;
  std::string expected;
};

TEST(Config, EveryBrokenValueIsExplained) {
  const auto feature = [](std::string_view type, const Json& shape) {
    return Json{{"observation.state", {{"type", type}, {"shape", shape}}}};
  };
  const std::vector<Broken> cases = {
      {{{"chunk_size", 0}}, "chunk_size"},
      {{{"chunk_size", "50"}}, "chunk_size"},
      {{{"num_steps", 1000000}}, "num_steps"},
      {{{"tokenizer_max_length", 0}}, "tokenizer_max_length"},
      {{{"max_state_dim", -1}}, "max_state_dim"},
      {{{"num_vlm_layers", 5}}, "num_hidden_layers"},
      {{{"num_expert_layers", 3}}, "num_expert_layers"},
      {{{"num_expert_layers", 2}}, "self_attn_every_n_layers"},
      {{{"expert_width_multiplier", 0}}, "expert_width_multiplier"},
      {{{"expert_width_multiplier", 1e9}}, "expert_width_multiplier"},
      {{{"attention_mode", "self_attn"}}, "cross_attn"},
      {{{"use_cache", false}}, "use_cache"},
      {{{"adapt_to_pi_aloha", true}}, "adapt_to_pi_aloha"},
      {{{"resize_imgs_with_padding", {512, 512}}}, "set it to [128, 128]"},
      {{{"min_period", -1}}, "min_period"},
      {{{"empty_cameras", -1}}, "empty_cameras"},
      {{{"normalization_mapping", {{"STATE", "MEAN"}}}}, "known: IDENTITY"},
      {{{"input_features", nullptr}}, "input_features"},
      {{{"output_features", {{"action", nullptr}}}}, "action"},
      {{{"input_features", feature("STATE", {33})}}, "max_state_dim"},
      {{{"input_features", feature("STATE", Json::array())}}, "shape [n]"},
      {{{"input_features", feature("VISUAL", {6})}}, "colour image"},
      {{{"vlm_model_name", "nobody/nothing"}, {"num_vlm_layers", 5}}, "num_vlm_layers"},
  };
  for (const Broken& broken : cases) {
    const ConfigFolder folder("tiny", broken.patch);
    const std::string message = user_error([&] { (void)folder.config(); });
    EXPECT_NE(message.find(broken.expected), std::string::npos) << broken.patch << "\n" << message;
    EXPECT_NE(message.find("config.json"), std::string::npos) << message;
  }
  std::cout << cases.size() << " broken values, each with its message\n";
}

TEST(Config, ImagesMustBeResized) {
  const ConfigFolder folder("tiny");
  Json policy = folder.policy();
  policy["resize_imgs_with_padding"] = nullptr;
  folder.scratch().put("config.json", policy.dump());
  expect_parts(user_error([&] { (void)folder.config(); }), {"is null", "[128, 128]"});
}

TEST(Config, EveryBrokenBackboneIsExplained) {
  const std::vector<Broken> cases = {
      {{{"scale_factor", 3}}, "scale_factor"},
      {{{"scale_factor", 0}}, "scale_factor"},
      {{{"text_config", {{"num_key_value_heads", 2}}}}, "num_key_value_heads"},
      {{{"text_config", {{"head_dim", 15}}}}, "head_dim"},
      {{{"text_config", {{"hidden_act", "tanh"}}}}, "supported: gelu_pytorch_tanh"},
      {{{"text_config", {{"attention_bias", true}}}}, "attention_bias"},
      {{{"text_config", {{"rms_norm_eps", 0}}}}, "rms_norm_eps"},
      {{{"text_config", {{"vocab_size", 1LL << 40}}}}, "vocab_size"},
      {{{"text_config", {{"model_type", "mistral"}}}}, "llama"},
      {{{"text_config", 3}}, "text_config"},
      {{{"vision_config", {{"patch_size", 17}}}}, "patch_size"},
      {{{"vision_config", {{"num_attention_heads", 3}}}}, "num_attention_heads"},
      {{{"vision_config", {{"num_channels", 1}}}}, "num_channels"},
      {{{"vision_config", {{"image_size", 0}}}}, "image_size"},
  };
  for (const Broken& broken : cases) {
    ConfigFolder folder("tiny");
    folder.put_backbone(backbone_json("tiny", broken.patch));
    const std::string message = user_error([&] { (void)folder.config(); });
    EXPECT_NE(message.find(broken.expected), std::string::npos) << broken.patch << "\n" << message;
  }
  std::cout << cases.size() << " broken backbones, each with its message\n";
}

TEST(Config, UnknownBackboneSaysWhereToPutItsConfig) {
  const ConfigFolder folder("full", {{"vlm_model_name", "somebody/vlm-1B"}});
  const std::string message = user_error([&] { (void)folder.config(); });
  EXPECT_NE(message.find("vlm/config.json"), std::string::npos) << message;
  EXPECT_NE(message.find("somebody/vlm-1B"), std::string::npos) << message;
}

TEST(Config, BackboneOutsideTheFolderIsNotRead) {
  const ConfigFolder folder("full", {{"vlm_model_name", "../elsewhere"}});
  std::filesystem::create_directories(folder.path().parent_path() / "elsewhere");
  const std::string message = user_error([&] { (void)folder.config(); });
  EXPECT_NE(message.find("vlm_model_name"), std::string::npos) << message;
  std::filesystem::remove(folder.path().parent_path() / "elsewhere");
}

TEST(Backbone, AbsentKeysHaveTheDefaultsOfTransformers) {
  // What the public file of the 500M model says, which leaves much out.
  const Backbone backbone = parse_backbone(parse_json(R"({"scale_factor": 4,
        "text_config": {"hidden_size": 960, "intermediate_size": 2560, "num_attention_heads": 15,
          "num_key_value_heads": 5, "rms_norm_eps": 1e-05, "vocab_size": 49280},
        "vision_config": {"hidden_size": 768, "image_size": 512, "num_attention_heads": 12,
          "patch_size": 16}})",
                                                      "here"),
                                           "here");
  EXPECT_EQ(backbone.text.head_size, 64);
  EXPECT_EQ(backbone.text.layers, 32);
  EXPECT_EQ(backbone.text.activation, Function::kSilu);
  EXPECT_EQ(backbone.vision.intermediate, 3072);
  EXPECT_EQ(backbone.vision.layers, 12);
  EXPECT_EQ(backbone.vision.activation, Function::kGeluTanh);
  EXPECT_EQ(backbone.vision.epsilon, 1e-6);
}

}  // namespace
}  // namespace heddle::smolvla

// One test per mistake a user can make: the program must exit with 2 and one message that names the
// thing and says what to do, must not crash, and must leave no file behind.
#include <algorithm>
#include <cmath>

#include "workshop.h"

namespace heddle {
namespace {

const std::string kWeight =
    "model.vlm_with_expert.vlm.model.text_model.layers.1.self_attn.q_proj.weight";

void set_first(Tensor& tensor, float value) {
  if (tensor.dtype == DType::kF32) {
    tensor.floats()[0] = value;
  } else {
    const std::uint16_t bits = f32_to_bf16(value);
    std::copy_n(reinterpret_cast<const std::byte*>(&bits), 2, tensor.bytes.begin());
  }
}

std::vector<Mistake> mistakes() {
  return {
      // ---- the command line ----
      {"no_verb", [](Workshop& w) { w.verb = ""; }, {"subcommand"}},
      {"unknown_verb", [](Workshop& w) { w.verb = "dance"; }, {"dance"}},
      {"unknown_option", [](Workshop& w) { w.more = "--fast"; }, {"--fast"}},
      {"no_image", [](Workshop& w) { w.images = ""; }, {"--image"}},
      {"no_state", [](Workshop& w) { w.state = ""; }, {"--state"}},
      {"no_task", [](Workshop& w) { w.task = ""; }, {"--task"}},
      {"image_without_camera",
       [](Workshop& w) { w.images = "--image a.png"; },
       {"a.png", "CAMERA=FILE"}},
      {"camera_twice",
       [](Workshop& w) { w.images += " --image camera1=a.png"; },
       {"camera1", "twice"}},
      {"state_not_a_number",
       [](Workshop& w) { w.state = "--state 0,x,0,0,0,0"; },
       {"\"x\"", "number"}},
      {"state_trailing_comma", [](Workshop& w) { w.state = "--state 0,0,0,0,0,"; }, {"number"}},
      {"state_not_finite", [](Workshop& w) { w.state = "--state 0,nan,0,0,0,0"; }, {"nan"}},
      {"bad_precision", [](Workshop& w) { w.more = "--precision f16"; }, {"f16", "bf16"}},
      {"no_threads", [](Workshop& w) { w.more = "--threads 0"; }, {"--threads"}},
      {"too_many_threads", [](Workshop& w) { w.more = "--threads 1000000"; }, {"--threads"}},
      {"no_steps", [](Workshop& w) { w.more = "--steps 0"; }, {"step"}},
      {"too_many_steps", [](Workshop& w) { w.more = "--steps 1000000000000"; }, {"step"}},
      {"negative_repeat", [](Workshop& w) { w.more = "--repeat -3"; }, {"--repeat"}},
      {"bad_route", [](Workshop& w) { w.more = "--image-route sea"; }, {"sea", "server"}},
      {"unknown_output_kind",
       [](Workshop& w) { w.more = "-o actions.xls"; },
       {"actions.xls", ".npy"}},
      {"output_folder_missing",
       [](Workshop& w) { w.more = "-o no/where/a.csv"; },
       {"no/where", "mkdir"}},
      // ---- the request ----
      {"image_missing", [](Workshop& w) { w.images = "--image camera1=b.png"; }, {"b.png"}},
      {"image_is_a_folder",
       [](Workshop& w) { w.images = "--image camera1=model"; },
       {"model", "regular file"}},
      {"image_is_text",
       [](Workshop& w) {
         w.scratch.put("t.png", "not a picture");
         w.images = "--image camera1=t.png";
       },
       {"t.png", "PNG"}},
      {"image_empty",
       [](Workshop& w) {
         w.scratch.put("e.png", "");
         w.images = "--image camera1=e.png";
       },
       {"e.png"}},
      {"image_truncated",
       [](Workshop& w) {
         w.scratch.put("t.png", read_file(w.scratch / "a.png").substr(0, 5000));
         w.images = "--image camera1=t.png";
       },
       {"t.png"}},
      {"image_bomb",
       [](Workshop& w) {
         w.scratch.put("bomb.ppm", "P6 60000 60000 255\n");
         w.images = "--image camera1=bomb.ppm";
       },
       {"bomb.ppm", "60000"}},
      {"unknown_camera",
       [](Workshop& w) { w.images = "--image wrist=a.png"; },
       {"wrist", "camera1, camera2, camera3"}},
      {"state_too_long", [](Workshop& w) { w.state = "--state 0,0,0,0,0,0,0"; }, {"7", "6"}},
      {"state_too_short", [](Workshop& w) { w.state = "--state 0"; }, {"1", "6"}},
      {"task_empty", [](Workshop& w) { w.task = "--task ''"; }, {"task"}},
      {"task_not_utf8",
       [](Workshop& w) { w.task = "--task \"$(printf 'pick \\377 up')\""; },
       {"UTF-8"}},
      {"noise_missing", [](Workshop& w) { w.more = "--noise n.safetensors"; }, {"n.safetensors"}},
      {"noise_of_wrong_shape",
       [](Workshop& w) {
         const Tensor noise(DType::kF32, {50, 7});
         write_safetensors(w.scratch / "n.safetensors", {{"noise", noise.view()}});
         w.more = "--noise n.safetensors";
       },
       {"[50,7]", "[50,32]"}},
      {"noise_of_wrong_dtype",
       [](Workshop& w) {
         const Tensor noise(DType::kBF16, {50, 32});
         write_safetensors(w.scratch / "n.safetensors", {{"noise", noise.view()}});
         w.more = "--noise n.safetensors";
       },
       {"BF16", "F32"}},
      {"noise_of_another_name",
       [](Workshop& w) {
         const Tensor noise(DType::kF32, {50, 32});
         write_safetensors(w.scratch / "n.safetensors", {{"noises", noise.view()}});
         w.more = "--noise n.safetensors";
       },
       {"noise", "noises"}},
      {"noise_not_finite",
       [](Workshop& w) {
         Tensor noise(DType::kF32, {50, 32});
         noise.floats()[3] = NAN;
         write_safetensors(w.scratch / "n.safetensors", {{"noise", noise.view()}});
         w.more = "--noise n.safetensors";
       },
       {"noise", "nan"}},
      {"statistics_key_absent", [](Workshop& w) { w.more = "--stats-key so100"; }, {"so100"}},
      // ---- the checkpoint ----
      {"folder_missing", [](Workshop& w) { fs::remove_all(w.model); }, {"model"}},
      {"folder_is_a_file",
       [](Workshop& w) {
         fs::remove_all(w.model);
         write_file(w.model, "x");
       },
       {"model", "folder"}},
      {"config_missing", [](Workshop& w) { fs::remove(w.model / "config.json"); }, {"config.json"}},
      {"config_not_json",
       [](Workshop& w) { write_file(w.model / "config.json", "{\"type\": "); },
       {"config.json", "JSON"}},
      {"config_key_twice",
       [](Workshop& w) { write_file(w.model / "config.json", R"({"type":"smolvla","type":"x"})"); },
       {"type", "twice"}},
      {"unknown_model_type",
       [](Workshop& w) { w.config([](Json& c) { c["type"] = "pi0"; }); },
       {"pi0", "smolvla"}},
      {"model_type_missing",
       [](Workshop& w) { w.config([](Json& c) { c.erase("type"); }); },
       {"type"}},
      {"chunk_negative",
       [](Workshop& w) { w.config([](Json& c) { c["chunk_size"] = -1; }); },
       {"chunk_size", "-1"}},
      {"chunk_huge",
       [](Workshop& w) { w.config([](Json& c) { c["chunk_size"] = 1LL << 60; }); },
       {"chunk_size"}},
      {"chunk_text",
       [](Workshop& w) { w.config([](Json& c) { c["chunk_size"] = "50"; }); },
       {"chunk_size", "integer"}},
      {"layers_zero",
       [](Workshop& w) { w.config([](Json& c) { c["num_vlm_layers"] = 99; }); },
       {"num_vlm_layers"}},
      {"attention_mode",
       [](Workshop& w) { w.config([](Json& c) { c["attention_mode"] = "warp"; }); },
       {"attention_mode", "cross_attn"}},
      {"backbone_unknown",
       [](Workshop& w) {
         w.config([](Json& c) { c["vlm_model_name"] = "some/thing"; });
         fs::remove_all(w.model / "vlm");
       },
       {"some/thing", "config.json"}},
      {"weights_missing",
       [](Workshop& w) { fs::remove(w.model / "model.safetensors"); },
       {"safetensors"}},
      {"weights_truncated",
       [](Workshop& w) { fs::resize_file(w.model / "model.safetensors", 400000); },
       {"model.safetensors"}},
      {"weights_empty",
       [](Workshop& w) { write_file(w.model / "model.safetensors", ""); },
       {"model.safetensors"}},
      {"weights_header_overlong",
       [](Workshop& w) {
         write_file(w.model / "model.safetensors", std::string(8, '\x7f') + "{}");
       },
       {"model.safetensors", "header"}},
      {"tensor_missing",
       [](Workshop& w) { w.weights([](auto& t) { t.erase(kWeight); }); },
       {kWeight}},
      {"tensor_of_wrong_shape",
       [](Workshop& w) { w.weights([](auto& t) { t[kWeight] = Tensor(DType::kBF16, {48, 47}); }); },
       {kWeight, "[48,47]", "[48,48]"}},
      {"tensor_of_wrong_dtype",
       [](Workshop& w) { w.weights([](auto& t) { t[kWeight] = Tensor(DType::kI64, {48, 48}); }); },
       {kWeight, "I64"}},
      {"weight_is_nan",
       [](Workshop& w) { w.weights([](auto& t) { set_first(t[kWeight], NAN); }); },
       {kWeight, "nan"}},
      {"weight_is_infinite",
       [](Workshop& w) {
         w.weights([](auto& t) { set_first(t["model.state_proj.bias"], INFINITY); });
       },
       {"model.state_proj.bias", "inf"}},
      {"statistics_missing",
       [](Workshop& w) { w.statistics([](auto& t) { t.erase("action.mean"); }); },
       {"action.", "--stats-key"}},
      {"statistics_only_prefixed",
       [](Workshop& w) {
         w.statistics([](auto& t) {
           for (const char* key :
                {"action.mean", "action.std", "observation.state.mean", "observation.state.std"}) {
             auto node = t.extract(key);
             node.key() = "so100.buffer." + node.key();
             t.insert(std::move(node));
           }
         });
       },
       {"so100", "--stats-key"}},
      {"statistics_of_wrong_size",
       [](Workshop& w) {
         w.statistics([](auto& t) { t["action.std"] = Tensor(DType::kF32, {5}); });
       },
       {"action std", "5", "6"}},
      {"statistics_not_finite",
       [](Workshop& w) {
         w.statistics([](auto& t) { t["observation.state.mean"].floats()[2] = NAN; });
       },
       {"observation.state mean", "nan"}},
      {"statistics_file_missing",
       [](Workshop& w) {
         fs::remove(w.model / "policy_postprocessor_step_0_unnormalizer_processor.safetensors");
       },
       {"unnormalizer"}},
      {"tokenizer_missing",
       [](Workshop& w) { fs::remove_all(w.model / "tokenizer"); },
       {"tokenizer.json"}},
      {"tokenizer_broken",
       [](Workshop& w) { write_file(w.model / "tokenizer" / "tokenizer.json", "{\"model\": {}}"); },
       {"tokenizer.json"}},
      {"tokenizer_of_another_model",
       [](Workshop& w) {
         w.weights([](auto& t) {
           for (const char* name :
                {"model.vlm_with_expert.vlm.model.text_model.embed_tokens.weight",
                 "model.vlm_with_expert.vlm.lm_head.weight"}) {
             t[name] = Tensor(DType::kBF16, {100, 48});
           }
         });
         w.edit_json("vlm/config.json", [](Json& c) { c["text_config"]["vocab_size"] = 100; });
       },
       {"token"}},
      // ---- the disk ----
      {"disk_full_for_actions",
       [](Workshop& w) {
         w.more = "-o actions.csv";
         w.shell = "ulimit -f 1";
       },
       {"actions.csv"}},
      {"disk_full_for_stages",
       [](Workshop& w) {
         w.more = "--dump-stages s.safetensors";
         w.shell = "ulimit -f 8";
       },
       {"s.safetensors"}},
      {"output_closed", [](Workshop& w) { w.more = "> /dev/full"; }, {"standard output"}},
      // ---- synth and inspect ----
      {"synth_unknown_model", [](Workshop& w) { w.verb = "synth gpt5 -o x"; }, {"gpt5", "smolvla"}},
      {"synth_unknown_size",
       [](Workshop& w) { w.verb = "synth smolvla --size huge -o x"; },
       {"huge", "tiny"}},
      {"synth_no_output", [](Workshop& w) { w.verb = "synth smolvla"; }, {"--output"}},
      {"synth_folder_exists",
       [](Workshop& w) { w.verb = "synth smolvla --size tiny -o model"; },
       {"model", "--force"}},
      {"synth_folder_nowhere",
       [](Workshop& w) { w.verb = "synth smolvla --size tiny -o a.png/x"; },
       {"a.png"}},
      {"synth_disk_full",
       [](Workshop& w) {
         w.verb = "synth smolvla --size tiny -o x";
         w.shell = "ulimit -f 100";
       },
       {"cannot"}},
      {"inspect_nothing", [](Workshop& w) { w.verb = "inspect nothing"; }, {"nothing"}},
      {"inspect_unknown_camera",
       [](Workshop& w) { w.verb = "inspect model --graph --cameras tail"; },
       {"tail", "camera1"}},
  };
}

class MistakeTest : public testing::TestWithParam<Mistake> {};

TEST_P(MistakeTest, IsExplained) {
  Workshop workshop;
  expect_explained(workshop, GetParam());
}

INSTANTIATE_TEST_SUITE_P(CommandLine, MistakeTest, testing::ValuesIn(mistakes()),
                         [](const auto& test) { return test.param.name; });

TEST(CommandLine, RepeatedRunsDumpTheirStages) {
  Workshop workshop;
  workshop.more = "--repeat 2 --dump-stages stages.safetensors";
  const Workshop::Outcome outcome = workshop.run();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(SafeTensors(workshop.scratch / "stages.safetensors").contains("prefix.embed"));
}

TEST(CommandLine, ActionsThatAreNotFiniteStillDumpTheirStages) {
  Workshop workshop;
  workshop.statistics([](Workshop::Tensors& tensors) {
    for (float& deviation : tensors["action.std"].floats()) deviation = 3e38F;
  });
  workshop.more = "--dump-stages stages.safetensors -o actions.csv";
  const Workshop::Outcome outcome = workshop.run();
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_NE(outcome.err.find("not finite"), std::string::npos) << outcome.err;
  EXPECT_TRUE(SafeTensors(workshop.scratch / "stages.safetensors").contains("actions.raw"));
  EXPECT_FALSE(fs::exists(workshop.scratch / "actions.csv"));
}

TEST(CommandLine, PlantedOutliersStandOutOfTheStages) {
  const Scratch made;
  synthesise({"smolvla", "tiny", 1, made / "model", false, 2, true});
  Workshop workshop(made / "model");
  workshop.more = "--dump-stages stages.safetensors";
  const Workshop::Outcome outcome = workshop.run();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const SafeTensors stages(workshop.scratch / "stages.safetensors");
  for (const char* name : {"vision.camera1.patch_embed", "vision.camera1.layer.0",
                           "vision.camera1.layer.1", "connector.camera1", "prefix.embed"}) {
    const std::vector<float> values = to_floats(stages.get(name));
    std::vector<float> greatest(static_cast<std::size_t>(stages.get(name).shape.back()));
    for (std::size_t i = 0; i < values.size(); ++i) {
      float& channel = greatest[i % greatest.size()];
      channel = std::max(channel, std::abs(values[i]));
    }
    std::sort(greatest.begin(), greatest.end());
    const float ratio = greatest.back() / greatest[greatest.size() / 2];
    EXPECT_GT(ratio, 20) << name;
    EXPECT_LT(ratio, 120) << name;
  }
  const std::vector<float> actions = to_floats(stages.get("actions"));
  EXPECT_NE(actions.front(), actions[6]) << "every action is the same";
}

TEST(CommandLine, TheUnbrokenRunWorks) {
  Workshop workshop;
  workshop.more = "--json -o actions.csv --dump-stages stages.safetensors";
  const Workshop::Outcome outcome = workshop.run();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = parse_json(outcome.out, "standard output");
  EXPECT_EQ(json["actions"].size(), 50U);
  EXPECT_EQ(json["actions"][0].size(), 6U);
  EXPECT_EQ(json["stages"].back()["name"], "total");
  EXPECT_TRUE(fs::exists(workshop.scratch / "actions.csv"));
  EXPECT_TRUE(
      SafeTensors(workshop.scratch / "stages.safetensors").contains("expert.step.9.velocity"));
}

}  // namespace
}  // namespace heddle

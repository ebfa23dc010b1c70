// Mistakes with quantised checkpoints, and in making and comparing them.
#include <cstring>

#include "workshop.h"

namespace heddle {
namespace {

/// A tiny checkpoint in 4 bits, or 8 where its matrices have no groups of 32; made once.
fs::path pristine_quantised() {
  static const Scratch made;
  const fs::path folder = made / "quantised";
  if (!fs::exists(folder)) {
    const std::string command =
        fmt::format("'{}' quantize '{}' --weights 4 --group 32 -o '{}' > /dev/null 2>&1",
                    HEDDLE_PROGRAM, pristine().string(), folder.string());
    ensure(std::system(command.c_str()) == 0, "cannot quantise {}", pristine().string());
  }
  return folder;
}

const std::string kLayer = "model.vlm_with_expert.vlm.model.vision_model.encoder.layers.1.";
const std::string kFourBits = kLayer + "self_attn.q_proj.weight";
const std::string kEightBits =
    "model.vlm_with_expert.vlm.model.text_model.layers.1.self_attn.q_proj.weight";
const std::string kFactors = kLayer + "layer_norm1.weight";
const std::string kFixed = kLayer + "self_attn.q_proj.bias";
constexpr const char* kRemedy = "quantise the float checkpoint again";

template <typename T>
void set_element(Tensor& tensor, std::size_t index, T value) {
  std::memcpy(tensor.bytes.data() + index * sizeof(T), &value, sizeof(T));
}

void quantisation(const Workshop& w, const std::function<void(Json&)>& edit) {
  w.edit_json("quantization.json", edit);
}

/// Of a run of a quantised checkpoint.
std::vector<Mistake> quantised_mistakes() {
  return {
      // ---- quantization.json ----
      {"version",
       [](Workshop& w) { quantisation(w, [](Json& q) { q["version"] = 2; }); },
       {"model/quantization.json", "version 2", kRemedy}},
      {"not_json",
       [](Workshop& w) { write_file(w.model / "quantization.json", "{\"version\": 1,"); },
       {"model/quantization.json", "JSON"}},
      {"no_fractions",
       [](Workshop& w) { quantisation(w, [](Json& q) { q.erase("fractions"); }); },
       {"model/quantization.json", "fractions"}},
      {"fraction_missing",
       [](Workshop& w) {
         quantisation(w, [](Json& q) { q["fractions"].erase("vision.layer.0.output"); });
       },
       {"quantization.json", "vision.layer.0.output", kRemedy}},
      {"fraction_of_a_weight_missing",
       [](Workshop& w) { quantisation(w, [](Json& q) { q["fractions"].erase(kFixed); }); },
       {"quantization.json", kFixed, kRemedy}},
      {"fraction_out_of_range",
       [](Workshop& w) {
         quantisation(w, [](Json& q) { q["fractions"]["vision.layer.0.output"] = 41; });
       },
       {"quantization.json", "41", "vision.layer.0.output", "-20 to 40"}},
      {"fraction_not_an_integer",
       [](Workshop& w) {
         quantisation(w, [](Json& q) { q["fractions"]["vision.layer.0.output"] = 20.5; });
       },
       {"quantization.json", "vision.layer.0.output", "integer"}},
      {"five_bits",
       [](Workshop& w) { quantisation(w, [](Json& q) { q["weight_bits"] = 5; }); },
       {"quantization.json", "5 bits", kRemedy}},
      {"bits_beyond_an_int",
       [](Workshop& w) { quantisation(w, [](Json& q) { q["weight_bits"] = (1LL << 32) + 4; }); },
       {"quantization.json", "4294967300 bits", kRemedy}},
      {"groups_of_another_size",
       [](Workshop& w) { quantisation(w, [](Json& q) { q["group"] = 64; }); },
       {"model.safetensors", ".steps", "U8[32,24]", "U8[32,12]", kRemedy}},
      {"eight_bits_said_of_four",
       [](Workshop& w) { quantisation(w, [](Json& q) { q["weight_bits"] = 8; }); },
       {"model.safetensors", "4-bit", "into groups", kRemedy}},
      {"of_another_model",
       [](Workshop& w) {
         quantisation(w, [](Json& q) { q["fractions"] = {{"tower.block.0", 20}}; });
       },
       {"quantization.json", "no fraction", kRemedy}},
      // ---- model.safetensors ----
      {"weights_truncated",
       [](Workshop& w) { fs::resize_file(w.model / "model.safetensors", 200000); },
       {"model.safetensors"}},
      {"mantissas_missing",
       [](Workshop& w) { w.weights([](auto& t) { t.erase(kEightBits + ".mantissa"); }); },
       {"model", kEightBits + ".mantissa"}},
      {"steps_missing",
       [](Workshop& w) { w.weights([](auto& t) { t.erase(kFourBits + ".steps"); }); },
       {"model", kFourBits + ".steps"}},
      {"mantissa_too_small",
       [](Workshop& w) {
         w.weights(
             [](auto& t) { set_element<std::uint16_t>(t[kEightBits + ".mantissa"], 3, 32767); });
       },
       {"model.safetensors", "scale 3 of " + kEightBits, "32767", "32768 to 65535", kRemedy}},
      {"mantissa_zero_with_an_exponent",
       [](Workshop& w) {
         w.weights([](auto& t) {
           set_element<std::uint16_t>(t[kFactors + ".mantissa"], 3, 0);
           set_element<std::int8_t>(t[kFactors + ".exponent"], 3, 1);
         });
       },
       {"model.safetensors", "scale 3 of " + kFactors, "mantissa 0", kRemedy}},
      {"sign_zero",
       [](Workshop& w) { w.weights([](auto& t) { set_element<std::int8_t>(t[kFactors], 3, 0); }); },
       {"model.safetensors", "element 3 of " + kFactors, "sign 0", kRemedy}},
      {"code_minus_128",
       [](Workshop& w) {
         w.weights([](auto& t) { set_element<std::int8_t>(t[kEightBits], 7, -128); });
       },
       {"model.safetensors", kEightBits, "-128 at element 7", kRemedy}},
      {"four_bit_code_minus_8",
       [](Workshop& w) {
         w.weights([](auto& t) { set_element<std::uint8_t>(t[kFourBits], 7, 0x81); });
       },
       {"model.safetensors", kFourBits, "-7 to 7", kRemedy}},
      {"step_zero",
       [](Workshop& w) {
         w.weights([](auto& t) { set_element<std::uint8_t>(t[kFourBits + ".steps"], 2, 0); });
       },
       {"model.safetensors", kFourBits, "1 to 18", kRemedy}},
      {"step_19",
       [](Workshop& w) {
         w.weights([](auto& t) { set_element<std::uint8_t>(t[kFourBits + ".steps"], 2, 19); });
       },
       {"model.safetensors", kFourBits, "1 to 18", kRemedy}},
      {"fixed_of_28_bits",
       [](Workshop& w) {
         w.weights([](auto& t) { set_element<std::int32_t>(t[kFixed], 1, 1 << 26); });
       },
       {"model.safetensors", kFixed, "67108864", "27 bits", kRemedy}},
      {"fixed_of_least_int",
       [](Workshop& w) {
         w.weights([](auto& t) { set_element<std::int32_t>(t[kFixed], 1, INT32_MIN); });
       },
       {"model.safetensors", kFixed, "-2147483648", "27 bits", kRemedy}},
      {"codes_of_wrong_shape",
       [](Workshop& w) {
         w.weights([](auto& t) { t[kEightBits] = Tensor(DType::kI8, {48, 47}); });
       },
       {"model.safetensors", kEightBits, "I8[48,47]", "I8[48,48]", kRemedy}},
      {"four_bit_codes_of_wrong_shape",
       [](Workshop& w) { w.weights([](auto& t) { t[kFourBits] = Tensor(DType::kU8, {32, 32}); }); },
       {"model.safetensors", kFourBits, "U8[32,32]", "U8[32,16]", kRemedy}},
      {"codes_of_wrong_dtype",
       [](Workshop& w) {
         w.weights([](auto& t) { t[kEightBits] = Tensor(DType::kBF16, {48, 48}); });
       },
       {"model.safetensors", kEightBits, "BF16[48,48]", kRemedy}},
      {"fixed_of_wrong_dtype",
       [](Workshop& w) { w.weights([](auto& t) { t[kFixed] = Tensor(DType::kF32, {32}); }); },
       {"model.safetensors", kFixed, "F32[32]", "I32[32]", kRemedy}},
      {"float_weights",
       [](Workshop& w) {
         fs::copy_file(pristine() / "model.safetensors", w.model / "model.safetensors",
                       fs::copy_options::overwrite_existing);
       },
       {"model", "tensor"}},
      // ---- the command line ----
      {"precision",
       [](Workshop& w) { w.more = "--precision bf16"; },
       {"model", "w4a8", "--precision"}},
      {"quantised_twice",
       [](Workshop& w) { w.verb = "quantize model -o twice"; },
       {"model is quantised already", "float checkpoint"}},
      {"disk_full_for_stages",
       [](Workshop& w) {
         w.more = "--dump-stages s.safetensors";
         w.shell = "ulimit -f 8";
       },
       {"s.safetensors"}},
  };
}

/// Of making and comparing checkpoints, from a float one.
std::vector<Mistake> quantising_mistakes() {
  const auto with_other = [](Workshop& w, const std::function<void(Workshop&)>& edit) {
    const fs::path kept = w.scratch / "other";
    fs::copy(w.model, kept, fs::copy_options::recursive);
    edit(w);
    w.verb = "compare other model --image camera1=a.png --state 0,0,0,0,0,0 --task go";
  };
  return {
      {"no_output", [](Workshop& w) { w.verb = "quantize model"; }, {"--output"}},
      {"folder_missing", [](Workshop& w) { w.verb = "quantize none -o q"; }, {"none"}},
      {"five_bits",
       [](Workshop& w) { w.verb = "quantize model --weights 5 -o q"; },
       {"--weights", "5"}},
      {"odd_group",
       [](Workshop& w) { w.verb = "quantize model --weights 4 --group 33 -o q"; },
       {"--group", "33"}},
      {"smoothing_beyond_one",
       [](Workshop& w) { w.verb = "quantize model --smoothing 1.5 -o q"; },
       {"--smoothing", "1.5"}},
      {"output_exists",
       [](Workshop& w) {
         fs::create_directory(w.scratch / "q");
         w.scratch.put("q/thesis.txt", "mine");
         w.verb = "quantize model -o q";
       },
       {"q is there and not empty", "--force"}},
      {"force_on_somebody_elses_folder",
       [](Workshop& w) {
         fs::create_directory(w.scratch / "q");
         w.scratch.put("q/thesis.txt", "mine");
         w.verb = "quantize model --force -o q";
       },
       {"q is not a quantised checkpoint", "another folder"}},
      {"output_inside_the_checkpoint",
       [](Workshop& w) { w.verb = "quantize model -o model/q"; },
       {"model/q", "outside"}},
      {"output_inside_the_current_folder",
       [](Workshop& w) { w.verb = "quantize . -o q"; },
       {"q lies in .", "outside"}},
      {"calibration_without_pictures",
       [](Workshop& w) {
         fs::create_directory(w.scratch / "c");
         w.scratch.put("c/tasks.txt", "pick up the cube");
         w.verb = "quantize model --calibrate c -o q";
       },
       {"c holds no pictures", "PNG"}},
      {"calibration_folder_missing",
       [](Workshop& w) { w.verb = "quantize model --calibrate c -o q"; },
       {"cannot list c", "--calibrate"}},
      {"calibration_picture_broken",
       [](Workshop& w) {
         fs::create_directory(w.scratch / "c");
         w.scratch.put("c/b.png", read_file(w.scratch / "a.png").substr(0, 5000));
         w.verb = "quantize model --calibrate c -o q";
       },
       {"c/b.png"}},
      {"calibration_task_not_utf8",
       [](Workshop& w) {
         fs::create_directory(w.scratch / "c");
         fs::copy_file(w.scratch / "a.png", w.scratch / "c/a.png");
         w.scratch.put("c/tasks.txt", "pick \xff up");
         w.verb = "quantize model --calibrate c -o q";
       },
       {"c/tasks.txt", "UTF-8", "byte 5"}},
      {"disk_full_for_weights",
       [](Workshop& w) {
         w.verb = "quantize model -o q";
         w.shell = "ulimit -f 100";
       },
       {"cannot write", "model.safetensors"}},
      {"disk_full_for_the_rest",
       [](Workshop& w) {
         write_file(w.model / "notes.bin", std::string(4 << 20, 'x'));
         w.verb = "quantize model -o q";
         w.shell = "ulimit -f 3000";
       },
       {"cannot copy model/notes.bin", "disk"}},
      {"compare_with_nothing",
       [](Workshop& w) {
         w.verb = "compare model none --image camera1=a.png --state 0,0,0,0,0,0 --task go";
       },
       {"none"}},
      {"compare_fewer_layers",
       [=](Workshop& w) {
         with_other(w, [](Workshop& of) { of.config([](Json& c) { c["num_vlm_layers"] = 2; }); });
       },
       {"model (f32) has no vlm.layer.2.k", "made from it"}},
      {"compare_shorter_actions",
       [=](Workshop& w) {
         with_other(w, [](Workshop& of) {
           of.config([](Json& c) { c["output_features"]["action"]["shape"] = {5}; });
           of.statistics([](auto& t) {
             for (const char* name : {"action.mean", "action.std", "action.min", "action.max"}) {
               t[name] = Tensor(DType::kF32, {5});
             }
           });
         });
       },
       {"model (f32) has no actions of shape [50,6]", "made from it"}},
  };
}

class QuantisedMistake : public testing::TestWithParam<Mistake> {};

TEST_P(QuantisedMistake, IsExplained) {
  Workshop workshop(pristine_quantised());
  expect_explained(workshop, GetParam());
}

INSTANTIATE_TEST_SUITE_P(CommandLine, QuantisedMistake, testing::ValuesIn(quantised_mistakes()),
                         [](const auto& test) { return test.param.name; });

class QuantisingMistake : public testing::TestWithParam<Mistake> {};

TEST_P(QuantisingMistake, IsExplained) {
  Workshop workshop;
  expect_explained(workshop, GetParam());
}

INSTANTIATE_TEST_SUITE_P(CommandLine, QuantisingMistake, testing::ValuesIn(quantising_mistakes()),
                         [](const auto& test) { return test.param.name; });

TEST(Quantised, TheUnbrokenRunWorks) {
  Workshop workshop(pristine_quantised());
  workshop.more = "--json";
  const Workshop::Outcome outcome = workshop.run();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json json = parse_json(outcome.out, "standard output");
  EXPECT_EQ(json["precision"], "w4a8");
  EXPECT_EQ(json["engine"], "integer");
}

TEST(Quantised, ForceReplacesAQuantisedCheckpoint) {
  Workshop workshop;
  fs::copy(pristine_quantised(), workshop.scratch / "q", fs::copy_options::recursive);
  workshop.verb = "quantize model --force -o q";
  const Workshop::Outcome outcome = workshop.run();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(read_json(workshop.scratch / "q/quantization.json")["weight_bits"], 8);
}

TEST(Quantised, IsDescribed) {
  Workshop workshop(pristine_quantised());
  workshop.verb = "inspect model --json";
  const Workshop::Outcome outcome = workshop.run();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json found = parse_json(outcome.out, "standard output");
  EXPECT_EQ(found["facts"]["quantised"], "matrices of 4 bits in groups of 32, activations of 8");
  for (const char* list : {"missing", "wrong", "unknown", "notes"}) {
    EXPECT_EQ(found[list], Json::array()) << list;
  }

  Workshop original;
  original.verb = "inspect model --json";
  const Json expected = parse_json(original.run().out, "standard output");
  const auto parameters_read = [](const Json& description) {
    std::map<std::string, std::int64_t> counts;
    for (const Json& part : description["components"]) {
      const auto read =
          part["parameters"].get<std::int64_t>() - part["unread_parameters"].get<std::int64_t>();
      if (read != 0) counts[part["name"]] = read;
    }
    return counts;
  };
  EXPECT_EQ(parameters_read(found), parameters_read(expected));

  std::int64_t bytes = 0;
  for (const Json& part : found["components"]) bytes += part["bytes"].get<std::int64_t>();
  std::int64_t stored = 0;
  const SafeTensors file(workshop.model);
  for (const std::string& name : file.names()) stored += std::ssize(file.get(name).bytes);
  EXPECT_EQ(bytes, stored);
}

TEST(Quantised, HasTheGraphOfTheFloatCheckpoint) {
  Workshop quantised(pristine_quantised());
  Workshop original;
  quantised.verb = original.verb = "inspect model --graph";
  const Workshop::Outcome outcome = quantised.run();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, original.run().out);
}

}  // namespace
}  // namespace heddle

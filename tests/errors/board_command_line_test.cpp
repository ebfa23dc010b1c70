// One test per mistake a user of boards, areas and ablations can make on the command line: exit
// code 2, one message that says what to do, no file left behind.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "support/scratch.h"

namespace heddle {
namespace {

struct CommandMistake {
  std::string name;
  std::string command;             ///< behind "heddle"
  std::vector<std::string> words;  ///< that the message must contain
  std::string shell;               ///< before the program: variables, other files
};

const std::string kSmall = "kernel area k.txt ";
const std::string kAnalyze = "analyze config.json ";
const std::string kPolicy = kAnalyze + "--board u280 ";

/// A shell command that writes b.json: the U280 with one edit.
std::string edited_board(const std::string& edit) {
  return std::string("'") + HEDDLE_PROGRAM + "' board show u280 --json | sed '" + edit +
         "' > b.json";
}

std::vector<CommandMistake> command_mistakes() {
  return {
      {"no_verb", "board", {"verb", "list, show"}, ""},
      {"unknown_verb", "board draw", {"draw"}, ""},
      {"no_board", "board show", {"BOARD", "required"}, ""},
      {"unknown_board", "board show u208", {"\"u208\"", "did you mean", "u280", "zcu102"}, ""},
      {"no_such_file", "board show ./mine.json", {"mine.json"}, ""},
      {"file_without_a_path", "board show mine.json", {"mine.json"}, ""},
      {"board_is_a_folder", "board show ./folder.json", {"folder.json"}, "mkdir -p folder.json"},
      {"not_json", "board show b.json", {"b.json", "JSON"}, "echo 'lut: 5' > b.json"},
      {"empty_object", "board show b.json", {"b.json", "\"name\""}, "echo '{}' > b.json"},
      {"key_twice",
       "board show b.json",
       {"b.json", "\"name\"", "twice"},
       "echo '{\"name\": \"a\", \"name\": \"b\"}' > b.json"},
      {"area_of_no_kernel", "kernel area", {"kernel", "required"}, ""},
      {"area_of_an_unknown_kernel", "kernel area liner", {"\"liner\"", "linear"}, ""},
      {"area_on_an_unknown_board", kSmall + "--board u208", {"\"u208\"", "u280"}, ""},
      {"area_on_a_broken_board",
       kSmall + "--board b.json",
       {"b.json", "\"name\""},
       "echo '{}' > b.json"},
      {"area_with_a_negative_clock", kSmall + "--clock -300", {"--clock", "-300"}, ""},
      {"area_with_a_clock_of_zero", kSmall + "--clock 0", {"--clock", "0"}, ""},
      {"area_without_yosys", kSmall, {"yosys", "apt-get install yosys"}, "export PATH=/nowhere"},
      {"area_of_an_argument_too_much", kSmall + "more", {"more"}, ""},
      {"ablation_of_nothing", "ablation", {"LAYER", "required"}, ""},
      {"ablation_of_an_unknown_layer", "ablation mpl", {"mpl", "mlp"}, ""},
      {"ablation_of_an_unknown_size", "ablation mlp --size huge", {"huge", "tiny"}, ""},
      {"ablation_of_an_unknown_level",
       "ablation mlp --level pakced",
       {"\"pakced\"", "base, words", "packed"},
       ""},
      {"ablation_on_an_unknown_board", "ablation mlp --board u208", {"\"u208\"", "u280"}, ""},
      {"ablation_of_no_cycles", "ablation mlp --most-cycles=-1", {"--most-cycles", "-1"}, ""},
      {"ablation_with_a_plot_nowhere",
       "ablation mlp --level base --svg none/plot.svg",
       {"none", "folder"},
       ""},
      {"area_without_room_for_results",
       kSmall,
       {"HEDDLE_CACHE", "/proc/self/none"},
       "export HEDDLE_CACHE=/proc/self/none"},
      {"analysis_of_nothing", "analyze --board u280", {"CONFIG", "required"}, ""},
      {"analysis_at_a_clock_of_no_board", kAnalyze + "--clock 300", {"--clock", "--board"}, ""},
      {"analysis_of_no_such_file", "analyze none/config.json --board u280", {"none"}, ""},
      {"analysis_of_a_folder_without_config",
       "analyze none --board u280",
       {"none/config.json"},
       "mkdir -p none"},
      {"analysis_of_no_json", kPolicy, {"config.json", "JSON"}, "echo lut > config.json"},
      {"analysis_of_an_unknown_model",
       kPolicy,
       {"\"pi9\"", "known: smolvla"},
       "echo '{\"type\": \"pi9\"}' > config.json"},
      {"analysis_with_a_negative_clock", kPolicy + "--clock=-3", {"-3 MHz", "1 to 5000"}, ""},
      {"analysis_with_a_clock_of_zero", kPolicy + "--clock 0", {"0 MHz", "1 to 5000"}, ""},
      {"analysis_with_no_clock_at_all", kPolicy + "--clock nan", {"MHz", "1 to 5000"}, ""},
      {"analysis_with_a_word_for_a_clock", kPolicy + "--clock fast", {"--clock", "fast"}, ""},
      {"analysis_faster_than_the_dsps",
       kPolicy + "--clock 2000",
       {"2000 MHz", "DSPs of u280", "slower"},
       ""},
      {"analysis_of_an_unknown_fusion",
       kPolicy + "--fusion all",
       {"\"all\"", "chains, stages"},
       ""},
      {"analysis_of_an_array_without_width",
       kPolicy + "--array 64",
       {"--array \"64\"", "such as 64x64"},
       ""},
      {"analysis_of_an_array_of_nothing", kPolicy + "--array 0x8", {"\"0x8\"", "from 1"}, ""},
      {"analysis_with_tables_nowhere", kPolicy + "--csv none", {"--csv \"none\"", "make it"}, ""},
      {"analysis_with_charts_nowhere", kPolicy + "--svg none", {"--svg \"none\"", "make it"}, ""},
      {"analysis_with_a_page_nowhere", kPolicy + "--report none/a.html", {"none"}, ""},
      {"analysis_with_a_page_on_a_device",
       kPolicy + "--report /dev/full",
       {"/dev/full", "not a file"},
       ""},
      {"analysis_of_no_requests", kPolicy + "--batch 0", {"batch of 0", "from 1"}, ""},
      {"analysis_of_too_many", kPolicy + "--batch 999999999999", {"999999999999", "1048576"}, ""},
      {"analysis_in_an_unknown_precision", kPolicy + "--precision w2a8", {"w2a8", "w4a8"}, ""},
      {"analysis_on_an_unknown_board", kAnalyze + "--board u208", {"\"u208\"", "u280"}, ""},
      {"analysis_on_a_broken_board",
       kAnalyze + "--board b.json",
       {"b.json", "\"name\""},
       "echo '{}' > b.json"},
      {"analysis_without_a_rule",
       kAnalyze + "--board b.json --precision bf16",
       {"bfloat16", "int8 x int8", "add the rule"},
       edited_board("s/\"activations\": \"bfloat16\"/\"activations\": \"int8\"/")},
      {"analysis_on_a_board_without_bandwidth",
       kAnalyze + "--board b.json",
       {"b.json", "sustained_gb_s"},
       edited_board("s/13.28/0/")},
      {"analysis_on_a_board_without_dsps",
       kAnalyze + "--board b.json",
       {"b.json", "dsp"},
       edited_board("s/9024/-1/")},
      {"analysis_of_too_many_cameras", kPolicy + "--cameras 4", {"4 cameras", "1 to 3"}, ""},
      {"analysis_of_no_cameras", kPolicy + "--cameras 0", {"0 cameras", "1 to 3"}, ""},
      {"analysis_of_no_steps", kPolicy + "--steps 0", {"0 denoising steps", "1 to 1000"}, ""},
      {"analysis_of_too_many_tokens", kPolicy + "--tokens 49", {"49 language", "1 to 48"}, ""},
      {"analysis_of_no_text_context",
       kPolicy + "--context 5",
       {"5 tokens of context", "smolvla"},
       ""},
      {"analysis_of_pictures_for_text",
       kPolicy + "--cameras 1",
       {"1 pictures", "switch_transformers", "leave"},
       "cp experts.json config.json"},
      {"analysis_of_steps_for_a_chat",
       kPolicy + "--steps 10",
       {"10 denoising steps", "tinyllava", "leave"},
       "cp chat.json config.json"},
      {"analysis_of_a_prompt_too_long",
       kPolicy + "--cameras 4 --tokens 200",
       {"4 pictures of 728", "3112", "3072"},
       "cp chat.json config.json"},
      {"analysis_of_a_chat_without_layers",
       kPolicy,
       {"config.json", "\"num_hidden_layers\" is missing"},
       "sed /num_hidden_layers/d chat.json > config.json"},
      {"analysis_of_no_experts",
       kPolicy,
       {"config.json", "\"num_experts\" is 0"},
       "sed 's/_experts\": 8/_experts\": 0/' experts.json > config.json"},
      {"description_of_a_chat",
       "inspect .",
       {"tinyllava", "cannot be described yet", "analyze"},
       "cp chat.json config.json"},
      {"graph_of_a_chat",
       "inspect . --graph",
       {"tinyllava", "no robot policy", "smolvla"},
       "cp chat.json config.json"},
      {"analysis_of_an_argument_too_much", kPolicy + "more", {"more"}, ""},
      {"area_with_a_yosys_that_is_killed",
       kSmall,
       {"yosys", "signal 9", "module copy_core", "memory"},
       "mkdir -p bin cache && printf '#!/bin/sh\\nkill -9 $$\\n' > bin/yosys && chmod +x bin/yosys "
       "&& export PATH=$PWD/bin:$PATH HEDDLE_CACHE=$PWD/cache"},
  };
}

/// What GoogleTest shows of a mistake.
void PrintTo(const CommandMistake& mistake, std::ostream* out) {
  *out << mistake.command;
}

class BoardCommandTest : public testing::TestWithParam<CommandMistake> {};

TEST_P(BoardCommandTest, IsExplained) {
  const CommandMistake& mistake = GetParam();
  const Scratch scratch;
  scratch.put("k.txt",
              "kernel copy(x: in int<8>[4], y: out int<8>[4]) {\n  for i in 0..4 {\n"
              "    y[i] = x[i]\n  }\n}\n");
  scratch.put("config.json", read_file("examples/configs/smolvla/config.json"));
  scratch.put("chat.json", read_file("examples/configs/tinyllava/config.json"));
  scratch.put("experts.json", read_file("examples/configs/switch/config.json"));
  const std::string enter = "cd '" + scratch.path().string() + "'";
  const std::string prepare = mistake.shell.empty() ? "" : " && " + mistake.shell;
  // Once without the program, to know which files belong to the mistake.
  ASSERT_EQ(std::system((enter + prepare).c_str()), 0);
  const std::vector<std::string> before = scratch.list();
  const std::string command = enter + prepare + " && '" + HEDDLE_PROGRAM + "' " + mistake.command +
                              " > out.txt 2> err.txt < /dev/null";
  const int status = std::system(command.c_str());
  const std::string message = read_file(scratch / "err.txt");
  ASSERT_TRUE(WIFEXITED(status)) << message;
  EXPECT_EQ(WEXITSTATUS(status), 2) << message;
  for (const std::string& word : mistake.words) {
    EXPECT_NE(message.find(word), std::string::npos)
        << "the message does not name " << word << ":\n"
        << message;
  }
  EXPECT_EQ(message.find("internal error"), std::string::npos) << message;
  EXPECT_EQ(message.find("Sanitizer"), std::string::npos) << message;
  EXPECT_LE(message.size(), 2000U) << "one message, not a flood";
  EXPECT_EQ(read_file(scratch / "out.txt"), "") << "half a result stands before the message";
  std::vector<std::string> after = scratch.list();
  std::erase_if(after,
                [](const std::string& name) { return name == "out.txt" || name == "err.txt"; });
  EXPECT_EQ(after, before) << "something was left behind";
  std::printf("  %s", message.c_str());
}

INSTANTIATE_TEST_SUITE_P(CommandLine, BoardCommandTest, testing::ValuesIn(command_mistakes()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace heddle

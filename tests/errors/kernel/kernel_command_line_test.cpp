// One test per mistake a user of `heddle kernel` can make: the program must exit with 2 and one
// message that names the place and says what to do, must not crash, and must leave no file behind.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "support/scratch.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

const std::string kMatrices =
    "kernel product(a: in int<8>[8, 6], b: in int<8>[6, 8], c: out int<32>[8, 8]) {\n"
    "  for i in 0..8 {\n"
    "    for j in 0..8 {\n"
    "      c[i, j] = 0\n"
    "      for k in 0..6 {\n"
    "        c[i, j] += a[i, k] * b[k, j]\n"
    "      }\n"
    "    }\n"
    "  }\n"
    "}\n";
/// Rows depend on the row before, one column to the right.
const std::string kSkewed =
    "kernel skewed(a: inout int<32>[9, 9]) {\n"
    "  for i in 1..9 {\n"
    "    for j in 0..8 {\n"
    "      a[i, j] = a[i - 1, j + 1]\n"
    "    }\n"
    "  }\n"
    "}\n";
/// Passes its middle array backwards.
const std::string kReversed =
    "kernel reversed(a: in int<8>[8], c: out int<8>[8]) {\n"
    "  var t: int<8>[8]\n"
    "  for i in 0..8 {\n"
    "    t[i] = a[i]\n"
    "  }\n"
    "  for j in 0..8 {\n"
    "    c[j] = t[7 - j]\n"
    "  }\n"
    "}\n";
const std::string kScaled =
    "kernel scaled(n: index, s: int<8>, a: in int<8>[n], c: out int<16>[n]) {\n"
    "  for i in 0..n {\n"
    "    c[i] = a[i] * s\n"
    "  }\n"
    "}\n";

struct Mistake {
  std::string name;
  std::string command;             ///< behind "heddle kernel"
  std::vector<std::string> words;  ///< that the message must contain
  std::string kernel;              ///< text of the file k.txt
  std::string schedule;            ///< text of the file s.txt
  std::string shell;               ///< before the program: variables, other files
};

/// A kernel text that is wrong in itself.
Mistake text(const std::string& name, const std::string& kernel,
             const std::vector<std::string>& words) {
  return {name, "show k.txt", words, kernel, "", ""};
}

/// The body of a kernel k with x: in int<8>[4] and y: out int<8>[4], from line 2 on.
Mistake body(const std::string& name, const std::string& lines,
             const std::vector<std::string>& words) {
  return text(name, "kernel k(x: in int<8>[4], y: out int<8>[4]) {\n" + lines + "\n}\n", words);
}

/// A body that only running it shows to be wrong.
Mistake fault(const std::string& name, const std::string& lines,
              const std::vector<std::string>& words) {
  Mistake mistake = body(name, lines, words);
  mistake.command = "run k.txt --backend interpreter --output y=y.bin";
  return mistake;
}

/// A schedule file that is wrong for a kernel, or in itself.
Mistake steps(const std::string& name, const std::string& kernel, const std::string& schedule,
              const std::vector<std::string>& words) {
  return {name, "schedule k.txt --schedule s.txt -o steps.txt", words, kernel, schedule, ""};
}

/// Arguments that do not go with the kernel scaled.
Mistake arguments(const std::string& name, const std::string& given,
                  const std::vector<std::string>& words) {
  return {name, "run k.txt --backend interpreter --output c=c.bin " + given, words, kScaled,
          "",   "printf 'abc' > three.bin && printf 'abcd' > four.bin"};
}

std::string nested(int depth, const std::string& before, const std::string& after) {
  std::string result;
  for (int i = 0; i < depth; ++i) result += before;
  for (int i = 0; i < depth; ++i) result += after;
  return result;
}

std::vector<Mistake> command_lines() {
  return {
      {"no_verb", "", {"verb", "list, show"}, "", "", ""},
      {"unknown_verb", "dance", {"dance"}, "", "", ""},
      {"no_kernel", "show", {"kernel", "required"}, "", "", ""},
      {"unknown_kernel", "show liner", {"\"liner\"", "linear"}, "", "", ""},
      {"unknown_parameter", "show linear -p rosw=4", {"rosw", "rows"}, "", "", ""},
      {"parameter_without_value", "show linear -p rows", {"rows", "name=value"}, "", "", ""},
      {"parameter_twice", "show linear -p rows=1 -p rows=2", {"rows", "twice"}, "", "", ""},
      {"parameter_not_a_number",
       "show linear -p rows=many",
       {"rows", "many", "give such a number", "leave it out"},
       "",
       "",
       ""},
      {"parameter_zero", "show linear -p rows=0", {"rows", "0", "from 1 to 1048576"}, "", "", ""},
      {"parameter_negative", "show linear -p rows=-4", {"rows", "-4"}, "", "", ""},
      {"parameter_too_large",
       "show linear -p rows=99999999999999999999",
       {"rows", "99999999999999999999"},
       "",
       "",
       ""},
      {"parameter_overflows_together",
       "show linear -p rows=9223372036854775807",
       {"rows"},
       "",
       "",
       ""},
      {"no_such_choice", "show linear -p type=int9", {"type", "int9", "int8"}, "", "", ""},
      {"parameters_that_do_not_fit",
       "show attention -p heads=4 -p kv_heads=3",
       {"heads", "4", "3"},
       "",
       "",
       ""},
      {"parameter_for_a_file", "show k.txt -p rows=4", {"k.txt", "--parameter"}, kScaled, "", ""},
      {"unknown_schedule",
       "show linear --schedule optimized",
       {"optimized", "optimised"},
       "",
       "",
       ""},
      {"library_schedule_for_a_file",
       "show k.txt --schedule optimised",
       {"optimised"},
       kScaled,
       "",
       ""},
      {"missing_file", "show ./nowhere.txt", {"nowhere.txt"}, "", "", ""},
      {"missing_schedule_file", "show linear --schedule ./nowhere", {"nowhere"}, "", "", ""},
      {"folder_for_a_file", "show ./folder.d", {"folder.d"}, "", "", "mkdir -p folder.d"},
      {"unreadable_choice_of_output", "schedule linear --as rust", {"--as", "rust"}, "", "", ""},
      {"unknown_backend", "run linear --backend cuda", {"--backend", "cuda"}, "", "", ""},
      {"unknown_backend_to_check",
       "check linear --backends cuda",
       {"--backends", "cuda"},
       "",
       "",
       ""},
      {"no_repeat", "run linear --repeat 0", {"--repeat", "0"}, "", "", ""},
      {"no_backend_to_emit", "emit linear", {"--backend", "required"}, "", "", ""},
      {"clock_of_zero", "emit linear --backend hls --clock 0", {"--clock"}, "", "", ""},
      {"seed_not_a_number", "check linear --seed x", {"--seed", "x"}, "", "", ""},
  };
}

std::vector<Mistake> texts() {
  Mistake huge = text("huge_file", "", {"big.txt"});
  huge.command = "show big.txt";
  huge.shell = "truncate -s 40M big.txt";
  return {
      huge,
      text("empty_file", "\n", {"k.txt", "kernel"}),
      text("only_a_function", "func f(x: int<8>) -> int<8> { return x }\n", {"k.txt", "kernel"}),
      text("binary_file", std::string("\x7f\x45LF\0\1\2\xff", 8), {"k.txt:1:1"}),
      body("bad_character", "  y[0] = x[0] $ 1", {"k.txt:2:15", "$"}),
      text("missing_brace", "kernel k(y: out int<8>[4]) {\n  y[0] = 1\n", {"k.txt:", "}"}),
      body("unknown_name", "  y[0] = z[0]", {"k.txt:2:10", "\"z\""}),
      body("unknown_function", "  y[0] = mix(x[0], x[1])", {"k.txt:2:10", "\"mix\"", "min"}),
      body("types_that_do_not_mix", "  var f: float32\n  f = 1.0\n  y[0] = x[0] + f",
           {"k.txt:4:", "float32", "int<8>", "cast"}),
      body("endless_brackets", "  y[0] = " + nested(20000, "(", ")"), {"k.txt:2:", "deep"}),
      body("endless_nesting", nested(20000, "{", "}"), {"k.txt:", "deep"}),
      body("name_twice", "  var v: int<8>\n  var v: int<8>\n  y[0] = x[0]", {"k.txt:3:", "v"}),
      body("two_loops_of_a_name",
           "  for i in 0..2 {\n    for i in 0..2 {\n      y[i] = 0\n    }\n  }", {"k.txt:3:", "i"}),
      body("wrong_rank", "  y[0, 1] = x[0]", {"k.txt", "y", "1 dimension", "2 subscripts"}),
      body("store_to_an_input", "  x[0] = 1", {"k.txt", "x"}),
      body("output_never_written", "  var v: int<8>\n  v = x[0]", {"k.txt", "y"}),
      body("literal_out_of_range", "  y[0] = int<8>(300)", {"k.txt:2:", "300", "int<8>"}),
      text("partition_of_global_memory",
           "kernel k(x: inout int<8>[4] @global partition(complete)) {\n  x[0] = 0\n}\n",
           {"k.txt", "x", "global"}),
      text("unroll_of_a_loop_of_unknown_length",
           "kernel k(n: index, x: inout int<8>[n]) {\n  for i in 0..n unroll {\n"
           "    x[i] = 0\n  }\n}\n",
           {"k.txt", "i", "unroll"}),
      text("call_of_itself", "kernel k(x: inout int<8>[4]) {\n  call k(x)\n}\n",
           {"k.txt:2:", "\"k\""}),
      text("kernel_twice",
           "kernel k(x: inout int<8>[4]) { x[0] = 1 }\nkernel k(x: inout int<8>[4]) { x[0] = 1 }\n",
           {"k.txt:2:", "k"}),
      body("put_into_an_array", "  put y, x[0]", {"k.txt:2:", "y", "stream"}),
      body("stream_that_nobody_reads", "  stream s: int<8>\n  put s, x[0]\n  y[0] = 1",
           {"k.txt", "s"}),
  };
}

std::vector<Mistake> schedules() {
  const std::string nest = "for i in";
  return {
      steps("unknown_step", kMatrices, "# one\nsplitt k 2\n", {"s.txt:2", "splitt", "split"}),
      steps("step_with_too_few_arguments", kMatrices, "split k\n",
            {"s.txt:1", "split LOOP FACTOR"}),
      steps("step_with_too_many_arguments", kMatrices, "fuse i j k\n",
            {"s.txt:1", "fuse OUTER INNER"}),
      steps("factor_not_a_number", kMatrices, "split k two\n", {"s.txt:1", "two", "FACTOR"}),
      steps("factor_of_zero", kMatrices, "split k 0\n", {"s.txt:1", "0"}),
      steps("factor_beyond_64_bits", kMatrices, "split k 99999999999999999999\n",
            {"s.txt:1", "9999"}),
      steps("unknown_loop", kMatrices, "split kk 2\n", {"s.txt:1", "kk", "k"}),
      steps("unknown_array", kMatrices, "partition d 0 complete\n", {"s.txt:1", "\"d\""}),
      steps("no_such_dimension", kMatrices, "partition a 2 complete\n", {"s.txt:1", "a", "2"}),
      steps("no_such_partition", kMatrices, "partition a 0 diagonal\n",
            {"s.txt:1", "diagonal", "cyclic"}),
      steps("no_such_storage", kMatrices, "store_in a tape\n", {"s.txt:1", "tape", "bram"}),
      steps("reorder_of_an_imperfect_nest", kMatrices, "reorder k j\n", {"s.txt:1", nest, "<--"}),
      steps("reorder_against_a_dependence", kSkewed, "reorder j i\n",
            {"s.txt:1", nest, "<--", "a[i, j]"}),
      steps("tile_against_a_dependence", kSkewed, "tile i j 4 4\n", {"s.txt:1", nest, "<--"}),
      steps("parallel_against_a_dependence", kSkewed, "parallel i\n", {"s.txt:1", nest, "<--"}),
      steps("fuse_of_an_imperfect_nest", kMatrices, "fuse j k\n", {"s.txt:1", nest, "<--"}),
      steps("fission_at_nothing", kMatrices, "fission j b\n", {"s.txt:1", "b"}),
      steps("unroll_of_unknown_length", kScaled, "unroll i\n", {"s.txt:1", nest, "<--"}),
      steps("unknown_array_to_stage", kMatrices, "stage d i\n", {"s.txt:1", "\"d\""}),
      steps("stage_in_global_memory", kMatrices, "stage a i global\n", {"s.txt:1", "global"}),
      steps("stream_out_of_order", kReversed, "stream t\n", {"s.txt:1", nest, "<--", "t"}),
      steps("stream_of_a_parameter", kReversed, "stream a\n", {"s.txt:1", "a"}),
      steps("systolic_of_a_vector", kReversed, "systolic i j i\n", {"s.txt:1", "i"}),
      steps("unknown_instruction", kMatrices, "replace k fmadd\n", {"s.txt:1", "fmadd"}),
      steps("instruction_that_does_something_else", kReversed, "replace i mac_tile_f32_1x16\n",
            {"s.txt:1", nest, "<--"}),
      steps("inline_of_no_call", kMatrices, "inline helper\n", {"s.txt:1: cannot inline helper"}),
      steps("compose_of_no_call", kMatrices, "compose helper {\n  split i 2\n}\n",
            {"s.txt:1", "helper"}),
      steps("compose_without_an_end", kMatrices, "split k 2\ncompose helper {\n",
            {"s.txt:2", "not closed"}),
      steps("compose_inside_without_an_end", kMatrices,
            "compose helper {\n  compose inner {\n    split k 2\n}\n", {"s.txt:1", "not closed"}),
      steps("brace_without_compose", kMatrices, "split k 2\n}\n", {"s.txt:2", "}"}),
      steps("second_step_wrong", kMatrices, "split k 2\nsplit k 2\n", {"s.txt:2", "\"k\"", "k_o"}),
      steps("schedule_is_binary", kMatrices, std::string("\x7f\0\1\xff\n", 5), {"s.txt:1"}),
  };
}

std::vector<Mistake> faults() {
  return {
      fault("subscript_beyond_the_end", "  for i in 0..5 {\n    y[i] = 0\n  }", {"y", "4", "i=4"}),
      fault("subscript_before_the_start", "  for i in 0..4 {\n    y[i] = x[i - 1]\n  }",
            {"x", "-1", "i=0"}),
      fault("read_before_write", "  var t: int<8>[4]\n  t[0] = x[0]\n  y[0] = t[1]", {"t[1]"}),
      fault("division_by_zero", "  y[0] = int<8>(x[0] / (x[0] - x[0]))", {"zero"}),
      fault("subscript_overflow",
            "  var n: index\n  n = 4611686018427387904\n  n = n * 4\n  y[0] = 0",
            {"does not fit index"}),
      fault("deadlock",
            "  stream s: int<8> depth(2)\n  stream t: int<8> depth(2)\n  dataflow {\n"
            "    process first {\n      for i in 0..3 {\n        put s, 1\n      }\n"
            "      put t, 2\n    }\n"
            "    process second {\n      get t, y[3]\n      for j in 0..3 {\n"
            "        get s, y[j]\n      }\n    }\n  }",
            {"deadlock", "first waits to write s (2 of 2 full)", "second waits to read t (0 of 2"}),
      {"fault_in_a_check",
       "check k.txt",
       {"y", "4"},
       "kernel k(y: out int<8>[4]) {\n  for i in 0..5 {\n    y[i] = 0\n  }\n}\n",
       "",
       ""},
  };
}

std::vector<Mistake> inputs() {
  return {
      arguments("scalar_missing", "--set n=4", {"scaled", " s ", "--set s="}),
      arguments("scalar_not_a_number", "--set n=four --set s=1", {"n=four", "number"}),
      arguments("scalar_not_whole", "--set n=4.5 --set s=1", {"n=4.5", "index"}),
      arguments("scalar_out_of_range", "--set n=4 --set s=300", {"s=300", "int<8>"}),
      arguments("scalar_unknown", "--set n=4 --set s=1 --set m=1", {"m", "n"}),
      arguments("scalar_twice", "--set n=4 --set n=5 --set s=1", {"n", "twice"}),
      arguments("negative_extent", "--set n=-4 --set s=1", {"n", "-4"}),
      arguments("extent_beyond_memory", "--set n=4000000000000000000 --set s=1", {"a"}),
      arguments("input_of_another_size", "--set n=4 --set s=1 --input a=three.bin",
                {"three.bin", "3 bytes", "4"}),
      arguments("input_unknown", "--set n=4 --set s=1 --input b=four.bin", {"--input b", "a"}),
      arguments("input_for_an_output", "--set n=4 --set s=1 --input c=four.bin",
                {"--input c", "a"}),
      arguments("input_missing", "--set n=4 --set s=1 --input a=none.bin", {"none.bin"}),
      {"output_to_a_missing_folder",
       "run k.txt --backend interpreter --set n=4 --set s=1 --output c=no/c.bin",
       {"no/c.bin"},
       kScaled,
       "",
       ""},
      arguments("output_of_an_unknown_array", "--set n=4 --set s=1 --output d=d.bin", {"d", "c"}),
      arguments("output_twice", "--set n=4 --set s=1 --output c=d.bin", {"--output: c", "twice"}),
      {"output_without_a_file",
       "run k.txt --backend interpreter --set n=4 --set s=1 --output c=",
       {"--output c="},
       kScaled,
       "",
       ""},
  };
}

std::vector<Mistake> places() {
  const std::string run = "run linear -p rows=4 -p columns=4 -p inner=4 --output c=c.bin";
  return {
      {"emit_into_a_full_folder",
       "emit linear --backend hls -o taken",
       {"taken"},
       "",
       "",
       "mkdir -p taken && touch taken/thing"},
      {"emit_below_a_file", "emit linear --backend hls -o k.txt/new", {"k.txt"}, "text", "", ""},
      {"emit_rtl_into_a_full_folder",
       "emit gemm -p type=int8 --backend rtl -o taken",
       {"taken", "another folder"},
       "",
       "",
       "mkdir -p taken && touch taken/thing"},
      {"sim_at_no_clock", "sim gemm -p type=int8 --clock 0", {"--clock"}, "", "", ""},
      {"sim_of_a_slow_interval",
       "sim k.txt --schedule s.txt",
       {"loop k", "every 129", "keep c in a scalar"},
       kMatrices,
       "pipeline k",
       ""},
      {"sim_trace_to_a_missing_folder",
       "sim gemm -p type=int8 --trace no/t.fst",
       {"no/t.fst"},
       "",
       "",
       ""},
      {"emit_to_a_missing_folder",
       "emit linear --backend cpp -o no/l.cpp",
       {"no/l.cpp"},
       "",
       "",
       ""},
      {"emit_to_a_full_disk", "emit linear --backend cpp -o /dev/full", {"/dev/full"}, "", "", ""},
      {"emit_a_file_to_a_full_disk",
       "emit linear --backend cpp -o l.cpp",
       {"l.cpp", "nothing was left behind"},
       "",
       "",
       "ulimit -f 1"},
      {"schedule_to_a_full_disk",
       "schedule linear --schedule optimised -o /dev/full",
       {"/dev/full"},
       "",
       "",
       ""},
      {"emit_project_to_a_full_disk",
       "emit linear --backend hls --schedule optimised -o project",
       {"project"},
       "",
       "",
       "ulimit -f 1"},
      {"closed_output", "list > /dev/full", {"standard output"}, "", "", ""},
      {"compiler_that_is_none",
       run,
       {"HEDDLE_CXX", "no-compiler"},
       "",
       "",
       "export HEDDLE_CXX=no-compiler"},
      {"compiler_that_fails",
       run,
       {"HEDDLE_CXX", "cxx", "error: no licence"},
       "",
       "",
       "printf '#!/bin/sh\\necho error: no licence >&2\\nexit 1\\n' > cxx && chmod +x cxx && "
       "mkdir -p cache && export HEDDLE_CXX=./cxx HEDDLE_CACHE=cache"},
      {"compiler_that_does_nothing",
       run,
       {"HEDDLE_CXX", "/true", "says nothing"},
       "",
       "",
       "mkdir -p cache && export HEDDLE_CXX=true HEDDLE_CACHE=cache"},
      {"cache_where_nothing_can_be",
       run,
       {"HEDDLE_CACHE", "/proc/self/none"},
       "",
       "",
       "export HEDDLE_CACHE=/proc/self/none"},
      {"cache_below_a_file",
       run,
       {"HEDDLE_CACHE", "k.txt"},
       "text",
       "",
       "export HEDDLE_CACHE=k.txt/cache"},
  };
}

/// What GoogleTest shows of a mistake.
void PrintTo(const Mistake& mistake, std::ostream* out) {
  *out << mistake.command;
}

class KernelMistakeTest : public testing::TestWithParam<Mistake> {};

TEST_P(KernelMistakeTest, IsExplained) {
  const Mistake& mistake = GetParam();
  const Scratch scratch;
  if (!mistake.kernel.empty()) scratch.put("k.txt", mistake.kernel);
  if (!mistake.schedule.empty()) scratch.put("s.txt", mistake.schedule);
  const std::string enter = "cd '" + scratch.path().string() + "'";
  const std::string prepare = mistake.shell.empty() ? "" : " && " + mistake.shell;
  // Once without the program, to know which files belong to the mistake.
  ASSERT_EQ(std::system((enter + prepare).c_str()), 0);
  const std::vector<std::string> before = scratch.list();
  // The command stands last, where a redirection of its own wins.
  const std::string command = enter + prepare + " && '" + HEDDLE_PROGRAM +
                              "' kernel > out.txt 2> err.txt < /dev/null " + mistake.command;
  const int status = std::system(command.c_str());
  const std::string message = read_file(scratch / "err.txt");
  EXPECT_TRUE(WIFEXITED(status)) << message;
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

// Inputs that nobody chose must not be the mistake: shifts by 0 would be one.
TEST(KernelCheck, DrawsInputsThatLibraryKernelsTake) {
  const std::vector<std::string> commands = {
      "requantise -p scale=per_channel -p columns=1000",
      "mlp -p type=int8 --set scale=0.05 --set inverse_scale=20",
      "moe -p type=int8 --set router_scale=0.02",
  };
  for (const std::string& command : commands) {
    const Scratch scratch;
    const std::string line = fmt::format("'{}' kernel check {} --backends interpreter > '{}' 2>&1",
                                         HEDDLE_PROGRAM, command, (scratch / "said").string());
    EXPECT_EQ(std::system(line.c_str()), 0) << command << ":\n" << read_file(scratch / "said");
  }
}

const auto kName = [](const auto& test) { return test.param.name; };
INSTANTIATE_TEST_SUITE_P(CommandLine, KernelMistakeTest, testing::ValuesIn(command_lines()), kName);
INSTANTIATE_TEST_SUITE_P(Text, KernelMistakeTest, testing::ValuesIn(texts()), kName);
INSTANTIATE_TEST_SUITE_P(Schedule, KernelMistakeTest, testing::ValuesIn(schedules()), kName);
INSTANTIATE_TEST_SUITE_P(Fault, KernelMistakeTest, testing::ValuesIn(faults()), kName);
INSTANTIATE_TEST_SUITE_P(Argument, KernelMistakeTest, testing::ValuesIn(inputs()), kName);
INSTANTIATE_TEST_SUITE_P(Place, KernelMistakeTest, testing::ValuesIn(places()), kName);

}  // namespace
}  // namespace heddle

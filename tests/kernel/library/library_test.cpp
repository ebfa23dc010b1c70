#include "kernel/library/library.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "kernel/library/checks.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

/// problem and remedy of the UserError that `action` throws.
std::pair<std::string, std::string> error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const UserError& error) {
    return {error.what(), error.remedy()};
  }
  return {"no error", ""};
}

using Given = std::map<std::string, std::string>;

/// Every combination of the choices of a kernel's words.
std::vector<Given> all_choices(const LibraryKernel& kernel) {
  std::vector<Given> sets = {{}};
  for (const LibraryParameter& parameter : kernel.parameters) {
    std::vector<Given> wider;
    for (const std::string& word : parameter.choices) {
      for (Given given : sets) {
        given[parameter.name] = word;
        wider.push_back(std::move(given));
      }
    }
    if (!wider.empty()) sets = std::move(wider);
  }
  return sets;
}

TEST(Library, HasTheKernelsOfTransformersSortedByName) {
  std::vector<std::string> names;
  for (const LibraryKernel& kernel : library()) names.push_back(kernel.name);
  EXPECT_EQ(names, (std::vector<std::string>{"attention",
                                             "attention_array",
                                             "attention_exact",
                                             "attention_layer",
                                             "gelu",
                                             "gemm",
                                             "gemv",
                                             "layer_norm",
                                             "linear",
                                             "linear_exact",
                                             "mlp",
                                             "mlp_dataflow",
                                             "mlp_exact",
                                             "moe",
                                             "moe_dense",
                                             "moe_exact",
                                             "multiply",
                                             "norm_dataflow",
                                             "norm_exact",
                                             "quantise_exact",
                                             "relu",
                                             "requantise",
                                             "residual",
                                             "rms_norm",
                                             "rope",
                                             "silu",
                                             "softmax"}));
}

TEST(Library, MakesEveryKernelForEveryChoice) {
  int made_kernels = 0;
  for (const LibraryKernel& entry : library()) {
    for (const Given& given : all_choices(entry)) {
      const KernelPtr kernel = made(entry.name, given);
      EXPECT_EQ(kernel->name, entry.name);
      EXPECT_FALSE(kernel->summary.empty());
      ++made_kernels;
    }
  }
  EXPECT_GT(made_kernels, 80);
}

TEST(Library, KernelsPrintAsTextThatReadsBackAsTheSameKernel) {
  for (const LibraryKernel& entry : library()) {
    for (const Given& given : all_choices(entry)) {
      const KernelPtr kernel = made(entry.name, given);
      EXPECT_TRUE(equal(*parse_kernel(to_text(*kernel), entry.name), *kernel)) << entry.name;
    }
  }
}

TEST(Library, MakesEqualKernelsForEqualArguments) {
  for (const LibraryKernel& entry : library()) {
    EXPECT_TRUE(equal(*made(entry.name, {}), *made(entry.name, {}))) << entry.name;
  }
}

TEST(Library, DescribesEveryParameter) {
  for (const LibraryKernel& entry : library()) {
    EXPECT_FALSE(entry.summary.empty());
    std::set<std::string> names;
    for (const LibraryParameter& parameter : entry.parameters) {
      EXPECT_FALSE(parameter.summary.empty()) << entry.name << " " << parameter.name;
      EXPECT_TRUE(names.insert(parameter.name).second) << entry.name << " " << parameter.name;
      if (parameter.choices.empty()) {
        EXPECT_GE(parameter.default_number, parameter.minimum) << parameter.name;
      }
    }
  }
}

TEST(Library, StartsEveryKernelsSchedulesWithBaseWhichChangesNothing) {
  for (const LibraryKernel& entry : library()) {
    ASSERT_FALSE(entry.schedules.empty());
    const LibrarySchedule& base = entry.schedules.front();
    EXPECT_EQ(base.name, "base");
    const LibraryArguments arguments(entry.name, entry.parameters, {});
    const KernelPtr kernel = entry.make(arguments);
    const Schedule schedule = base.apply(kernel, arguments);
    EXPECT_EQ(schedule.kernel(), kernel);
    EXPECT_TRUE(schedule.steps().empty());
  }
}

TEST(Library, NamesTheNearestKernelAndSchedule) {
  const auto kernel = error_of([] { find_library_kernel("sofmax"); });
  EXPECT_EQ(kernel.first, "the library has no kernel \"sofmax\"");
  EXPECT_EQ(kernel.second, "did you mean softmax?");
  const auto far = error_of([] { find_library_kernel("convolution3d"); });
  EXPECT_NE(far.second.find("there are: attention, "), std::string::npos) << far.second;
  const auto schedule =
      error_of([] { (void)find_schedule(find_library_kernel("linear"), "bass"); });
  EXPECT_EQ(schedule.first, "linear has no schedule \"bass\"");
  EXPECT_EQ(schedule.second, "did you mean base?");
}

TEST(LibraryArguments, TakeDefaultsForWhatIsLeftOut) {
  const LibraryKernel& linear = find_library_kernel("linear");
  const LibraryArguments arguments("linear", linear.parameters, {{"rows", "3"}});
  EXPECT_EQ(arguments.number("rows"), 3);
  EXPECT_EQ(arguments.number("columns"), 64);
  EXPECT_EQ(arguments.word("type"), "float32");
  EXPECT_THROW((void)arguments.number("type"), InternalError);
  EXPECT_THROW((void)arguments.word("rows"), InternalError);
}

TEST(LibraryArguments, RefuseNamesNumbersAndWordsThatDoNotExist) {
  const auto problem = [](const std::string& kernel, const Given& given) {
    return error_of([&] { made(kernel, given); });
  };
  EXPECT_EQ(problem("linear", {{"row", "3"}}).first, "linear has no parameter \"row\"");
  EXPECT_EQ(problem("linear", {{"row", "3"}}).second, "did you mean rows?");
  for (const char* text : {"0", "-1", "3x", "", " 3", "1e3", "1048577", "99999999999999999999"}) {
    const auto [what, remedy] = problem("linear", {{"rows", text}});
    EXPECT_NE(what.find("is not a whole number from 1 to 1048576"), std::string::npos) << what;
    EXPECT_EQ(remedy, "give such a number for rows (rows of x), or leave it out for 64");
  }
  EXPECT_EQ(problem("linear", {{"type", "int9"}}).first,
            "linear: type=\"int9\" is not one of float32, int8, bfloat16");
  EXPECT_NE(problem("linear", {{"type", "int9"}}).second.find("int8"), std::string::npos);
  EXPECT_EQ(problem("softmax", {{"type", "bfloat16"}}).first,
            "softmax: type=\"bfloat16\" is not one of float32, int8");
}

TEST(LibraryArguments, RefuseValuesThatDoNotGoTogether) {
  const auto refused = [](const std::string& kernel, const Given& given) {
    return error_of([&] { made(kernel, given); }).first != "no error";
  };
  EXPECT_TRUE(refused("attention", {{"heads", "6"}, {"kv_heads", "4"}}));
  EXPECT_TRUE(refused("rope", {{"rotary_dim", "5"}}));
  EXPECT_TRUE(refused("rope", {{"head_dim", "8"}, {"rotary_dim", "16"}}));
  EXPECT_TRUE(refused("moe", {{"experts", "2"}, {"top_k", "3"}}));
  EXPECT_TRUE(refused("linear", {{"inner", "200000"}, {"type", "int8"}}));
  EXPECT_TRUE(refused("gemm", {{"inner", "200000"}, {"type", "int8"}}));
  EXPECT_FALSE(refused("gemm", {{"inner", "200000"}}));
}

}  // namespace
}  // namespace heddle::kernel

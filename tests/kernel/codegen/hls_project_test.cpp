// Emitted Vitis projects: their files, and that plain g++ builds and runs them.
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <cstdio>
#include <fstream>

#include "base/error.h"
#include "kernel/codegen/hls/project.h"
#include "kernel/interpret.h"
#include "kernel/text.h"
#include "support/scratch.h"

namespace heddle::kernel {
namespace {

constexpr const char* kMixed = R"(
kernel mixed(n: index, gain: int<8>, a: in fixed<12,4>[4, 8] @global(3) lanes(8), x: in bfloat16[n, 4], flag: in bool[4], y: out fixed<10,4,nearest_even,saturate>[4, 8] @global(5), z: inout float32[n, 4] lanes(4)) {
  # every kind of argument
  for i in 0..4 {
    for l in 0..8 {
      y[i, l] = a[i, l] * gain + select(flag[i], 1, 0)
    }
  }
  for r in 0..n {
    for c in 0..4 {
      z[r, c] += x[r, c] * 0.5
    }
  }
}
)";

struct Result {
  int code = 0;
  std::string output;
};

Result shell(const std::string& command) {
  Result result;
  std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer{};
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    result.output.append(buffer.data(), size);
  }
  result.code = WEXITSTATUS(pclose(pipe));
  return result;
}

void put_all(const Scratch& folder, const std::map<std::string, std::string>& files) {
  for (const auto& [name, text] : files) folder.put(name, text);
}

TEST(HlsProject, HasABankMapAClockAndNoBoard) {
  HlsOptions options;
  options.clock_mhz = 250;
  options.memory = "DDR";
  const auto files = hls_project(*parse_kernel(kMixed, "test"), options);
  EXPECT_EQ(files.size(), 7U);
  EXPECT_EQ(
      files.at("mixed.cfg"),
      "# v++ --link --config mixed.cfg\n[connectivity]\nnk=mixed:1:mixed_1\nsp=mixed_1.a:DDR[3]\n"
      "sp=mixed_1.y:DDR[5]\n\n[clock]\nfreqHz=250000000:mixed_1\n");
  const std::string& tcl = files.at("run_hls.tcl");
  EXPECT_NE(tcl.find("set_top mixed\n"), std::string::npos);
  EXPECT_NE(tcl.find("create_clock -period 4.000 "), std::string::npos);
  EXPECT_NE(tcl.find("set_part $::env(PART)"), std::string::npos);
  EXPECT_NE(files.at("mixed.h").find("extern \"C\" void mixed("), std::string::npos);
}

TEST(HlsProject, RunsUnderPlainGppAndTellsPassFromFail) {
  const KernelPtr kernel = parse_kernel(kMixed, "test");
  Buffer a(fixed_type(12, 4), {4, 8});
  Buffer x(bfloat16_type(), {3, 4});
  Buffer flag(bool_type(), {4});
  Buffer y(fixed_type(10, 4, Rounding::kNearestEven, Overflow::kSaturate), {4, 8});
  Buffer z(float32_type(), {3, 4});
  for (std::int64_t i = 0; i < 32; ++i) a.set(i, static_cast<double>(i) / 7 - 2);
  for (std::int64_t i = 0; i < 12; ++i) {
    x.set(i, static_cast<double>(i) / 3);
    z.set(i, static_cast<double>(-i));
  }
  flag.set(2, Scalar{bool_type(), 1});
  const Buffer z_before = z;
  Buffer z_copy = z_before;
  const std::vector<Argument> before = {
      Scalar{index_type(), 3}, Scalar{int_type(8), 3}, &a, &x, &flag, &y, &z_copy};
  const std::vector<Argument> after = {
      Scalar{index_type(), 3}, Scalar{int_type(8), 3}, &a, &x, &flag, &y, &z};
  interpret(*kernel, after);

  const Scratch folder;
  put_all(folder, hls_project(*kernel));
  const std::string make =
      "make -C " + folder.path().string() + " CXX=g++ CXXFLAGS='-O0 -Wall -Wextra -Werror' ";
  const Result unknown_size = shell(make + "csim");
  EXPECT_NE(unknown_size.code, 0);
  EXPECT_NE(unknown_size.output.find("the size n is not given: n=NUMBER"), std::string::npos)
      << unknown_size.output;

  put_all(folder, hls_test_data(*kernel, before, after));
  const Result right = shell(make + "csim DATA=.");
  EXPECT_EQ(right.code, 0) << right.output;
  EXPECT_NE(right.output.find("y: 0 of 32 elements differ\nz: 0 of 12 elements differ\nPASS\n"),
            std::string::npos)
      << right.output;

  z.set(5, 77.0);
  put_all(folder, hls_test_data(*kernel, before, after));
  const Result wrong = shell(make + "csim DATA=.");
  EXPECT_NE(wrong.code, 0);
  EXPECT_NE(wrong.output.find("z: 1 of 12 elements differ\nFAIL\n"), std::string::npos)
      << wrong.output;

  folder.put("x.bin", "short");
  const Result broken = shell(make + "csim DATA=.");
  EXPECT_NE(broken.output.find("x.bin has 5 bytes, not 24"), std::string::npos) << broken.output;

  const Result random =
      shell("cd " + folder.path().string() + " && ./mixed_test n=2 && ./mixed_test --help");
  EXPECT_EQ(random.code, 0) << random.output;
  EXPECT_NE(random.output.find("nothing was compared"), std::string::npos) << random.output;
  EXPECT_NE(random.output.find("z.expected.bin"), std::string::npos) << random.output;
}

TEST(HlsProject, AsksForTheDeviceThatSynthesisNeeds) {
  const Scratch folder;
  put_all(folder, hls_project(*parse_kernel(kMixed, "test")));
  for (const std::string target : {"csynth", "xo", "xclbin"}) {
    const Result result = shell("make -C " + folder.path().string() + " " + target);
    EXPECT_NE(result.code, 0) << target;
    EXPECT_NE(result.output.find("name the device: make csynth PART="), std::string::npos)
        << result.output;
  }
}

}  // namespace
}  // namespace heddle::kernel

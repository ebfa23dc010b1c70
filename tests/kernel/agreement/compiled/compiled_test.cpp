// Every workload as compiled code: native, and the HLS C++ under the system's compiler. All kernels
// of a back end stand in one object.
#include <gtest/gtest.h>

#include "kernel/agreement/all_workloads.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/codegen/hls/simulation.h"
#include "support/scratch.h"

namespace heddle::kernel {
namespace {

std::vector<KernelPtr> kernels_of(const std::vector<Workload>& workloads) {
  std::vector<KernelPtr> kernels;
  for (const Workload& workload : workloads) kernels.push_back(workload.kernel);
  return kernels;
}

/// Runs every workload's kernel, by its number in `compiled`, against its plain program.
template <typename Compiled>
void expect_bits_of_plain_cpp(const std::vector<Workload>& workloads, const Compiled& compiled) {
  for (std::size_t i = 0; i < workloads.size(); ++i) {
    Operands outputs = workloads[i].inputs;
    Operands expected = workloads[i].inputs;
    compiled.run(outputs.arguments(), i);
    workloads[i].reference(expected);
    EXPECT_EQ(outputs.difference(expected), "") << workloads[i].name;
  }
}

TEST(CompiledWorkloads, NativeCodeGivesTheBitsOfPlainCpp) {
  const Scratch cache;
  const std::vector<Workload> workloads = all_workloads(Size::kLarge);
  NativeOptions options;
  options.cache = cache.path();
  expect_bits_of_plain_cpp(workloads, NativeLibrary(kernels_of(workloads), options));
}

TEST(CompiledWorkloads, HlsCppGivesTheBitsOfPlainCpp) {
  const Scratch cache;
  const std::vector<Workload> workloads = all_workloads(Size::kSmall);
  expect_bits_of_plain_cpp(workloads, HlsSimulation(kernels_of(workloads), cache.path()));
}

}  // namespace
}  // namespace heddle::kernel

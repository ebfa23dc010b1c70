// Every workload in the interpreter (the bits of the plain C++ program) and as text and back.
#include <gtest/gtest.h>

#include "kernel/agreement/all_workloads.h"
#include "kernel/interpret.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

Operands expected(const Workload& workload) {
  Operands outputs = workload.inputs;
  workload.reference(outputs);
  return outputs;
}

class EveryWorkload : public testing::TestWithParam<Workload> {};

TEST_P(EveryWorkload, PlainProgramComputesFiniteNumbersFromItsInputs) {
  const Operands outputs = expected(GetParam());
  EXPECT_EQ(outputs.not_finite(), std::vector<std::string>());
  EXPECT_NE(outputs.difference(GetParam().inputs), "") << "nothing was computed";
}

TEST_P(EveryWorkload, InterpreterGivesTheBitsOfPlainCpp) {
  Operands outputs = GetParam().inputs;
  interpret(*GetParam().kernel, outputs.arguments());
  EXPECT_EQ(outputs.difference(expected(GetParam())), "");
}

TEST_P(EveryWorkload, TextParsesBackToTheSameKernel) {
  const std::string text = to_text(*GetParam().kernel);
  const KernelPtr parsed = parse_kernel(text, "text");
  EXPECT_TRUE(equal(*parsed, *GetParam().kernel)) << text;
  EXPECT_EQ(to_text(*parsed), text);
}

std::string test_name(const testing::TestParamInfo<Workload>& info) {
  return info.param.kernel->name;
}

INSTANTIATE_TEST_SUITE_P(Kernels, EveryWorkload, testing::ValuesIn(all_workloads(Size::kSmall)),
                         test_name);

TEST(Workloads, AreAllOfPolyBenchAndTheChosenOnesOfMachSuite) {
  EXPECT_EQ(polybench(Size::kSmall).size(), 30U);
  EXPECT_EQ(machsuite(Size::kSmall).size(), 15U);
}

}  // namespace

/// What GoogleTest shows of a workload.
void PrintTo(const Workload& workload, std::ostream* out) {
  *out << workload.name;
}

}  // namespace heddle::kernel

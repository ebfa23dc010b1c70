// Library kernels as native code: the interpreter's bits.
#include "kernel/codegen/cpp/native.h"

#include "kernel/library/checks.h"
#include "kernel/library/inputs.h"

namespace heddle::kernel {
namespace {

struct Launch {
  std::string name;
  KernelPtr kernel;
  Operands inputs;
};

Launch launch(const std::string& name, const std::string& type, const std::string& mask) {
  const LibraryKernel& entry = find_library_kernel(name);
  std::map<std::string, std::string> given;
  for (const LibraryParameter& parameter : entry.parameters) {
    if (parameter.name == "type") given["type"] = type;
    if (parameter.name == "mask") given["mask"] = mask;
    if (parameter.name == "bias" || parameter.name == "gated") given[parameter.name] = "yes";
  }
  const KernelPtr kernel = made(name, given);
  return {name + " " + type + " " + mask, kernel, library_inputs(kernel)};
}

TEST(NativeLibraryKernels, GiveTheBitsOfTheInterpreter) {
  std::vector<Launch> launches;
  for (const LibraryKernel& entry : library()) {
    launches.push_back(launch(entry.name, "float32", "none"));
    launches.push_back(launch(entry.name, "int8", "causal"));
  }
  std::vector<KernelPtr> kernels;
  for (const Launch& l : launches) kernels.push_back(l.kernel);
  const NativeLibrary native(kernels);
  for (std::size_t i = 0; i < launches.size(); ++i) {
    Operands expected = launches[i].inputs;
    interpret(*launches[i].kernel, expected.arguments());
    EXPECT_NE(expected.difference(launches[i].inputs), "") << launches[i].name;
    Operands outputs = launches[i].inputs;
    native.run(outputs.arguments(), i);
    EXPECT_EQ(outputs.difference(expected), "") << launches[i].name;
  }
}

}  // namespace
}  // namespace heddle::kernel

// Library kernels as native code: the interpreter's bits.
#include "kernel/codegen/cpp/native.h"

#include "kernel/library/checks.h"

namespace heddle::kernel {
namespace {

struct Launch {
  std::string name;
  KernelPtr kernel;
  Operands inputs;
};

/// Values for every scalar argument that library kernels have.
const Scalars kScalars = {{"scale", 0.05},
                          {"inverse_scale", 20},
                          {"router_scale", 0.01},
                          {"epsilon", 0.5},
                          {"offset", 2},
                          {"multiplier", 1 << 30},
                          {"shift", 38},
                          {"multiplier_a", 1 << 29},
                          {"multiplier_b", 1 << 30},
                          {"score_multiplier", 1e9},
                          {"score_shift", 33},
                          {"context_multiplier", 1 << 30},
                          {"context_shift", 46},
                          {"product_multiplier", 1e9},
                          {"product_shift", 36},
                          // The projections of attention_array's default shape.
                          {"step", 0},
                          {"row_words", 64},
                          {"row_scales", 64},
                          {"moving_words", 192},
                          {"octave_count", 1},
                          {"columns", 192},
                          {"values", 1},
                          {"code_words", 192},
                          {"code_scales", 192},
                          {"code_octave_count", 1}};

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

Launch launch(const std::string& name, const std::string& type, const std::string& mask) {
  const LibraryKernel& entry = find_library_kernel(name);
  std::map<std::string, std::string> given;
  for (const LibraryParameter& parameter : entry.parameters) {
    if (parameter.name == "type") given["type"] = type;
    if (parameter.name == "mask") given["mask"] = mask;
    if (parameter.name == "bias" || parameter.name == "gated") given[parameter.name] = "yes";
  }
  const KernelPtr kernel = made(name, given);
  Operands inputs(kernel, kScalars);
  for (const Parameter& parameter : kernel->parameters) {
    if (!std::holds_alternative<ArrayParameter>(parameter)) continue;
    const std::string& array = name_of(parameter);
    if (ends_with(array, "multiplier")) randomise(inputs.buffer(array), 1 << 29, 1 << 30, 1);
    if (ends_with(array, "shift")) randomise(inputs.buffer(array), 36, 38, 2);
  }
  return {name + " " + type + " " + mask, kernel, std::move(inputs)};
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

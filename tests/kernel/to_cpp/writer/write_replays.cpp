// heddle_write_replays FILE: a C++ file that defines kReplays.
#include <fmt/core.h>

#include "base/file.h"
#include "kernel/library/library.h"
#include "kernel/to_cpp/cases/replay_cases.h"

int main(int, char** argv) {
  using namespace heddle::kernel;
  std::string text = R"(#include "kernel/library/library.h"
#include "kernel/to_cpp/cases/replay_cases.h"

namespace heddle::kernel {
namespace {

KernelPtr instruction(const std::string& name) {
  for (const KernelPtr& known : instructions()) {
    if (known->name == name) return known;
  }
  return nullptr;
}

)";
  for (const KernelPtr& known : instructions()) {
    text += fmt::format("const KernelPtr {0} = instruction(\"{0}\");\n", known->name);
  }
  std::string replays;
  for (const auto& [name, schedule] : replay_cases()) {
    text += fmt::format("\nSchedule {}(const KernelPtr& kernel) {{\nSchedule s(kernel);\n{}", name,
                        to_cpp(schedule.steps()));
    text += "return s;\n}\n";
    replays += fmt::format("  {{\"{0}\", {0}}},\n", name);
  }
  text += "\n}  // namespace\n\n";
  text += "const std::map<std::string, std::function<Schedule(const KernelPtr&)>> kReplays = {\n";
  text += replays + "};\n\n}  // namespace heddle::kernel\n";
  heddle::write_file(argv[1], text);
}

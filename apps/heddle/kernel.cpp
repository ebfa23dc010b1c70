// heddle kernel: the kernel language from the command line.
#include "apps/heddle/kernel_verbs.h"
#include "apps/heddle/verbs.h"

namespace heddle {

void add_kernel(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("kernel", "List, schedule, check, run and emit kernels");
  verb->require_subcommand(1);
  verb->footer(
      "A kernel is a name from `heddle kernel list` or a file of kernel text; a schedule is a "
      "name\n"
      "listed there or a file of steps (docs/kernel-language.md).\n"
      "Example:\n"
      "  heddle kernel show linear -p rows=64 --schedule optimised\n"
      "  heddle kernel check linear -p rows=64 --schedule optimised\n"
      "  heddle kernel emit linear --backend hls --schedule optimised -o linear_hls");
  add_kernel_list(*verb);
  add_kernel_show(*verb);
  add_kernel_schedule(*verb);
  add_kernel_explain(*verb);
  add_kernel_check(*verb);
  add_kernel_run(*verb);
  add_kernel_emit(*verb);
}

}  // namespace heddle
